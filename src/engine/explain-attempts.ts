/** Why a goal does not hold: each rule that could have given it, the condition at which it fails first, and what it lacks. */
import type { Fact } from '../base/value.ts'
import type { Disjunct } from '../check/core.ts'
import type { Atom, Instance } from '../ir/instance.ts'
import { nodeKey } from '../ir/terms.ts'
import { type Failure, goalOf, solveBody } from './explain-body.ts'
import { goalKey } from './explain-facts.ts'
import { type Missing, type MissingOptions, MissingSearch } from './explain-missing.ts'
import { conditionsOf, isPart, MAX_DEPTH, type ProofContext } from './explain-proof.ts'
import type { Goal, Solver } from './explain-solver.ts'
import type { State } from './explain-terms.ts'
import { conditionText, shownAtom, sourceOf } from './explain-text.ts'
import type { Attempt, Condition, FailedCondition } from './explanation.ts'

/** Rules of one goal that are told. */
const MAX_ATTEMPTS = 50
/** Typed forms of one rule whose failures are compared, and that are searched for missing facts. */
const MAX_FORMS = 20
const MAX_SEARCHED = 3
/** Steps for finding the best failure of a rule, for finding missing facts, and for trying them. */
const FAILURE_STEPS = 5000
const MISSING_STEPS = 4000
const TRY_STEPS = 20_000
/** Rules that are searched for missing facts. */
const MAX_SEARCHES = 40

export interface AttemptOptions extends MissingOptions {
  readonly proof: ProofContext
  /** A solver that takes these facts for true as well. */
  readonly assuming: (facts: readonly Fact[]) => Solver
}

/** An attempt, and the missing facts as they are. */
export interface FoundAttempt {
  readonly attempt: Attempt
  readonly missing: Missing | null
}

interface Form {
  readonly instance: Instance
  readonly start: State
}

interface FormFailure {
  readonly form: Form
  readonly failure: Failure
}

export class AttemptFinder {
  readonly #options: AttemptOptions
  readonly #shown = new Set<string>()
  #searches = 0

  constructor(options: AttemptOptions) {
    this.#options = options
  }

  /** The rules that could have given a goal which has no answer: each of their alternatives whose types and constants fit. */
  attempts(goal: Goal, depth = 0): FoundAttempt[] {
    const { proof } = this.#options
    const found: FoundAttempt[] = []
    for (const forms of this.#alternatives(goal).values()) {
      if (found.length >= MAX_ATTEMPTS || !proof.room.take(depth)) {
        proof.room.truncated = true
        break
      }
      const attempt = this.#attempt(goal, forms, depth)
      if (attempt) found.push(attempt)
    }
    return found
  }

  /** Typed forms by the alternative that they come from. */
  #alternatives(goal: Goal): Map<Disjunct, Form[]> {
    const { program, solver, budget } = this.#options
    const found = new Map<Disjunct, Form[]>()
    for (const instance of program.instances(goal.predicate, goal.classes)) {
      budget.spend()
      const start = solver.start.match(instance.head, goal.pattern)
      if (start === null) continue
      const forms = found.get(instance.disjunct) ?? []
      found.set(instance.disjunct, forms)
      forms.push({ instance, start })
    }
    return found
  }

  #attempt(goal: Goal, forms: readonly Form[], depth: number): FoundAttempt | null {
    if (forms.length > MAX_FORMS) this.#options.proof.room.truncated = true
    const failures = forms.slice(0, MAX_FORMS).flatMap((form): FormFailure[] => {
      const failure = this.#failure(form)
      return failure ? [{ form, failure }] : []
    })
    const best = furthest(failures)
    if (best === null) return null
    const ordered = [best.form, ...forms.filter((form) => form !== best.form)]
    const missing = this.#missing(goal, ordered)
    const { held, failed } = this.#failed(best.failure, depth + 1)
    const source = sourceOf(this.#options.proof.files, best.form.instance.rule.span)
    return { attempt: { atom: shownAtom(goal), source, held, failed, missing: missing?.atoms ?? null }, missing }
  }

  /** The failure that comes after most conditions that hold. */
  #failure({ instance, start }: Form): Failure | null {
    const { solver, budget } = this.#options
    let best: Failure | null = null
    const keep = (failure: Failure): void => {
      if (best === null || failure.uses.length > best.uses.length) best = failure
    }
    const done = budget.share(FAILURE_STEPS, () => solveBody({ atoms: instance.atoms, start }, solver.complete, () => true, keep))
    if (done === null) this.#options.proof.room.truncated = true
    return best
  }

  #failed(failure: Failure, depth: number): { readonly held: Condition[]; readonly failed: FailedCondition } {
    const { proof, solver } = this.#options
    const { atom, state } = failure
    const held = conditionsOf(failure, proof, depth)
    const source = sourceOf(proof.files, atom.span)
    const text = conditionText(atom, state)
    if (atom.kind === 'not') {
      const [solution] = solver.negation(atom, state).solutions
      return { held, failed: { kind: 'blocked', source, text, because: solution ? conditionsOf(solution, proof, depth) : [] } }
    }
    if (atom.kind !== 'call') return { held, failed: { kind: 'test', source, text } }
    const goal = goalOf(atom, state)
    if (isPart(atom.predicate)) {
      const [inner] = this.attempts(goal, depth)
      if (inner) return { held: [...held, ...inner.attempt.held], failed: inner.attempt.failed }
    }
    const stored = this.#options.program.canStore(atom.predicate, atom.classes)
    return { held, failed: { kind: 'call', source, atom: shownAtom(goal), stored, ...this.#nested(goal, depth) } }
  }

  #nested(goal: Goal, depth: number): Pick<FailedCondition & { kind: 'call' }, 'attempts' | 'rest'> {
    const { program, proof } = this.#options
    const key = goalKey(nodeKey(goal.predicate, goal.classes), goal.pattern)
    if (program.instances(goal.predicate, goal.classes).length === 0) return { attempts: [], rest: 'complete' }
    if (this.#shown.has(key)) return { attempts: [], rest: 'repeated' }
    if (depth >= MAX_DEPTH) {
      proof.room.truncated = true
      return { attempts: [], rest: 'truncated' }
    }
    this.#shown.add(key)
    return { attempts: this.attempts(goal, depth).map(({ attempt }) => attempt), rest: 'complete' }
  }

  /** Facts under which the rule gives the goal, in one of its typed forms. */
  #missing(goal: Goal, forms: readonly Form[]): Missing | null {
    const { budget, assuming } = this.#options
    const works = (facts: readonly Fact[]): boolean => budget.share(TRY_STEPS, () => assuming(facts).first(goal) !== null) ?? false
    let best: Missing | null = null
    for (const { instance, start } of forms.slice(0, MAX_SEARCHED)) {
      this.#searches += 1
      if (this.#searches > MAX_SEARCHES) break
      const found = budget.share(MISSING_STEPS + TRY_STEPS, () => new MissingSearch(this.#options, works).find(instance.atoms, start, goal))
      if (found && (best === null || found.cost < best.cost)) best = found
    }
    return best
  }
}

/** The failure of the alternative as such: one whose conditions, the failed one among them, all hold in another form is of its types alone. */
const furthest = (failures: readonly FormFailure[]): FormFailure | null => {
  const sorted = failures.toSorted((a, b) => b.failure.uses.length - a.failure.uses.length)
  return sorted.find((item) => !sorted.some((other) => other !== item && goesBeyond(other, item))) ?? sorted[0] ?? null
}

/** Whether nothing that the second form tells of is left in the first: it holds there, or is no question for its types. */
const goesBeyond = (first: FormFailure, second: FormFailure): boolean => {
  const held = new Set<Atom>(first.failure.uses.map(({ atom }) => atom))
  const left = first.form.instance.atoms.filter((atom) => !held.has(atom))
  const told = [second.failure.atom, ...second.failure.uses.map(({ atom }) => atom)]
  return !told.some((atom) => left.some((other) => isSameCondition(atom, other)))
}

/** Shorthand makes several conditions of one place. */
const isSameCondition = (a: Atom, b: Atom): boolean =>
  a.span === b.span && a.kind === b.kind && (a.kind !== 'call' || b.kind !== 'call' || a.predicate === b.predicate)

/** Why a goal does not hold: each rule that could have given it, the condition at which it fails first, and what it lacks. */
import { at } from '../base/assert.ts'
import type { Fact } from '../base/value.ts'
import type { Disjunct } from '../check/core.ts'
import type { Atom, Instance } from '../ir/instance.ts'
import { nodeKey, sameTerm, type Term } from '../ir/terms.ts'
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
/** Values of one failed condition whose rules are told. */
const MAX_GOALS = 20
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

/** A rule with its types, for a goal that it could give. */
interface Form {
  readonly goal: Goal
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

  /** The rules that could have given one of some goals without answers: each of their alternatives whose types and constants fit. */
  attempts(goals: readonly Goal[], depth = 0): FoundAttempt[] {
    const { proof } = this.#options
    const found: FoundAttempt[] = []
    for (const forms of this.#alternatives(goals).values()) {
      if (found.length >= MAX_ATTEMPTS || !proof.room.take(depth)) {
        proof.room.truncated = true
        break
      }
      const attempt = this.#attempt(forms, depth)
      if (attempt) found.push(attempt)
    }
    return found
  }

  /** Typed forms by the alternative that they come from. */
  #alternatives(goals: readonly Goal[]): Map<Disjunct, Form[]> {
    const { program, solver, budget } = this.#options
    const found = new Map<Disjunct, Form[]>()
    for (const goal of goals) {
      for (const instance of program.instances(goal.predicate, goal.classes)) {
        budget.spend()
        const start = solver.start.match(instance.head, goal.pattern)
        if (start === null) continue
        const forms = found.get(instance.disjunct) ?? []
        found.set(instance.disjunct, forms)
        forms.push({ goal, instance, start })
      }
    }
    return found
  }

  #attempt(forms: readonly Form[], depth: number): FoundAttempt | null {
    if (forms.length > MAX_FORMS) this.#options.proof.room.truncated = true
    const failures = forms.slice(0, MAX_FORMS).map((form) => this.#failures(form))
    const firsts = failures.flatMap((equal) => equal.slice(0, 1))
    const best = furthest(firsts)
    if (best === null) return null
    const { goal, instance } = best.form
    const ordered = [best.form, ...forms.filter((form) => form !== best.form && form.goal === goal)]
    const missing = this.#missing(goal, ordered)
    const { held, failed } = this.#failed(best.failure, goalsOf(best, failures.flat()), depth + 1)
    const source = sourceOf(this.#options.proof.files, instance.rule.span)
    return { attempt: { atom: shownAtom(goal), source, held, failed, missing: missing?.atoms ?? null }, missing }
  }

  /** The failures that come after most conditions that hold. */
  #failures(form: Form): readonly FormFailure[] {
    const { solver, budget, proof } = this.#options
    const { instance, start } = form
    let best: FormFailure[] = []
    const keep = (failure: Failure): void => {
      const most = best[0]?.failure.uses.length ?? -1
      if (failure.uses.length > most) best = []
      if (failure.uses.length >= most) best.push({ form, failure })
    }
    const done = budget.share(FAILURE_STEPS, () => solveBody({ atoms: instance.atoms, start }, solver.complete, () => true, keep))
    if (done === null) proof.room.truncated = true
    return best
  }

  /** `goals`: what the failed condition asks for, if it is a call, in every form that gets there. */
  #failed(failure: Failure, goals: readonly Goal[], depth: number): { readonly held: Condition[]; readonly failed: FailedCondition } {
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
    if (isPart(atom.predicate)) {
      const [inner] = this.attempts(this.#told(goals, MAX_GOALS), depth)
      if (inner) return { held: [...held, ...inner.attempt.held], failed: inner.attempt.failed }
    }
    const stored = this.#options.program.canStore(atom.predicate, atom.classes)
    return { held, failed: { kind: 'call', source, atom: shownAtom(goalOf(atom, state)), stored, ...this.#nested(goals, depth) } }
  }

  #nested(goals: readonly Goal[], depth: number): Pick<FailedCondition & { kind: 'call' }, 'attempts' | 'rest'> {
    const { program } = this.#options
    const left = goals.filter(({ predicate, classes }) => program.instances(predicate, classes).length > 0)
    const fresh = left.filter((goal) => !this.#shown.has(keyOf(goal)))
    const told = this.#told(fresh, depth < MAX_DEPTH ? MAX_GOALS : 0)
    for (const goal of told) this.#shown.add(keyOf(goal))
    const rest = told.length < fresh.length ? 'truncated' : told.length < left.length ? 'repeated' : 'complete'
    return { attempts: this.attempts(told, depth).map(({ attempt }) => attempt), rest }
  }

  #told(goals: readonly Goal[], most: number): readonly Goal[] {
    if (goals.length > most) this.#options.proof.room.truncated = true
    return goals.slice(0, most)
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
const goesBeyond = (first: FormFailure, second: FormFailure): boolean =>
  ![second.failure.atom, ...second.failure.uses.map(({ atom }) => atom)].some((atom) => leftIn(first, atom))

/** What the failed condition asks for, for each type and value for which all holds that is said to hold. */
const goalsOf = ({ failure }: FormFailure, all: readonly FormFailure[]): Goal[] => {
  const goals = all.flatMap((item): [string, Goal][] => {
    const atom = leftIn(item, failure.atom)
    if (atom?.kind !== 'call' || failure.uses.some((use) => leftIn(item, use.atom))) return []
    const goal = goalOf(atom, item.failure.state)
    return [[keyOf(goal), goal]]
  })
  return [...new Map(goals).values()]
}

/** The condition in a form where it is another's as well, and does not hold. */
const leftIn = ({ form, failure }: FormFailure, atom: Atom): Atom | undefined =>
  form.instance.atoms.find((other) => isSameCondition(atom, other) && !failure.uses.some((use) => use.atom === other))

/** Shorthand makes several conditions of one place; what is a variable of one form is a value of another. */
const isSameCondition = (a: Atom, b: Atom): boolean =>
  a.span === b.span &&
  (a.kind === 'call' ? b.kind === 'call' && a.predicate === b.predicate && sameArguments(a.args, b.args) : a.kind === b.kind)

const sameArguments = (a: readonly Term[], b: readonly Term[]): boolean =>
  a.every((term, index) => {
    const other = at(b, index)
    return sameTerm(term, other) || (term.kind === 'variable') !== (other.kind === 'variable')
  })

const keyOf = ({ predicate, classes, pattern }: Goal): string => goalKey(nodeKey(predicate, classes), pattern)

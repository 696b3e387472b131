/** Looks for few facts that would make a rule hold: cheapest first, and what was found is tried before it is told. */
import { at, known } from '../base/assert.ts'
import type { Fact, Value } from '../base/value.ts'
import type { CheckedPolicy } from '../check/core.ts'
import { acceptsFact } from '../check/signatures.ts'
import type { Atom, CallAtom } from '../ir/instance.ts'
import { nodeKey, type Term, valueKey } from '../ir/terms.ts'
import { assignments } from './explain-assign.ts'
import { goalOf, isDecided, readyAtom, stepsOf } from './explain-body.ts'
import type { ExplainBudget } from './explain-budget.ts'
import { factKey, goalKey } from './explain-facts.ts'
import type { NewValues } from './explain-new-values.ts'
import type { ExplainProgram } from './explain-program.ts'
import { renamed } from './explain-rename.ts'
import type { Goal, Solver } from './explain-solver.ts'
import { isGround, type State } from './explain-terms.ts'
import { plainName } from './explain-text.ts'
import type { AtomArgument, ShownAtom } from './explanation.ts'

/** What a fact costs: few facts are better than many, roles and relations better than what rules are there to give. */
const COST = { plain: 1, derived: 5, permission: 12 } as const
/** Costs of a set of facts up to which is searched, one after the other. */
const BOUNDS = [1, 2, 3, 4, 6, 8, 12, 16]
/** Rules one inside another. */
const MAX_RULES = 8
/** Answers of one call that are gone on with. */
const MAX_ANSWERS = 30
/** Sets that are tried. */
const MAX_TRIES = 6

/** A condition that remains, and the goals it was reached through. */
interface Pending {
  readonly atom: Atom
  readonly within: readonly string[]
}

interface Node {
  readonly state: State
  readonly rest: readonly Pending[]
  /** Calls that are taken for facts, told when all else is known. */
  readonly assumed: readonly CallAtom[]
  readonly cost: number
}

export interface Missing {
  readonly facts: readonly Fact[]
  /** The same, with variables for the values that are free to choose. */
  readonly atoms: readonly ShownAtom[]
  readonly cost: number
}

export interface MissingOptions {
  readonly policy: CheckedPolicy
  readonly program: ExplainProgram
  /** Over the facts that there are. */
  readonly solver: Solver
  readonly budget: ExplainBudget
  readonly now: Value
  readonly newValues: NewValues
}

/** One search; made anew for the next. */
export class MissingSearch {
  readonly #options: MissingOptions
  readonly #works: (facts: readonly Fact[]) => boolean
  readonly #tried = new Set<string>()
  #renamings = 0
  #bound = 0
  #below = 0
  #found: Missing | null = null

  /** `works` tells whether facts that were found make the goal hold. */
  constructor(options: MissingOptions, works: (facts: readonly Fact[]) => boolean) {
    this.#options = options
    this.#works = works
  }

  /** The cheapest facts under which the conditions hold; null when none were found. Throws ExplainLimit. */
  find(atoms: readonly Atom[], state: State, goal: Goal): Missing | null {
    const rest = atoms.map((atom): Pending => ({ atom, within: [keyOf(goal)] }))
    for (const bound of BOUNDS) {
      this.#below = this.#bound
      this.#bound = bound
      if (this.#walk({ state, rest, assumed: [], cost: 0 })) break
    }
    return this.#found
  }

  /** True when the search is over. */
  #walk(node: Node): boolean {
    const { state, rest } = node
    const { solver, budget } = this.#options
    budget.spend(1 + rest.length)
    const ready = readyAtom(
      rest.map(({ atom }) => atom),
      state,
      solver.complete,
    )
    if (ready === null) return node.cost > this.#below && this.#finish(node)
    const index = rest.findIndex(({ atom }) => atom === ready)
    const { within } = at(rest, index)
    const others = rest.toSpliced(index, 1)
    if (ready.kind !== 'call') {
      return stepsOf(ready, state, solver.complete).some((step) => this.#walk({ ...node, state: step.state, rest: others }))
    }
    return this.#walkCall({ ...node, rest: others }, ready, within)
  }

  #walkCall(node: Node, atom: CallAtom, within: readonly string[]): boolean {
    const { solver, program } = this.#options
    const goal = goalOf(atom, node.state)
    const { predicate, classes, pattern } = goal
    const isRefused = program.isRefused(predicate, classes, pattern)
    if (!isRefused) {
      const steps = stepsOf(atom, node.state, solver.complete).slice(0, MAX_ANSWERS)
      if (steps.some((step) => this.#walk({ ...node, state: step.state }))) return true
      if (steps.length > 0 && isGround(pattern)) return false
    }
    if (this.#assume(node, atom)) return true
    const key = keyOf(goal)
    if (isRefused || node.cost >= this.#bound || within.length >= MAX_RULES || within.includes(key)) return false
    return program.instances(predicate, classes).some((instance) => {
      this.#renamings += 1
      const { head, atoms } = renamed(instance, this.#renamings)
      const state = unifyAll(node.state, head, atom.args)
      if (state === null) return false
      const added = atoms.map((next): Pending => ({ atom: next, within: [...within, key] }))
      return this.#walk({ ...node, state, rest: [...added, ...node.rest] })
    })
  }

  #assume(node: Node, atom: CallAtom): boolean {
    const { program } = this.#options
    const cost = node.cost + this.#costOf(atom)
    if (cost > this.#bound || !program.canStore(atom.predicate, atom.classes)) return false
    return this.#walk({ ...node, assumed: [...node.assumed, atom], cost })
  }

  #costOf({ predicate, args }: CallAtom): number {
    if (predicate === 'has_permission' || predicate === 'allow') return COST.permission
    if (predicate === 'has_role' || predicate === 'has_relation') return COST.plain
    return this.#options.program.hasRules(predicate, args.length) ? COST.derived : COST.plain
  }

  /** Everything is known but variables of assumed facts: gives them values, and tries. */
  #finish({ state, rest, cost, ...node }: Node): boolean {
    const assumed = node.assumed.toSorted((a, b) => a.span.file - b.span.file || a.span.start - b.span.start)
    const left = rest.map(({ atom }) => atom)
    return assignments({ calls: assumed, left }, state, this.#options, (full) => {
      this.#options.budget.spend(1 + left.length)
      if (!this.#holds(left, full)) return false
      const facts = factsOf(assumed, full)
      if (facts === null || !facts.every((fact) => acceptsFact(this.#options.policy, fact))) return false
      const key = JSON.stringify(facts.map(factKey).sort())
      if (this.#tried.has(key)) return false
      this.#tried.add(key)
      if (this.#works(facts)) {
        const needed = this.#needed(facts)
        const shown = shownFacts(assumed, full, state, this.#options.newValues)
        this.#found = { facts: needed, atoms: shown.filter((_, index) => needed.includes(at(facts, index))), cost }
      }
      return this.#found !== null || this.#tried.size >= MAX_TRIES
    })
  }

  /** Without those that are not needed after all: what was taken for missing may have been given by another way. */
  #needed(facts: readonly Fact[]): readonly Fact[] {
    return facts.reduce<readonly Fact[]>((kept, fact) => {
      const fewer = kept.filter((other) => other !== fact)
      return fewer.length > 0 && this.#works(fewer) ? fewer : kept
    }, facts)
  }

  #holds(left: readonly Atom[], state: State): boolean {
    const rules = this.#options.solver.complete
    let current: State | undefined = state
    for (const atom of left) {
      if (current === undefined || (atom.kind !== 'equal' && !isDecided(atom, current))) return false
      current = stepsOf(atom, current, rules)[0]?.state
    }
    return current !== undefined
  }
}

const keyOf = ({ predicate, classes, pattern }: Goal): string => goalKey(nodeKey(predicate, classes), pattern)

const unifyAll = (state: State, left: readonly Term[], right: readonly Term[]): State | null =>
  left.reduce<State | null>((current, term, index) => current?.unify(term, at(right, index)) ?? null, state)

/** Null when a variable has no value. */
const factsOf = (calls: readonly CallAtom[], state: State): Fact[] | null => {
  const facts = new Map<string, Fact>()
  for (const { predicate, args } of calls) {
    const values = args.flatMap((arg) => state.value(arg) ?? [])
    if (values.length < args.length) return null
    const fact = { predicate, args: values }
    facts.set(factKey(fact), fact)
  }
  return [...facts.values()]
}

/** Values that are new are shown as variables. `before`: the state in which they were still open. */
const shownFacts = (calls: readonly CallAtom[], full: State, before: State, newValues: NewValues): ShownAtom[] => {
  const names = new Map<string, string>()
  const nameOf = (value: Value, arg: Term): string => {
    const found = before.find(arg)
    const plain = found.kind === 'variable' ? plainName(found.id) : '_'
    const taken = new Set(names.values())
    let name = names.get(valueKey(value)) ?? plain
    for (let number = 2; !names.has(valueKey(value)) && taken.has(name); number += 1) name = `${plain}${number}`
    names.set(valueKey(value), name)
    return name
  }
  const shown = new Map<string, ShownAtom>()
  for (const { predicate, args } of calls) {
    const values = args.map((arg): AtomArgument => {
      const value = known(full.value(arg), 'facts have values')
      return newValues.has(value) ? { type: value.type, id: null, variable: nameOf(value, arg) } : value
    })
    shown.set(JSON.stringify([predicate, values]), { predicate, args: values })
  }
  return [...shown.values()]
}

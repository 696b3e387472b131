/** Argument patterns: what each specialised predicate can derive, whatever the facts are, with its wildcards (polar.md 11.2). */
import { at } from '../../src/base/assert.ts'
import type { CoreLiteral, CoreRule, CoreTerm, Disjunct, FactSignature } from '../../src/check/core.ts'
import type { Bindings, Pattern, Position } from './bindings.ts'
import { classOf, elementOf, noBindings, patternKey, patternOf, unify } from './bindings.ts'
import { someOf, typesOf, wildcardOf } from './element.ts'
import { goalsOf } from './goals.ts'
import type { CallLiteral, NotLiteral, Program } from './program.ts'
import { present, settle, unknownNow, unwritten } from './program.ts'

export interface Wildcards {
  /** Every way for a call to hold: by what rules derive, and by the facts that the policy accepts. */
  readonly callStates: (state: Bindings, call: CallLiteral) => Bindings[]
  /** Every way for the conditions of a disjunct to hold, as far as that can be told. */
  readonly join: (start: Bindings, disjunct: Disjunct) => Bindings[]
  /** A `not` without what can never hold inside it, and without what always does: the rest looks at values. */
  readonly possible: (state: Bindings, literal: NotLiteral) => NotLiteral
  /** Whether a `not` can never hold, because something inside always does. */
  readonly isNever: (state: Bindings, literal: NotLiteral) => boolean
}

interface Table {
  readonly predicate: string
  readonly goal: Pattern
  readonly patterns: Map<string, Pattern>
  /** Part of a finished fixpoint. */
  final: boolean
}

/** What an oracle has to look at is more than somebody waits for. */
export class TooMuchForOracle extends Error {
  override readonly name = 'TooMuchForOracle'
}

/** Patterns that are held against calls: about half a minute. */
const MAX_WORK = 2_000_000

/** All tables, how often they grew, and what was done to fill them. */
class Tables {
  readonly #tables = new Map<string, Table>()
  growth = 0
  #work = 0

  spend(work: number): void {
    this.#work += work
    if (this.#work > MAX_WORK) throw new TooMuchForOracle(`more than ${MAX_WORK} patterns were held against calls`)
  }

  of(predicate: string, goal: Pattern): Table {
    const key = `${predicate}(${patternKey(goal)})`
    const known = this.#tables.get(key)
    if (known) return known
    const table = { predicate, goal, patterns: new Map(), final: false }
    this.#tables.set(key, table)
    this.growth++
    return table
  }

  add({ patterns }: Table, pattern: Pattern): void {
    const key = patternKey(pattern)
    if (patterns.has(key)) return
    patterns.set(key, pattern)
    this.growth++
  }

  open(): readonly Table[] {
    return [...this.#tables.values()].filter(({ final }) => !final)
  }
}

/** Least fixpoints, every accepted fact being possible. Negations and comparisons let wildcards pass: whether they may meet one is another question. */
export const wildcardsOf = (program: Program): Wildcards => {
  const tables = new Tables()
  let settling = false
  const callStates = (state: Bindings, call: CallLiteral): Bindings[] => {
    const goals = goalsOf(program, openGoal(patternOf(state, call.args)))
    const asked = goals.map((goal) => tables.of(call.predicate, goal))
    if (!settling && asked.some(({ final }) => !final)) {
      settling = true
      settleTables(program, tables, join)
      settling = false
    }
    const patterns = new Map(asked.flatMap((table) => [...table.patterns]))
    tables.spend(patterns.size)
    return present([...patterns.values()].map((pattern) => unify(state, call.args, pattern)))
  }
  const join = (start: Bindings, disjunct: Disjunct): Bindings[] =>
    disjunct.literals
      .filter((literal) => literal.kind === 'call')
      .reduce((states, call) => states.flatMap((state) => callStates(state, call)), settle(program, start, disjunct))
      .filter((state) => !disjunct.literals.some((literal) => literal.kind === 'not' && isNever(state, literal)))
  const possible = (state: Bindings, literal: NotLiteral): NotLiteral => {
    const alive = literal.disjuncts.filter((inner) => join(state, inner).length > 0)
    const left = (inner: CoreLiteral): CoreLiteral[] =>
      isAlways(state, inner) ? [] : [inner.kind === 'not' ? possible(state, inner) : inner]
    return { ...literal, disjuncts: alive.map(({ literals }) => ({ literals: literals.flatMap(left) })) }
  }
  const isNever = (state: Bindings, literal: NotLiteral): boolean =>
    possible(state, literal).disjuncts.some(({ literals }) => literals.length === 0)
  const isAlways = (state: Bindings, literal: CoreLiteral): boolean =>
    literal.kind === 'not'
      ? possible(state, literal).disjuncts.length === 0
      : literal.kind !== 'call' && isKnownTrue(program, state, literal)
  return { callStates, join, possible, isNever }
}

/** Whether a condition holds for every value that its terms can have. */
const isKnownTrue = (program: Program, state: Bindings, literal: CoreLiteral): boolean => {
  if (literal.kind === 'matches') {
    const types = typesOf(elementOf(state, { kind: 'variable', name: literal.variable }))
    const wanted = program.typesOf(literal.type, literal.exact)
    return types?.every((type) => wanted.includes(type)) ?? false
  }
  if (literal.kind === 'call' || literal.kind === 'not') return false
  const terms = literal.kind === 'in' ? [literal.term] : [literal.left, literal.right]
  if (terms.every((term) => elementOf(state, term).kind === 'value')) return settle(program, state, { literals: [literal] }).length > 0
  return literal.kind === 'equal' && isSameVariable(state, literal.left, literal.right)
}

const isSameVariable = (state: Bindings, left: CoreTerm, right: CoreTerm): boolean =>
  left.kind === 'variable' && right.kind === 'variable' && classOf(state, left.name) === classOf(state, right.name)

/** Patterns do not depend on what is given, but for constants. */
const openGoal = (pattern: Pattern): Pattern =>
  pattern.map(({ element, group }) => ({ element: element.kind === 'value' ? element : wildcardOf(typesOf(element)), group }))

const settleTables = (program: Program, tables: Tables, join: Wildcards['join']): void => {
  for (let before = -1; before !== tables.growth; ) {
    before = tables.growth
    for (const table of tables.open()) for (const pattern of derive(program, table, join)) tables.add(table, pattern)
  }
  for (const table of tables.open()) table.final = true
}

const derive = (program: Program, { predicate, goal }: Table, join: Wildcards['join']): Pattern[] => {
  const facts = program.policy.signatures.filter(
    (signature) => signature.predicate === predicate && signature.positions.length === goal.length,
  )
  return [
    ...facts.flatMap((signature) => factPatterns(signature, goal)),
    ...program.rulesOf(predicate, goal.length).flatMap((rule) => rulePatterns(rule, goal, join)),
  ]
}

/** Facts that the policy accepts, if they can be what is asked for. Which of its names a fact holds is for the data to tell. */
const factPatterns = ({ positions }: FactSignature, goal: Pattern): Pattern[] => {
  const fits = positions.every(({ name }, index) => {
    const asked = at(goal, index).element
    return name === null || asked.kind !== 'value' || asked.value.id === name
  })
  return fits ? [positions.map(({ types }, group) => ({ element: someOf(types), group }))] : []
}

const rulePatterns = (rule: CoreRule, goal: Pattern, join: Wildcards['join']): Pattern[] => {
  const start = unify(noBindings(unknownNow), rule.params, goal)
  if (start === null) return []
  return rule.disjuncts.flatMap((disjunct) => join(start, disjunct)).map((state) => patternOf(state, rule.params).map(anyOf))
}

/** The value that stands for all unwritten ones is one of them for whoever asked. */
const anyOf = ({ element, group }: Position): Position => ({
  element: element.kind === 'value' && element.value.id === unwritten('').id ? someOf([element.value.type]) : element,
  group,
})

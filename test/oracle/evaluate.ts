/** Evaluates calls over the facts, goal by goal to the least fixpoint; answers are argument patterns. Naive on purpose. */
import { assert, at } from '../../src/base/assert.ts'
import type { Fact, Value } from '../../src/base/value.ts'
import { sameValue } from '../../src/base/value.ts'
import type { CoreLiteral, CoreRule, CoreTerm, Disjunct } from '../../src/check/core.ts'
import type { Bindings, Pattern } from './bindings.ts'
import { elementOf, noBindings, patternKey, patternOf, unify } from './bindings.ts'
import { valueElement } from './element.ts'
import type { CallLiteral, NotLiteral, Program } from './program.ts'
import { inOrder, outerVariables, present, scopeOf, settle, variablesOf } from './program.ts'
import type { Refusals } from './refusals.ts'

export interface World {
  readonly program: Program
  readonly refusals: Refusals
  readonly facts: readonly Fact[]
  readonly unixSeconds: number
}

export interface Evaluator {
  /** Every way for the conjunction to hold. The question must not be one that is refused. */
  readonly solve: (start: Bindings, disjunct: Disjunct, scope: ReadonlySet<string>) => Bindings[]
  readonly start: () => Bindings
}

/** A goal being evaluated: its answers so far, and the goals that read them. */
interface Table {
  readonly predicate: string
  readonly goal: Pattern
  readonly answers: Map<string, Pattern>
  readonly readers: Set<Table>
}

export const evaluatorOf = (world: World): Evaluator => {
  const finished = new Map<string, Table>()
  const now = noBindings(valueElement({ type: 'Integer', id: String(world.unixSeconds) }))
  return { solve: (start, disjunct, scope) => solveAll({ world, finished, now, negations: [] }, start, disjunct, scope), start: () => now }
}

interface Run {
  readonly world: World
  /** Goals whose answers are complete. */
  readonly finished: Map<string, Table>
  readonly now: Bindings
  /** Negations being evaluated, outermost first: meeting one again would mean that the program is not stratified. */
  readonly negations: readonly string[]
}

/** Answers a conjunction: its goals, theirs and so on are evaluated until nothing changes. */
const solveAll = (run: Run, start: Bindings, disjunct: Disjunct, scope: ReadonlySet<string>): Bindings[] => {
  const open = new Map<string, Table>()
  const queue = new Set<Table>()
  const ask = (predicate: string, goal: Pattern, reader: Table | null): Iterable<Pattern> => {
    const key = `${predicate}(${patternKey(goal)})`
    const known = run.finished.get(key) ?? open.get(key)
    const table: Table = known ?? { predicate, goal, answers: new Map(), readers: new Set() }
    if (known === undefined) {
      open.set(key, table)
      queue.add(table)
    }
    if (reader !== null) table.readers.add(reader)
    return [...table.answers.values()]
  }
  const body = (reader: Table | null) => bodySolver(run, (predicate, goal) => ask(predicate, goal, reader))
  let found = body(null)(start, disjunct, scope)
  while (queue.size > 0) {
    for (const table of queue) {
      queue.delete(table)
      if (grow(run, table, body(table))) for (const reader of table.readers) queue.add(reader)
    }
    found = body(null)(start, disjunct, scope)
  }
  for (const [key, table] of open) run.finished.set(key, table)
  return found
}

type BodySolver = (start: Bindings, disjunct: Disjunct, scope: ReadonlySet<string>) => Bindings[]

/** Adds what facts and rules derive for a goal now; true when that was something new. */
const grow = (run: Run, table: Table, solve: BodySolver): boolean => {
  const before = table.answers.size
  const facts = run.world.facts.filter((fact) => fact.predicate === table.predicate && fact.args.length === table.goal.length)
  const rules = run.world.program.rulesOf(table.predicate, table.goal.length)
  for (const pattern of [
    ...facts.flatMap((fact) => factAnswers(run, table, fact)),
    ...rules.flatMap((rule) => ruleAnswers(run, table, rule, solve)),
  ]) {
    table.answers.set(patternKey(pattern), pattern)
  }
  return table.answers.size > before
}

const factAnswers = (run: Run, table: Table, fact: Fact): Pattern[] => {
  const terms = fact.args.map((value): CoreTerm => ({ kind: 'value', value }))
  const state = unify(run.now, terms, table.goal)
  return state === null ? [] : [patternOf(state, terms)]
}

const ruleAnswers = (run: Run, table: Table, rule: CoreRule, solve: BodySolver): Pattern[] => {
  const start = unify(run.now, rule.params, table.goal)
  if (start === null) return []
  const scope = new Set(variablesOf(rule.params))
  return rule.disjuncts.flatMap((disjunct) => solve(start, disjunct, scope)).map((state) => patternOf(state, rule.params))
}

const bodySolver = (run: Run, ask: (predicate: string, goal: Pattern) => Iterable<Pattern>): BodySolver => {
  const solve: BodySolver = (start, disjunct, outer) => {
    const scope = scopeOf(outer, disjunct)
    const walk = (state: Bindings, calls: readonly CallLiteral[]): Bindings[] => {
      // What can never hold looks at no value.
      if (disjunct.literals.some((literal) => literal.kind === 'not' && run.world.refusals.isNever(state, literal))) return []
      if (calls.length === 0) return disjunct.literals.every((literal) => holds(run, state, scope, literal)) ? [state] : []
      const next = nextCall(run, state, calls)
      const rest = calls.filter((call) => call !== next)
      const answers = [...ask(next.predicate, patternOf(state, next.args))]
      return present(answers.map((answer) => unify(state, next.args, answer))).flatMap((after) => walk(after, rest))
    }
    const calls = disjunct.literals.filter((literal) => literal.kind === 'call')
    return settle(run.world.program, start, disjunct).flatMap((state) => walk(state, calls))
  }
  return solve
}

/** Of the calls that can be answered now, the one with the most arguments given. */
const nextCall = (run: Run, state: Bindings, calls: readonly CallLiteral[]): CallLiteral => {
  const given = (call: CallLiteral): number =>
    call.args.filter((arg) => elementOf(state, arg).kind === 'value').length / (call.args.length + 1)
  const ready = calls.filter((call) => !run.world.refusals.refused(call.predicate, patternOf(state, call.args)))
  return at(
    ready.sort((a, b) => given(b) - given(a)),
    0,
  )
}

/** Conditions that look at values: by now they have some, or the question would have been refused. */
const holds = (run: Run, state: Bindings, scope: ReadonlySet<string>, literal: CoreLiteral): boolean => {
  if (literal.kind === 'unequal') return !sameValue(valueOf(state, literal.left), valueOf(state, literal.right))
  if (literal.kind === 'order') return inOrder(literal.operator, valueOf(state, literal.left), valueOf(state, literal.right))
  return literal.kind !== 'not' || holdsNot(run, state, scope, literal)
}

const holdsNot = (run: Run, state: Bindings, scope: ReadonlySet<string>, written: NotLiteral): boolean => {
  const literal = run.world.refusals.possible(state, written)
  const given = outerVariables(scope, literal).map((name) => [name, valueOf(state, { kind: 'variable', name })])
  const key = JSON.stringify([literal, given])
  assert(!run.negations.includes(key), 'a negation depends on itself')
  const inner = { ...run, negations: [...run.negations, key] }
  return !literal.disjuncts.some((disjunct) => solveAll(inner, state, disjunct, scope).length > 0)
}

const valueOf = (state: Bindings, term: CoreTerm): Value => {
  const element = elementOf(state, term)
  assert(element.kind === 'value', 'a comparison or negation met a wildcard')
  return element.value
}

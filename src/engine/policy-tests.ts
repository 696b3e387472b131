/** Runs the tests of a policy: each alone with its own setup facts, over a scratch database that keeps nothing. */
import { assert, known } from '../base/assert.ts'
import type { Value, ValuePattern } from '../base/value.ts'
import type { CheckedPolicy, CoreAssertion, CoreRule, CoreTest, Disjunct } from '../check/core.ts'
import type { AssertionCode } from '../polar/codes.ts'
import type { Span } from '../polar/source.ts'
import type { Store } from '../store/facts.ts'
import { createEngine } from './create.ts'
import { type Engine, QueryError, type Request } from './engine.ts'

export interface PolicyTestOptions {
  readonly policy: CheckedPolicy
  /** Empty, and empty again afterwards. */
  readonly store: Store
  readonly failFast: boolean
  /** `@current_unix_time` of every assertion. */
  readonly unixSeconds: number
  readonly nowMs: () => number
  /** For all tests together. */
  readonly timeoutMs: number
}

export interface TestCount {
  readonly name: string
  readonly passed: number
  readonly total: number
}

export interface AssertionFailure {
  /** A refusal's, where the question of the assertion was refused. */
  readonly code: AssertionCode
  readonly span: Span
  /** The assertion as written, what was expected and what was found. */
  readonly message: string
}

export type PolicyTestOutcome =
  | { readonly kind: 'finished'; readonly tests: readonly TestCount[]; readonly failures: readonly AssertionFailure[] }
  | { readonly kind: 'over-budget' }

/** Counts per test in source order, and one failure per failing assertion. */
export const runPolicyTests = (options: PolicyTestOptions): PolicyTestOutcome => {
  const run = new Run(options)
  try {
    return run.all(options.policy.tests, options.failFast)
  } catch (error) {
    if (error instanceof OverBudget) return { kind: 'over-budget' }
    throw error
  } finally {
    run.close()
  }
}

class OverBudget extends Error {}

interface Problem {
  readonly code: AssertionCode
  readonly text: string
}

/** The values that satisfy a goal or a condition: `every` when one of them is a wildcard. */
interface Answers {
  readonly every: boolean
  readonly ids: ReadonlySet<string>
}

class Run {
  readonly #options: PolicyTestOptions
  readonly #engine: Engine
  /** Names of the rules that stand for conditions after `iff`. */
  readonly #conditions: ReadonlyMap<CoreAssertion, string>
  readonly #deadlineMs: number

  constructor(options: PolicyTestOptions) {
    const { policy, rules } = withConditions(options.policy)
    this.#options = options
    this.#conditions = rules
    this.#engine = createEngine({ store: options.store, policy })
    this.#deadlineMs = options.nowMs() + options.timeoutMs
  }

  all(tests: readonly CoreTest[], failFast: boolean): PolicyTestOutcome {
    const counts: TestCount[] = []
    const failures: AssertionFailure[] = []
    for (const test of tests) {
      const found = this.#withFacts(test, () => this.#assertions(test, failFast))
      counts.push({ name: test.name, passed: found.passed, total: test.assertions.length })
      failures.push(...found.failures)
      if (failFast && failures.length > 0) break
    }
    return { kind: 'finished', tests: counts, failures }
  }

  close(): void {
    this.#engine.close()
  }

  #withFacts<T>({ facts }: CoreTest, work: () => T): T {
    const { store } = this.#options
    const inserted = store.transaction(() => facts.filter((fact) => store.insert(fact)))
    try {
      return work()
    } finally {
      store.transaction(() => {
        for (const fact of inserted) store.remove(fact)
      })
    }
  }

  #assertions({ assertions }: CoreTest, failFast: boolean): { readonly passed: number; readonly failures: readonly AssertionFailure[] } {
    const failures: AssertionFailure[] = []
    let passed = 0
    for (const assertion of assertions) {
      const problem = this.#problemOf(assertion)
      if (problem === null) passed++
      else failures.push({ code: problem.code, span: assertion.span, message: `assertion failed: \`${assertion.text}\`: ${problem.text}` })
      if (failFast && problem !== null) break
    }
    return { passed, failures }
  }

  /** Why an assertion fails, or null. */
  #problemOf(assertion: CoreAssertion): Problem | null {
    const { iff } = assertion
    try {
      const text = iff === null ? this.#checkHolds(assertion) : this.#checkSet(assertion, iff)
      return text === null ? null : { code: iff === null ? 'assertion-failed' : 'assertion-failed-sets', text }
    } catch (error) {
      if (!(error instanceof QueryError)) throw error
      // The budget is shared, so one slow assertion ends the run.
      if (error.code === 'query-too-slow') throw new OverBudget()
      return { code: error.code, text: error.message }
    }
  }

  #checkHolds(assertion: CoreAssertion): string | null {
    const { every, ids } = this.#answersOf(assertion)
    const holds = every || ids.size > 0
    if (holds !== assertion.negated) return null
    const found = assertion.variable === null ? String(holds) : holds ? `values ${listOf({ every, ids })}` : 'no value'
    return `expected ${assertion.variable === null ? String(!holds) : holds ? 'no value' : 'a value'}, found ${found}`
  }

  #checkSet(assertion: CoreAssertion, condition: readonly Disjunct[]): string | null {
    const found = this.#answersOf(assertion)
    const expected = this.#expectedOf(assertion, condition)
    // A wildcard stands for all values, so what stands beside it makes no difference.
    const missing = found.every ? none : expected.every ? { every: true, ids: none.ids } : without(expected, found)
    const excess = expected.every ? none : found.every ? { every: true, ids: none.ids } : without(found, expected)
    const same = isEmpty(missing) && isEmpty(excess)
    if (same !== assertion.negated) return null
    if (same) return `expected other values than ${listOf(found)}`
    return [isEmpty(missing) ? null : `missing ${listOf(missing)}`, isEmpty(excess) ? null : `not expected ${listOf(excess)}`]
      .filter((part) => part !== null)
      .join(', ')
  }

  #expectedOf(assertion: CoreAssertion, condition: readonly Disjunct[]): Answers {
    const variable = known(assertion.variable, 'a condition is about a variable')
    const listed = listedIds(condition, variable)
    if (listed !== null) return { every: false, ids: listed }
    const rule = known(this.#conditions.get(assertion), 'every other condition has a rule')
    return this.#ask(rule, [{ type: variable.type, id: null }], 0)
  }

  #answersOf({ predicate, args, variable }: CoreAssertion): Answers {
    const patterns = args.map((arg): ValuePattern => arg ?? { type: known(variable, 'an open argument is the variable').type, id: null })
    return this.#ask(predicate, patterns, variable?.position ?? null)
  }

  /** Answers at a position; without one, a true goal answers with one value. */
  #ask(predicate: string, patterns: readonly ValuePattern[], position: number | null): Answers {
    const found = this.#engine.match(predicate, patterns, this.#request())
    if (position === null) return { every: false, ids: new Set(found.length > 0 ? ['true'] : []) }
    const ids = found.map(({ args }) => args[position]?.id ?? null)
    return { every: ids.includes(null), ids: new Set(ids.filter((id) => id !== null)) }
  }

  #request(): Request {
    const { nowMs, unixSeconds } = this.#options
    const timeoutMs = this.#deadlineMs - nowMs()
    if (timeoutMs <= 0) throw new OverBudget()
    return { contextFacts: [], unixSeconds, nowMs, timeoutMs }
  }
}

const none: Answers = { every: false, ids: new Set() }

const isEmpty = ({ every, ids }: Answers): boolean => !every && ids.size === 0

const without = (left: Answers, right: Answers): Answers => ({
  every: false,
  ids: new Set([...left.ids].filter((id) => !right.ids.has(id))),
})

const listOf = ({ every, ids }: Answers): string =>
  [...(every ? ['*'] : []), ...[...ids].sort((a, b) => (a < b ? -1 : 1))].map((id) => `\`${id}\``).join(', ') || 'none'

/** The ids of a condition that only lists values, or null for every other one. */
const listedIds = (
  condition: readonly Disjunct[],
  variable: { readonly name: string; readonly type: string },
): ReadonlySet<string> | null => {
  const ids = new Set<string>()
  for (const { literals } of condition) {
    const [literal] = literals
    if (literals.length !== 1 || literal === undefined) return null
    const values = valuesOf(literal, variable.name)
    if (values === null) return null
    for (const { type, id } of values) if (type === variable.type) ids.add(id)
  }
  return ids
}

const valuesOf = (literal: Disjunct['literals'][number], name: string): readonly Value[] | null => {
  if (literal.kind === 'in') return literal.term.kind === 'variable' && literal.term.name === name ? literal.values : null
  if (literal.kind !== 'equal') return null
  const { left, right } = literal
  if (left.kind === 'variable' && left.name === name && right.kind === 'value') return [right.value]
  return right.kind === 'variable' && right.name === name && left.kind === 'value' ? [left.value] : null
}

/** The policy with one more rule per condition, so that conditions are answered by the same engine as goals. */
const withConditions = (policy: CheckedPolicy): { readonly policy: CheckedPolicy; readonly rules: ReadonlyMap<CoreAssertion, string> } => {
  const names = new Map<CoreAssertion, string>()
  const rules: CoreRule[] = []
  for (const assertion of policy.tests.flatMap(({ assertions }) => assertions)) {
    if (assertion.iff === null || assertion.variable === null || listedIds(assertion.iff, assertion.variable) !== null) continue
    // No written name holds a `#`.
    const predicate = `condition#${names.size}`
    names.set(assertion, predicate)
    rules.push(conditionRule(predicate, assertion, assertion.iff))
  }
  if (rules.length === 0) return { policy, rules: names }
  const predicates = new Set([...policy.predicates, ...rules.map(({ predicate }) => `${predicate}/1`)])
  return { policy: { ...policy, rules: [...policy.rules, ...rules], predicates }, rules: names }
}

const conditionRule = (predicate: string, { variable, span }: CoreAssertion, iff: readonly Disjunct[]): CoreRule => {
  assert(variable !== null, 'a condition is about a variable')
  const typed = { kind: 'matches', variable: variable.name, type: variable.type, exact: true, span } as const
  const disjuncts = iff.map(({ literals }) => ({ literals: [typed, ...literals] }))
  return { predicate, params: [{ kind: 'variable', name: variable.name }], disjuncts, span }
}

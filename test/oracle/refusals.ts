/** Questions without a finite answer: decided from the policy, the constants and which arguments are free, never from facts (polar.md 11.2). */
import type { CoreLiteral, Disjunct } from '../../src/check/core.ts'
import type { Bindings, Pattern } from './bindings.ts'
import { elementOf, noBindings, patternKey, patternOf, unify } from './bindings.ts'
import { goalsOf } from './goals.ts'
import type { CallLiteral, NotLiteral, Program } from './program.ts'
import { outerVariables, scopeOf, settle, unknownNow, variablesOf } from './program.ts'
import type { Wildcards } from './wildcards.ts'
import { wildcardsOf } from './wildcards.ts'

export interface Refusals {
  /** Whether a call cannot be enumerated with these arguments given and those free. */
  refused(predicate: string, goal: Pattern): boolean
  /** The same for a conjunction; `ends` receives every way in which its calls can hold. */
  refusedBody(start: Bindings, disjunct: Disjunct, scope: ReadonlySet<string>, ends: (state: Bindings) => void): boolean
  /** Every way for a conjunction to hold as far as that can be told, those of refused calls included. */
  ways(start: Bindings, disjunct: Disjunct): Bindings[]
  /** A `not` without what can never hold inside it, and without what always does: the rest looks at values. */
  possible(state: Bindings, literal: NotLiteral): NotLiteral
  /** Whether something inside a `not` always holds, whatever values its variables have. */
  isNever(state: Bindings, literal: NotLiteral): boolean
}

interface Goal {
  readonly predicate: string
  readonly pattern: Pattern
  refused: boolean
  /** Its answer is final: a finished fixpoint holds it and all that it rests on. */
  final: boolean
}

export const refusalsOf = (program: Program): Refusals => {
  const goals = new Map<string, Goal>()
  const goalsFor = (predicate: string, pattern: Pattern): Goal[] => goalsOf(program, pattern).map((goal) => goalOf(goals, predicate, goal))
  const wildcards = wildcardsOf(program)
  const body = bodyCheck(program, wildcards, (predicate, pattern) => goalsFor(predicate, pattern).some(({ refused }) => refused))
  const settleGoals = (): void => settleAll(program, goals, body)
  return {
    refused(predicate, pattern) {
      const asked = goalsFor(predicate, pattern)
      if (asked.some(({ final }) => !final)) settleGoals()
      return asked.some(({ refused }) => refused)
    },
    refusedBody(start, disjunct, scope, ends) {
      // A walk finds goals; what they are is known after the fixpoint, and may send the next walk to others.
      for (let before = ''; before !== progress(goals); ) {
        before = progress(goals)
        body(start, disjunct, scope, () => undefined)
        settleGoals()
      }
      return body(start, disjunct, scope, ends)
    },
    ways: wildcards.join,
    possible: wildcards.possible,
    isNever: wildcards.isNever,
  }
}

const progress = (goals: Map<string, Goal>): string => `${goals.size}/${[...goals.values()].filter((goal) => goal.refused).length}`

type BodyCheck = (start: Bindings, disjunct: Disjunct, scope: ReadonlySet<string>, ends: (state: Bindings) => void) => boolean

const goalOf = (goals: Map<string, Goal>, predicate: string, pattern: Pattern): Goal => {
  const key = `${predicate}(${patternKey(pattern)})`
  const goal = goals.get(key) ?? { predicate, pattern, refused: false, final: false }
  goals.set(key, goal)
  return goal
}

/** Least fixpoint: a goal is refused only for a reason that does not rest on itself. Goals found on the way join the walk. */
const settleAll = (program: Program, goals: Map<string, Goal>, body: BodyCheck): void => {
  const open = (): Goal[] => [...goals.values()].filter((goal) => !goal.final)
  for (let grew = open().length > 0; grew; ) {
    const before = progress(goals)
    for (const goal of open()) goal.refused ||= goalRefused(program, goal, body)
    grew = progress(goals) !== before
  }
  for (const goal of open()) goal.final = true
}

const goalRefused = (program: Program, goal: Goal, body: BodyCheck): boolean =>
  program.rulesOf(goal.predicate, goal.pattern.length).some((rule) => {
    const start = unify(noBindings(unknownNow), rule.params, goal.pattern)
    const scope = new Set(variablesOf(rule.params))
    return start !== null && rule.disjuncts.some((disjunct) => body(start, disjunct, scope, () => undefined))
  })

const bodyCheck = (program: Program, wildcards: Wildcards, refused: (predicate: string, pattern: Pattern) => boolean): BodyCheck => {
  const check: BodyCheck = (start, disjunct, outer, ends) => {
    const scope = scopeOf(outer, disjunct)
    const walk = (state: Bindings, calls: readonly CallLiteral[]): boolean => {
      // Any call that can be answered by now may come next: what it binds can only help the others.
      const next = calls.find((call) => !refused(call.predicate, patternOf(state, call.args)))
      if (next !== undefined) {
        const rest = calls.filter((call) => call !== next)
        return wildcards.callStates(state, next).some((after) => walk(after, rest))
      }
      if (calls.length > 0) return true
      if (disjunct.literals.some((literal) => literal.kind === 'not' && wildcards.isNever(state, literal))) return false
      ends(state)
      return disjunct.literals.some((literal) => meetsWildcard(wildcards, state, scope, literal) || insideRefused(state, scope, literal))
    }
    const calls = disjunct.literals.filter((literal) => literal.kind === 'call')
    return settle(program, start, disjunct).some((state) => walk(state, calls))
  }
  const insideRefused = (state: Bindings, scope: ReadonlySet<string>, literal: CoreLiteral): boolean =>
    literal.kind === 'not' && wildcards.possible(state, literal).disjuncts.some((inner) => check(state, inner, scope, () => undefined))
  return check
}

/** Whether a comparison or `not` would look at a wildcard. */
const meetsWildcard = (wildcards: Wildcards, state: Bindings, scope: ReadonlySet<string>, literal: CoreLiteral): boolean => {
  if (literal.kind === 'not') {
    return outerVariables(scope, wildcards.possible(state, literal)).some(
      (name) => elementOf(state, { kind: 'variable', name }).kind === 'wildcard',
    )
  }
  if (literal.kind !== 'order' && literal.kind !== 'unequal') return false
  return [literal.left, literal.right].some((term) => elementOf(state, term).kind === 'wildcard')
}

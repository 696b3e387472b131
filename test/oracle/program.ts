/** How the oracle reads core rules: rules by predicate, types by name, variables by scope. */
import type { Value } from '../../src/base/value.ts'
import { sameValue } from '../../src/base/value.ts'
import type { CheckedPolicy, CoreLiteral, CoreRule, CoreTerm, Disjunct, OrderOperator } from '../../src/check/core.ts'
import type { Bindings } from './bindings.ts'
import { elementOf, equate, restrict } from './bindings.ts'
import type { Element } from './element.ts'
import { someOf, valueElement, wildcardOf } from './element.ts'

export interface Program {
  readonly policy: CheckedPolicy
  rulesOf(predicate: string, arity: number): readonly CoreRule[]
  /** Concrete types that satisfy `matches name` or `matches! name`. */
  typesOf(name: string, exact: boolean): readonly string[]
  /** Whether a rule or a declaration of the policy writes this value. */
  writes(value: Value): boolean
  /** Every concrete type that the policy speaks of, and one that stands for all others. */
  readonly types: readonly string[]
}

export type CallLiteral = Extract<CoreLiteral, { kind: 'call' }>
export type NotLiteral = Extract<CoreLiteral, { kind: 'not' }>

export const programOf = (policy: CheckedPolicy): Program => {
  const rules = Map.groupBy(policy.rules, (rule) => `${rule.predicate}/${rule.params.length}`)
  const names = policy.signatures.flatMap(({ positions }) =>
    positions.flatMap(({ name }) => (name === null ? [] : [{ type: 'String', id: name }])),
  )
  const written = new Set([...writtenValues(policy), ...names].map(({ type, id }) => JSON.stringify([type, id])))
  return {
    policy,
    rulesOf: (predicate, arity) => rules.get(`${predicate}/${arity}`) ?? [],
    typesOf(name, exact) {
      if (exact) return name === 'Actor' || name === 'Resource' ? [] : [name]
      return policy.concreteTypes.get(name) ?? [name]
    },
    writes: ({ type, id }) => written.has(JSON.stringify([type, id])),
    types: [...new Set([...typeNames(policy), 'String', 'Integer', 'Boolean', '\0unwritten'])],
  }
}

/** Every value that a rule writes. */
export const writtenValues = (policy: CheckedPolicy): Value[] =>
  policy.rules.flatMap((rule) =>
    [...rule.params, ...rule.disjuncts.flatMap(termsOf)].flatMap((term) => (term.kind === 'value' ? [term.value] : [])),
  )

/** Every concrete type that a rule can speak of. */
export const typeNames = (policy: CheckedPolicy): string[] => [
  ...[...policy.concreteTypes.values()].flat(),
  ...policy.signatures.flatMap(({ positions }) => positions.flatMap(({ types }) => types ?? [])),
  ...policy.rules.flatMap(({ disjuncts }) => disjuncts.flatMap(matchedTypes(policy))),
]

const matchedTypes =
  (policy: CheckedPolicy) =>
  (disjunct: Disjunct): string[] =>
    disjunct.literals.flatMap((literal: CoreLiteral): readonly string[] => {
      if (literal.kind === 'not') return literal.disjuncts.flatMap(matchedTypes(policy))
      if (literal.kind !== 'matches' || literal.type === 'Actor' || literal.type === 'Resource') return []
      return policy.concreteTypes.get(literal.type) ?? [literal.type]
    })

/** Every term of a disjunct, those inside `not` included; values of `in` lists as terms. */
export const termsOf = (disjunct: Disjunct): CoreTerm[] => disjunct.literals.flatMap(literalTerms)

const literalTerms = (literal: CoreLiteral): CoreTerm[] => {
  if (literal.kind === 'call') return [...literal.args]
  if (literal.kind === 'not') return literal.disjuncts.flatMap(termsOf)
  if (literal.kind === 'matches') return [{ kind: 'variable', name: literal.variable }]
  if (literal.kind === 'in') return [literal.term, ...literal.values.map((value): CoreTerm => ({ kind: 'value', value }))]
  return [literal.left, literal.right]
}

export const variablesOf = (terms: readonly CoreTerm[]): string[] => terms.flatMap((term) => (term.kind === 'variable' ? [term.name] : []))

/** Variables that a disjunct shares with its `not`s: those of the scope around it and those of its other conditions. */
export const scopeOf = (outer: ReadonlySet<string>, disjunct: Disjunct): ReadonlySet<string> =>
  new Set([...outer, ...variablesOf(disjunct.literals.filter((literal) => literal.kind !== 'not').flatMap(literalTerms))])

/** Variables of the scope that a `not` looks at. */
export const outerVariables = (scope: ReadonlySet<string>, literal: NotLiteral): string[] => [
  ...new Set(variablesOf(literalTerms(literal)).filter((name) => scope.has(name))),
]

/** Every way to meet the conditions that need no data: `=`, `in`, `matches`, the types that order operators ask for, comparisons of known values. */
export const settle = (program: Program, start: Bindings, disjunct: Disjunct): Bindings[] => {
  let states: Bindings[] = [start]
  for (const literal of disjunct.literals) {
    if (literal.kind === 'in') {
      states = states.flatMap((state) => present(literal.values.map((value) => restrict(state, literal.term, valueElement(value)))))
    } else {
      states = present(states.map((state) => settleOne(program, state, literal)))
    }
  }
  return states.filter((state) => disjunct.literals.every((literal) => !isFalse(state, literal)))
}

/** One value stands for all that no rule writes: it may be equal to itself or not. */
export const unwritten = (type: string): Value => ({ type, id: '\0unwritten' })

/** Whether a comparison of two known values does not hold. */
const isFalse = (state: Bindings, literal: CoreLiteral): boolean => {
  if (literal.kind !== 'order' && literal.kind !== 'unequal') return false
  const [left, right] = [elementOf(state, literal.left), elementOf(state, literal.right)]
  if (left.kind !== 'value' || right.kind !== 'value' || [left, right].some(({ value }) => value.id === unwritten('').id)) return false
  return literal.kind === 'unequal' ? sameValue(left.value, right.value) : !inOrder(literal.operator, left.value, right.value)
}

export const inOrder = (operator: OrderOperator, left: Value, right: Value): boolean => {
  const [a, b] = [BigInt(left.id), BigInt(right.id)]
  return { '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b }[operator]
}

const settleOne = (program: Program, state: Bindings, literal: CoreLiteral): Bindings | null => {
  if (literal.kind === 'equal') return equate(state, literal.left, literal.right)
  if (literal.kind === 'matches') {
    const types = program.typesOf(literal.type, literal.exact)
    return types.length === 0 ? null : restrict(state, { kind: 'variable', name: literal.variable }, wildcardOf(types))
  }
  if (literal.kind !== 'order') return state
  const left = restrict(state, literal.left, integers)
  return left === null ? null : restrict(left, literal.right, integers)
}

const integers: Element = wildcardOf(['Integer'])

/** `@current_unix_time` where only the data will tell. */
export const unknownNow: Element = someOf(['Integer'])

export const present = <T>(items: readonly (T | null)[]): T[] => items.flatMap((item) => (item === null ? [] : [item]))

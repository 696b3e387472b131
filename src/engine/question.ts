/** A question in the form the compiler takes: calls over variables, each given, asked for, or limited to some ids. */

import type { Value } from '../base/value.ts'
import type { CheckedPolicy, CoreLiteral, CoreRule, CoreTerm, Disjunct } from '../check/core.ts'
import { termsOf } from '../check/literal-terms.ts'
import { open, type PositionClass, valueKey } from '../ir/terms.ts'

export interface QuestionVariable {
  readonly name: string
  /** Exact type; null: any. Only asked-for variables may have none. */
  readonly type: string | null
  /** `given`: one id; `asked`: any; `some`: one of a list of ids; `walked`: each id of the type in turn. */
  readonly mode: 'given' | 'asked' | 'some' | 'walked'
  /** The given value when it is one of the policy's constants: rules that contradict it are left out. */
  readonly constant: Value | null
  /** The policy has constants of this type, and the values given are none of them. */
  readonly other: boolean
}

export interface Question {
  readonly variables: readonly QuestionVariable[]
  readonly calls: readonly { readonly predicate: string; readonly args: readonly string[] }[]
}

/** Name of the predicate that stands for the question itself; no written predicate has a `#`. */
export const questionPredicate = 'question#'

const idsPredicate = (name: string): string => `ids#${name}`

const NO_SPAN = { file: -1, start: 0, end: 0 }

/** The shape of a question: equal texts share a compiled statement. */
export const questionKey = (question: Question): string =>
  JSON.stringify([
    question.variables.map((item) => [item.name, item.type, item.mode, item.constant === null ? item.other : valueKey(item.constant)]),
    question.calls.map((call) => [call.predicate, call.args]),
  ])

/** The question as a rule whose parameters are its variables. */
export const questionRule = (question: Question): CoreRule => {
  const term = (name: string): CoreTerm => ({ kind: 'variable', name })
  const lists = question.variables
    .filter((item) => item.mode === 'some')
    .map((item): CoreLiteral => ({ kind: 'call', predicate: idsPredicate(item.name), args: [term(item.name)], span: NO_SPAN }))
  const calls = question.calls.map(
    (call): CoreLiteral => ({ kind: 'call', predicate: call.predicate, args: call.args.map(term), span: NO_SPAN }),
  )
  return {
    predicate: questionPredicate,
    params: question.variables.map((item) => term(item.name)),
    disjuncts: [{ literals: [...lists, ...calls] }],
    span: NO_SPAN,
  }
}

export const questionClasses = (question: Question): PositionClass[] =>
  question.variables.map((item) => {
    if (item.type === null) return open
    return item.constant ? { kind: 'constant', value: item.constant } : { kind: 'typed', type: item.type, other: item.other }
  })

/** The list of ids of a variable as a source of facts. */
export const idsShape = (item: QuestionVariable): { predicate: string; type: string | null; variable: string } => ({
  predicate: idsPredicate(item.name),
  type: item.type,
  variable: item.name,
})

/** Every constant that the rules of a policy write. */
export const policyConstants = (rules: readonly CoreRule[]): Value[] => {
  const found = new Map<string, Value>()
  const add = (value: Value): void => void found.set(valueKey(value), value)
  const addTerm = (term: CoreTerm): void => {
    if (term.kind === 'value') add(term.value)
  }
  const visit = (disjunct: Disjunct): void => {
    for (const literal of disjunct.literals) {
      termsOf(literal).forEach(addTerm)
      if (literal.kind === 'not') literal.disjuncts.forEach(visit)
      else if (literal.kind === 'in') literal.values.forEach(add)
    }
  }
  for (const rule of rules) {
    rule.params.forEach(addTerm)
    rule.disjuncts.forEach(visit)
  }
  return [...found.values()]
}

/** The constants of a policy, looked up by value and by type. */
export class Constants {
  readonly #idsByType = new Map<string, Set<string>>()

  constructor(values: readonly Value[]) {
    for (const { type, id } of values) {
      const ids = this.#idsByType.get(type)
      if (ids) ids.add(id)
      else this.#idsByType.set(type, new Set([id]))
    }
  }

  has(type: string, id: string): boolean {
    return this.#idsByType.get(type)?.has(id) ?? false
  }

  /** Ids of the constants of a type; null when there are none. */
  idsOf(type: string): ReadonlySet<string> | null {
    return this.#idsByType.get(type) ?? null
  }

  /** A variable that a question gives this value. */
  given(name: string, value: Value): QuestionVariable {
    const isConstant = this.has(value.type, value.id)
    return {
      name,
      type: value.type,
      mode: 'given',
      constant: isConstant ? value : null,
      other: !isConstant && this.#idsByType.has(value.type),
    }
  }
}

/** A variable whose values a question asks for. */
export const askedVariable = (name: string, type: string | null): QuestionVariable => ({
  name,
  type,
  mode: 'asked',
  constant: null,
  other: false,
})

/** Constants of a checked policy, for `apply` to intern and for questions to be classed by: those of its rules, and the names that its facts can have. */
export const constantsOf = (policy: CheckedPolicy): Value[] => {
  const names = policy.signatures.flatMap(({ positions }) => positions.flatMap(({ name }) => (name === null ? [] : [name])))
  return [...policyConstants(policy.rules), ...[...new Set(names)].map((id) => ({ type: 'String', id }))]
}

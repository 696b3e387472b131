/** From what a caller asks to questions with values: constants of the policy are told apart, ids that cannot exist are dropped. */
import { assert } from '../base/assert.ts'
import type { Value } from '../base/value.ts'
import type { ConjunctiveQuery, Constraint } from './engine.ts'
import { askedVariable, type Constants, type Question, type QuestionVariable } from './question.ts'
import { canonicalValue } from './values.ts'

/** A question with the values of this request. */
export interface Asked {
  readonly question: Question
  readonly given: ReadonlyMap<string, Value>
  readonly some: ReadonlyMap<string, readonly Value[]>
}

type Part = { readonly name: string; readonly value: Value } | { readonly name: string; readonly type: string | null }

/** The question of one call; null when a given id is none of its type, which equals nothing. */
export const ask = (parts: readonly Part[], constants: Constants, predicate = 'allow'): Asked | null => {
  const variables: QuestionVariable[] = []
  const given = new Map<string, Value>()
  for (const part of parts) {
    if (!('value' in part)) {
      variables.push(askedVariable(part.name, part.type))
      continue
    }
    const value = canonicalValue(part.value)
    if (!value) return null
    given.set(part.name, value)
    variables.push(constants.given(part.name, value))
  }
  return { question: { variables, calls: [{ predicate, args: parts.map((part) => part.name) }] }, given, some: new Map() }
}

/** Whether `allow` holds for these values. */
export const askAllow = (values: readonly Value[], constants: Constants): Asked | null =>
  ask(
    values.map((value, index) => ({ name: `a${index}`, value })),
    constants,
  )

/** Ways to split lists of ids by the policy's constants, at most: the longest lists beyond it leave out no rules. */
const MAX_SPLITS = 64

interface Choice {
  readonly variable: QuestionVariable
  readonly given: Value | null
  readonly some: readonly Value[]
}

/** The questions whose answers together answer a query. A listed id that is a constant of the policy is asked for by itself,
 * so that rules whose literals contradict the list are left out, refusals included (polar.md 11.2). */
export const askedQuestions = (query: ConjunctiveQuery, names: readonly string[], constants: Constants): Asked[] => {
  const choices = new Map(names.map((name) => [name, choicesOf(name, query.constraints[name], constants)]))
  let ways = 1
  for (const [name, { length }] of [...choices].toSorted(([, a], [, b]) => a.length - b.length)) {
    ways *= Math.max(length, 1)
    if (ways > MAX_SPLITS) choices.set(name, [wholeChoice(name, query.constraints[name], constants)])
  }
  let combined: Choice[][] = [[]]
  for (const options of choices.values()) combined = combined.flatMap((before) => options.map((option) => [...before, option]))
  return combined.map((items) => ({
    question: { variables: items.map((item) => item.variable), calls: query.calls },
    given: new Map(items.flatMap((item) => (item.given ? [[item.variable.name, item.given] as const] : []))),
    some: new Map(items.flatMap((item) => (item.variable.mode === 'some' ? [[item.variable.name, item.some] as const] : []))),
  }))
}

const choicesOf = (name: string, constraint: Constraint | undefined, constants: Constants): Choice[] => {
  if (!constraint || constraint.ids === null) return [wholeChoice(name, constraint, constants)]
  const values = distinctValues(constraint.type, constraint.ids)
  const own = values.filter((value) => constants.has(value.type, value.id))
  const rest = values.filter((value) => !constants.has(value.type, value.id))
  const choices = own.map((value): Choice => ({ variable: constants.given(name, value), given: value, some: [] }))
  return rest.length === 0 ? choices : [...choices, listChoice({ ...askedVariable(name, constraint.type), other: true }, rest, constants)]
}

/** The variable as it stands, its list in one piece. */
const wholeChoice = (name: string, constraint: Constraint | undefined, constants: Constants): Choice => {
  assert(constraint, `\`${name}\` has a constraint`)
  if (constraint.ids === null) return { variable: askedVariable(name, constraint.type), given: null, some: [] }
  return listChoice(askedVariable(name, constraint.type), distinctValues(constraint.type, constraint.ids), constants)
}

const listChoice = (variable: QuestionVariable, values: readonly Value[], constants: Constants): Choice => {
  const [only, ...more] = values
  if (only && more.length === 0) return { variable: constants.given(variable.name, only), given: only, some: [] }
  return { variable: { ...variable, mode: 'some' }, given: null, some: values }
}

const distinctValues = (type: string, ids: readonly string[]): Value[] => {
  const found = new Map<string, Value>()
  for (const id of ids) {
    const value = canonicalValue({ type, id })
    if (value) found.set(value.id, value)
  }
  return [...found.values()]
}

/** Proves an answer of the oracle against the ground model: every instance of a row is true, and every true instance is covered by a row. */
import { at } from '../../src/base/assert.ts'
import type { Value } from '../../src/base/value.ts'
import { sameValue } from '../../src/base/value.ts'
import type { Domain } from './domain.ts'
import type { Element } from './element.ts'
import { admits } from './element.ts'
import type { GroundModel } from './ground.ts'
import type { OpenQuestion } from './oracle.ts'

/** What is wrong with the answer, or null. Rows have one element per variable of the question. */
export const groundCheck = (
  model: GroundModel,
  domain: Domain,
  question: OpenQuestion,
  rows: readonly (readonly Element[])[],
): string | null => {
  for (const row of rows) {
    const wrong = instances(domain, row).find((values) => !isTrue(model, question, values))
    if (wrong) return `not true: ${show(wrong)}`
  }
  const missing = trueInstances(model, question).find((values) => !rows.some((row) => covers(row, values)))
  return missing ? `not covered by a row: ${show(missing)}` : null
}

const show = (values: readonly Value[]): string => values.map(({ type, id }) => `${type}:${id}`).join(', ')

/** Every choice of values from the domain for the wildcards of a row; of the last ones of each type alone where that is too much. */
const instances = (domain: Domain, row: readonly Element[]): Value[][] => {
  const all = row.map((element) => choices(domain, element))
  const count = all.reduce((product, { length }) => product * length, 1)
  const few =
    count <= MAX_INSTANCES
      ? all
      : row.map((element) => choices(new Map([...domain].map(([type, values]) => [type, values.slice(-2)])), element))
  return few.reduce<Value[][]>((found, values) => found.flatMap((before) => values.map((value) => [...before, value])), [[]])
}

/** Instances of one row that are all looked at. */
const MAX_INSTANCES = 5000

const choices = (domain: Domain, element: Element): readonly Value[] =>
  element.kind === 'value' ? [element.value] : [...domain].flatMap(([type, values]) => (admits(element.types, type) ? values : []))

const isTrue = (model: GroundModel, question: OpenQuestion, values: readonly Value[]): boolean => {
  const names = question.variables.map(({ name }) => name)
  return question.calls.every(({ predicate, args }) =>
    model.has(
      predicate,
      args.map((name) => at(values, names.indexOf(name))),
    ),
  )
}

const covers = (row: readonly Element[], values: readonly Value[]): boolean =>
  row.every((element, index) => {
    const value = at(values, index)
    return element.kind === 'value' ? sameValue(element.value, value) : admits(element.types, value.type)
  })

type Known = ReadonlyMap<string, Value>

/** Every assignment of domain values to the question's variables under which all its calls are true. */
const trueInstances = (model: GroundModel, question: OpenQuestion): Value[][] => {
  let found: Known[] = [new Map()]
  for (const { predicate, args } of question.calls) {
    found = found.flatMap((known) => model.atoms(predicate, args.length).flatMap((atom) => extend(question, known, args, atom) ?? []))
  }
  return found.map((known) => question.variables.flatMap(({ name }) => known.get(name) ?? []))
}

const extend = (question: OpenQuestion, known: Known, args: readonly string[], atom: readonly Value[]): Known | null => {
  const next = new Map(known)
  for (const [index, name] of args.entries()) {
    const value = at(atom, index)
    const before = next.get(name)
    if (before !== undefined ? !sameValue(before, value) : !mayBe(question, name, value)) return null
    next.set(name, value)
  }
  return next
}

const mayBe = (question: OpenQuestion, name: string, value: Value): boolean =>
  question.variables.every((variable) => {
    if (variable.name !== name) return true
    return (variable.type === null || variable.type === value.type) && (variable.ids === null || variable.ids.includes(value.id))
  })

/** Goals of the static analyses: a predicate specialised by the types and constants of its arguments. */
import { known } from '../../src/base/assert.ts'
import type { Pattern } from './bindings.ts'
import type { Element } from './element.ts'
import { meet, typesOf, valueElement, wildcardOf } from './element.ts'
import type { Program } from './program.ts'
import { unwritten } from './program.ts'

/** The goals that a call comes down to: values that no rule writes are all alike, and free arguments that are equal are of one type, but otherwise just free. */
export const goalsOf = (program: Program, pattern: Pattern): Pattern[] => {
  const linked = pattern.find(({ element, group }, index) => group !== index && typesOf(element)?.length !== 1)
  if (linked === undefined) return [pattern.map(({ element }, group) => ({ element: alike(program, element), group }))]
  const types = typesOf(linked.element) ?? program.types
  return types.flatMap((type) =>
    goalsOf(
      program,
      pattern.map(({ element, group }) => ({ element: group === linked.group ? narrowed(element, type) : element, group })),
    ),
  )
}

const narrowed = (element: Element, type: string): Element => known(meet(element, wildcardOf([type])), 'one of its types')

const alike = (program: Program, element: Element): Element =>
  element.kind !== 'value' || program.writes(element.value) ? element : valueElement(unwritten(element.value.type))

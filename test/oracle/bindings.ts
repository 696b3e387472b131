/** What a derivation knows about its variables: which are equal, and what each class of equal ones can be. Never mutated. */
import { at } from '../../src/base/assert.ts'
import type { CoreTerm } from '../../src/check/core.ts'
import type { Element } from './element.ts'
import { anything, elementKey, meet, valueElement } from './element.ts'

export interface Bindings {
  /** Variable to a variable equal to it, closer to the one that names the class. */
  readonly links: ReadonlyMap<string, string>
  readonly elements: ReadonlyMap<string, Element>
  /** What `@current_unix_time` is. */
  readonly now: Element
}

/** An argument of an atom pattern; positions that share a group are equal. A value is its own group. */
export interface Position {
  readonly element: Element
  readonly group: number
}

export type Pattern = readonly Position[]

export const noBindings = (now: Element): Bindings => ({ links: new Map(), elements: new Map(), now })

/** The variable that names the class of `variable`. */
export const classOf = (bindings: Bindings, variable: string): string => {
  let name = variable
  for (let next = bindings.links.get(name); next !== undefined; next = bindings.links.get(name)) name = next
  return name
}

export const elementOf = (bindings: Bindings, term: CoreTerm): Element => {
  if (term.kind === 'value') return valueElement(term.value)
  if (term.kind === 'now') return bindings.now
  return bindings.elements.get(classOf(bindings, term.name)) ?? anything
}

/** Narrows a term, or null when nothing is left. */
export const restrict = (bindings: Bindings, term: CoreTerm, element: Element): Bindings | null => {
  const left = meet(elementOf(bindings, term), element)
  if (left === null) return null
  if (term.kind !== 'variable') return bindings
  return { ...bindings, elements: new Map(bindings.elements).set(classOf(bindings, term.name), left) }
}

/** Makes two terms equal, or null when they cannot be. */
export const equate = (bindings: Bindings, a: CoreTerm, b: CoreTerm): Bindings | null => {
  if (a.kind !== 'variable') return restrict(bindings, b, elementOf(bindings, a))
  const narrowed = restrict(bindings, a, elementOf(bindings, b))
  if (narrowed === null || b.kind !== 'variable') return narrowed
  const [to, from] = [classOf(narrowed, a.name), classOf(narrowed, b.name)]
  return to === from ? narrowed : { ...narrowed, links: new Map(narrowed.links).set(from, to) }
}

/** Makes the terms an instance of the pattern, or null when they cannot be. */
export const unify = (bindings: Bindings, terms: readonly CoreTerm[], pattern: Pattern): Bindings | null => {
  let result: Bindings | null = bindings
  for (const [index, position] of pattern.entries()) {
    const term = at(terms, index)
    if (result !== null) result = restrict(result, term, position.element)
    if (result !== null && position.group !== index) result = equate(result, term, at(terms, position.group))
  }
  return result
}

export const patternOf = (bindings: Bindings, terms: readonly CoreTerm[]): Pattern => {
  const first = new Map<string, number>()
  return terms.map((term, index) => {
    const element = elementOf(bindings, term)
    if (term.kind !== 'variable' || element.kind === 'value') return { element, group: index }
    const name = classOf(bindings, term.name)
    if (!first.has(name)) first.set(name, index)
    return { element, group: first.get(name) ?? index }
  })
}

export const patternKey = (pattern: Pattern): string => pattern.map(({ element, group }) => `${elementKey(element)}@${group}`).join(',')

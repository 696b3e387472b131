/** What one argument can be: a value, some value that only the data will tell, or a wildcard that stands for every value of its types. */

import type { Value } from '../../src/base/value.ts'
import { sameValue } from '../../src/base/value.ts'

/** Concrete types, sorted; null is every type. */
export type TypeSet = readonly string[] | null

export type Element =
  | { readonly kind: 'value'; readonly value: Value }
  /** Only the static analysis knows these: a value, but which one depends on the facts. */
  | { readonly kind: 'some'; readonly types: TypeSet }
  | { readonly kind: 'wildcard'; readonly types: TypeSet }

export const anything: Element = { kind: 'wildcard', types: null }
export const valueElement = (value: Value): Element => ({ kind: 'value', value })
export const wildcardOf = (types: TypeSet): Element => ({ kind: 'wildcard', types })
export const someOf = (types: TypeSet): Element => ({ kind: 'some', types })

/** What is left when both must hold, or null when nothing is. */
export const meet = (a: Element, b: Element): Element | null => {
  if (a.kind === 'value' && b.kind === 'value') return sameValue(a.value, b.value) ? a : null
  if (a.kind === 'value') return admits(typesOf(b), a.value.type) ? a : null
  if (b.kind === 'value') return meet(b, a)
  const types = intersect(a.types, b.types)
  if (types?.length === 0) return null
  return a.kind === 'some' || b.kind === 'some' ? someOf(types) : wildcardOf(types)
}

export const admits = (types: TypeSet, type: string): boolean => types === null || types.includes(type)

export const typesOf = (element: Element): TypeSet => (element.kind === 'value' ? [element.value.type] : element.types)

export const elementKey = (element: Element): string =>
  element.kind === 'value' ? JSON.stringify([element.value.type, element.value.id]) : `${element.kind}:${element.types?.join('|') ?? 'any'}`

const intersect = (a: TypeSet, b: TypeSet): TypeSet => {
  if (a === null) return b
  return b === null ? a : a.filter((type) => b.includes(type))
}

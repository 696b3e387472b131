/** Terms of the typed program, and the classes by which predicates are specialised. */
import type { Value } from '../base/value.ts'

/** A term of a typed rule. Variables are unique within their instance. */
export type Term =
  | { readonly kind: 'variable'; readonly id: string }
  | { readonly kind: 'constant'; readonly value: Value }
  /** `@current_unix_time`. */
  | { readonly kind: 'now' }

/** An argument of a fact: a term, or any one of several constants where rules were merged. */
export type FactArgument = Term | { readonly kind: 'list'; readonly values: readonly Value[] }

/** What is known of an argument before any data is seen. */
export type PositionClass =
  | { readonly kind: 'constant'; readonly value: Value }
  /** A value of exactly this type; `other`: none of the policy's own constants. */
  | { readonly kind: 'typed'; readonly type: string; readonly other: boolean }
  /** Type unknown. In an instance: a wildcard of no particular type. */
  | { readonly kind: 'open' }

export const variable = (id: string): Term => ({ kind: 'variable', id })
export const constant = (value: Value): Term => ({ kind: 'constant', value })
export const now: Term = { kind: 'now' }
export const open: PositionClass = { kind: 'open' }

/** Injective text of a value, for keys of maps. */
export const valueKey = (value: Value): string => JSON.stringify([value.type, value.id])

/** The variable that a term is, if it is one. */
export const variableIds = (term: FactArgument): readonly string[] => (term.kind === 'variable' ? [term.id] : [])

/** What a term was found equal to, by the links of variables; it may be a variable again. */
export const follow = (links: ReadonlyMap<string, Term>, term: Term): Term => {
  let found = term
  while (found.kind === 'variable') {
    const next = links.get(found.id)
    if (next === undefined) break
    found = next
  }
  return found
}

export const sameTerm = (a: Term, b: Term): boolean => {
  if (a.kind === 'variable') return b.kind === 'variable' && a.id === b.id
  if (a.kind === 'constant') return b.kind === 'constant' && a.value.type === b.value.type && a.value.id === b.value.id
  return b.kind === 'now'
}

export const classKey = (item: PositionClass): string => {
  if (item.kind === 'open') return '?'
  if (item.kind === 'constant') return `=${valueKey(item.value)}`
  return item.other ? `!${JSON.stringify(item.type)}` : JSON.stringify(item.type)
}

/** Injective text of a specialised predicate. */
export const nodeKey = (predicate: string, classes: readonly PositionClass[]): string =>
  `${JSON.stringify(predicate)}(${classes.map(classKey).join(',')})`

/** `name/length`: the predicate that a call or head means. */
export const predicateKey = (predicate: string, length: number): string => `${predicate}/${length}`

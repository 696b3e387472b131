/** Bindings of one rule's variables, and atoms with holes: what goals and answers of an explanation are made of. */
import { at } from '../base/assert.ts'
import { sameValue, type Value } from '../base/value.ts'
import { type Term, valueKey } from '../ir/terms.ts'

/** One argument of a goal or answer; free ones of the same group are the same unknown value. */
export type Element = { readonly kind: 'value'; readonly value: Value } | { readonly kind: 'free'; readonly group: number }

export type Pattern = readonly Element[]

/** A term after look-up: its value, or the variable that stands for all those equal to it. */
export type Found = { readonly kind: 'constant'; readonly value: Value } | { readonly kind: 'variable'; readonly id: string }

/** Immutable: every binding makes another state. */
export class State {
  readonly #links: ReadonlyMap<string, Found>
  readonly #now: Value

  constructor(now: Value, links: ReadonlyMap<string, Found> = new Map()) {
    this.#now = now
    this.#links = links
  }

  find(term: Term): Found {
    let found: Found = term.kind === 'now' ? { kind: 'constant', value: this.#now } : term
    while (found.kind === 'variable') {
      const next = this.#links.get(found.id)
      if (next === undefined) break
      found = next
    }
    return found
  }

  value(term: Term): Value | null {
    const found = this.find(term)
    return found.kind === 'constant' ? found.value : null
  }

  /** The state in which both are equal, or null. */
  unify(left: Term, right: Term): State | null {
    const a = this.find(left)
    const b = this.find(right)
    if (a.kind === 'variable') return b.kind === 'variable' && a.id === b.id ? this : this.#link(a.id, b)
    if (b.kind === 'variable') return this.#link(b.id, a)
    return sameValue(a.value, b.value) ? this : null
  }

  /** The terms as they are known here. */
  pattern(terms: readonly Term[]): Pattern {
    const groups = new Map<string, number>()
    return terms.map((term): Element => {
      const found = this.find(term)
      if (found.kind === 'constant') return { kind: 'value', value: found.value }
      const group = groups.get(found.id) ?? groups.size
      groups.set(found.id, group)
      return { kind: 'free', group }
    })
  }

  /** The state in which the terms are as the pattern says, or null. */
  match(terms: readonly Term[], pattern: Pattern): State | null {
    const groups = new Map<number, Term>()
    return pattern.reduce<State | null>((state, element, index) => {
      const term = at(terms, index)
      const other: Term | undefined = element.kind === 'value' ? { kind: 'constant', value: element.value } : groups.get(element.group)
      if (element.kind === 'free' && other === undefined) groups.set(element.group, term)
      return other === undefined ? state : (state?.unify(term, other) ?? null)
    }, this)
  }

  #link(id: string, to: Found): State {
    return new State(this.#now, new Map(this.#links).set(id, to))
  }
}

export const patternKey = (pattern: Pattern): string =>
  pattern.map((element) => (element.kind === 'value' ? valueKey(element.value) : `?${element.group}`)).join()

export const isGround = (pattern: Pattern): boolean => pattern.every(({ kind }) => kind === 'value')

export const groundPattern = (values: readonly Value[]): Pattern => values.map((value): Element => ({ kind: 'value', value }))

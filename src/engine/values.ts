/** Encodes the values of one request: ids never stored get numbers of their own, so that they join with nothing but still satisfy wildcards. */

import { known } from '../base/assert.ts'
import { canonicalId, type Value } from '../base/value.ts'
import { valueKey } from '../ir/terms.ts'
import type { Encoded, Store } from '../store/facts.ts'

export class RequestValues {
  readonly #store: Store
  #locals: Map<string, number> | null = null
  #texts: string[] | null = null

  constructor(store: Store) {
    this.#store = store
  }

  encode(value: Value): Encoded {
    const stored = this.#store.encode(value)
    return stored === undefined ? this.#local(value) : stored
  }

  #local(value: Value): number {
    this.#locals ??= new Map()
    this.#texts ??= []
    const key = valueKey(value)
    let id = this.#locals.get(key)
    if (id === undefined) {
      id = -1 - this.#texts.length
      this.#locals.set(key, id)
      this.#texts.push(value.id)
    }
    return id
  }

  decode(type: string, encoded: Encoded): string {
    if (type !== 'Integer' && type !== 'Boolean' && encoded < 0) return known(this.#texts?.[-1 - Number(encoded)], 'local id')
    return this.#store.decode(type, encoded)
  }
}

/** A value with its id in canonical form, or null when the text is no id of that type: such a value equals nothing. */
export const canonicalValue = (value: Value): Value | null => {
  const id = canonicalId(value.type, value.id)
  return id === undefined ? null : id === value.id ? value : { type: value.type, id }
}

/** Values that neither facts nor policy nor question mention: they stand for whatever a missing fact may name. */
import type { Value } from '../base/value.ts'
import { valueKey } from '../ir/terms.ts'
import type { Store } from '../store/facts.ts'
import type { Constants } from './question.ts'

const FIRST_INTEGER = 1_000_003

export class NewValues {
  readonly #isUsed: (value: Value) => boolean
  readonly #byPlace = new Map<string, Value>()
  readonly #keys = new Set<string>()

  /** `mentioned`: by the question and its context facts. */
  constructor(store: Store, constants: Constants, mentioned: readonly Value[]) {
    const keys = new Set(mentioned.map(valueKey))
    this.#isUsed = (value) => keys.has(valueKey(value)) || constants.has(value.type, value.id) || isStored(store, value)
  }

  /** The same one for the same type and number. */
  fresh(type: string, index: number): Value {
    const place = JSON.stringify([type, index])
    let value = this.#byPlace.get(place)
    for (let number = index; value === undefined; number += 1) {
      const candidate = { type, id: type === 'Integer' ? String(FIRST_INTEGER + number) : `new-${number}` }
      if (!this.#isUsed(candidate) && !this.#keys.has(valueKey(candidate))) value = candidate
    }
    this.#byPlace.set(place, value)
    this.#keys.add(valueKey(value))
    return value
  }

  has(value: Value): boolean {
    return this.#keys.has(valueKey(value))
  }
}

/** Integers are not interned, so for them there is no telling; a number as odd as these will do. */
const isStored = (store: Store, value: Value): boolean => value.type !== 'Integer' && store.encode(value) !== undefined

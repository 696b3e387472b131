/** States whose images are of 1, 15 and 45 MB, told apart by what they answer. */
import { emptyState, insertsOf, writeRecord } from '../../scripts/bench/edge-images.ts'
import type { Store } from '../../src/store/facts.ts'
import { basic } from '../runtime/support/policies.ts'
import { testPool } from '../support/image.ts'
import { fact } from '../support/record.ts'

export const BITS = 8
const bits = Array.from({ length: BITS }, (_, bit) => bit)
export const nameOf = (bit: number): string => `b${bit}`
export const namesOf = (code: number): readonly string[] => bits.filter((bit) => (code >> bit) & 1).map(nameOf)
const role = (bit: number) => fact('has_role', 'User:ana', 'String:reader', `Repo:${nameOf(bit)}`)

/** Facts beside those that tell the states apart: of about 1.7 KB each. */
const FILLERS = { small: 580, middle: 8500, large: 26_080 } as const
export type Size = keyof typeof FILLERS
/** MB that an image of a size has at least and at most. */
export const MEGABYTES: Readonly<Record<Size, readonly [number, number]>> = { small: [0.7, 1.6], middle: [12, 16], large: [45, 45.4] }
const BATCH = 1000

/** States of each size, of which the next one is always of a later position than all before. */
export class States {
  readonly pool = testPool(2 ** 30)
  readonly codes = new Map<number, number>()
  readonly #stores = new Map<Size, { readonly store: Store; code: number }>()
  #revision = 10_000

  next(size: Size, code: number): Store {
    const state = this.#stores.get(size) ?? { store: this.#filled(size), code: 0 }
    this.#stores.set(size, state)
    const changes = bits
      .filter((bit) => ((state.code ^ code) >> bit) & 1)
      .map((bit) =>
        (code >> bit) & 1 ? ({ kind: 'insert', fact: role(bit) } as const) : ({ kind: 'delete', pattern: role(bit) } as const),
      )
    writeRecord(state.store, this.#revision, { kind: 'facts', changes })
    state.code = code
    this.codes.set(this.#revision++, code)
    return state.store
  }

  #filled(size: Size): Store {
    const store = emptyState(this.pool, basic)
    for (let from = 0, revision = 2; from < FILLERS[size]; from += BATCH, revision++) {
      const numbers = Array.from({ length: Math.min(BATCH, FILLERS[size] - from) }, (_, index) => from + index)
      writeRecord(store, revision, insertsOf(numbers.map(filler)))
    }
    return store
  }
}

const filler = (number: number) => {
  const id = `${number}-`.padEnd(380, 'x')
  return fact('has_role', `User:${id}`, 'String:member', `Org:${id}`)
}

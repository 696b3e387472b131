/** A small seeded generator: the same seed makes the same case on every machine. */
import { at } from '../../src/base/assert.ts'

export interface Random {
  /** An integer of at least 0 and below `end`. */
  below(end: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
}

export const randomOf = (seed: number): Random => {
  let state = seed >>> 0
  // mulberry32, by Tommy Ettinger, in the public domain.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number): number => Math.floor(next() * end)
  return { below, chance: (probability) => next() < probability, pick: (items) => at(items, below(items.length)) }
}

export const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index))

/** Seeded randomness of the bench: the same seed makes the same data and the same questions on every machine. */
import { at } from '../../src/base/assert.ts'

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = scramble(seed + 1) || 1
  }

  /** At least 0 and below 1. */
  next(): number {
    // xorshift32, by George Marsaglia, mixed once more because its low bits are weak.
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return scramble(this.#state >>> 0) / 2 ** 32
  }

  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    return at(items, this.below(items.length))
  }

  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items]
    for (let last = result.length - 1; last > 0; last -= 1) {
      const other = this.below(last + 1)
      const moved = at(result, last)
      result[last] = at(result, other)
      result[other] = moved
    }
    return result
  }
}

/** Draws an index below `count`, the first ones most often: weight 1 ÷ (index + 1). */
export const zipf = (count: number): ((random: Random) => number) => {
  const sums = new Float64Array(count)
  let sum = 0
  for (let index = 0; index < count; index += 1) {
    sum += 1 / (index + 1)
    sums[index] = sum
  }
  return (random) => {
    const wanted = random.next() * sum
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (at(sums, middle) < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** A bijection of the 32-bit numbers in which neighbours land far apart. */
export const scramble = (number: number): number => {
  let mixed = Math.imul(number ^ 0x5bd1e995, 0x9e3779b1)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

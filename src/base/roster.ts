/** Who is in something now: members that stay for a moment, of something that stays for long.
 *
 * A Map or a Set would do, were it not for how V8 collects them: each of their tables points to the one that took its place, and one that has become old
 * keeps all behind it, with whatever was in them, until all of memory is collected. With a member per request that is every few seconds. */
import { assert } from './assert.ts'

/** A key is given again after this many others. */
const TURNS = 2 ** 31
/** At once. */
const PLACES = 2 ** 20

interface Membership<T> {
  readonly key: number
  readonly member: T
}

export class Roster<T> {
  readonly #places: (Membership<T> | null)[] = []
  readonly #free: number[] = []
  #turn = 0

  get size(): number {
    return this.#places.length - this.#free.length
  }

  /** The key by which the member leaves: a safe integer of at least 0. */
  add(member: T): number {
    const place = this.#free.pop() ?? this.#places.length
    assert(place < PLACES, 'a roster has room')
    const key = this.#turn * PLACES + place
    this.#turn = (this.#turn + 1) % TURNS
    this.#places[place] = { key, member }
    return key
  }

  /** The member, the first time; undefined when nobody is in by that key. */
  remove(key: number): T | undefined {
    const place = key % PLACES
    const found = this.#places[place]
    if (found?.key !== key) return undefined
    this.#places[place] = null
    this.#free.push(place)
    return found.member
  }

  /** Those who are in now, in no order: who comes and goes meanwhile changes nothing of it. */
  entries(): readonly (readonly [key: number, member: T])[] {
    if (this.size === 0) return []
    return this.#places.flatMap((found): [number, T][] => (found === null ? [] : [[found.key, found.member]]))
  }
}

/** Who is in something now: members that stay for a moment, of something that stays for long.
 *
 * A Map or a Set would do, were it not for how V8 collects them: each of their tables points to the one that took its place, and one that has become old
 * keeps all behind it, with whatever was in them, until all of memory is collected (docs/adr/0017). */

/** More than any process has room for at once. */
const PLACES = 2 ** 28
/** A key is given again after this many others. */
const TURNS = 2 ** 24

interface Membership<T> {
  readonly key: number
  readonly member: T
}

export class Roster<T> {
  #places: (Membership<T> | null)[] = []
  #free: number[] = []
  #turn = 0

  get size(): number {
    return this.#places.length - this.#free.length
  }

  /** The key by which the member leaves: a safe integer of at least 0. */
  add(member: T): number {
    const place = this.#free.pop() ?? this.#places.length
    const key = this.#turn * PLACES + place
    this.#turn = (this.#turn + 1) % TURNS
    this.#places[place] = { key, member }
    return key
  }

  /** False when nobody is in by that key. */
  remove(key: number): boolean {
    const place = key % PLACES
    if (this.#places[place]?.key !== key) return false
    this.#places[place] = null
    this.#free.push(place)
    if (this.size === 0) {
      this.#places = []
      this.#free = []
    }
    return true
  }

  /** The member that leaves; undefined when nobody is in by that key. */
  take(key: number): T | undefined {
    const found = this.#places[key % PLACES]
    return this.remove(key) ? found?.member : undefined
  }

  /** Those who are in now, in no order: who comes and goes meanwhile changes nothing of it. */
  entries(): readonly Membership<T>[] {
    return this.size === 0 ? [] : this.#places.filter((found) => found !== null)
  }

  members(): readonly T[] {
    return this.entries().map(({ member }) => member)
  }
}

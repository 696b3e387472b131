/** Bounded cache of the dictionary: two generations of maps. It costs nothing while empty, unlike a list of fixed size, for there are many environments with few values. */

/** Holds the last `size` to `2 * size` used entries, found by a group (the type) and a key, without joining them into one text. */
export class RecentCache<K, V> {
  readonly #size: number
  #young = new Map<number, Map<K, V>>()
  #youngCount = 0
  #old = new Map<number, Map<K, V>>()

  constructor(size: number) {
    this.#size = size
  }

  get(group: number, key: K): V | undefined {
    const young = this.#young.get(group)?.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(group)?.get(key)
    if (old !== undefined) this.set(group, key, old)
    return old
  }

  /** For a key that `get` did not find. */
  set(group: number, key: K, value: V): void {
    if (this.#youngCount >= this.#size) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngCount = 0
    }
    let entries = this.#young.get(group)
    if (entries === undefined) {
      entries = new Map()
      this.#young.set(group, entries)
    }
    entries.set(key, value)
    this.#youngCount++
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#youngCount = 0
  }
}

/** Bounded cache, of the dictionary and of what is remembered of subjects: two generations of maps. It costs nothing while empty, unlike a list of fixed size, for there are many environments with few values. */

/** Holds the last `size` to `2 * size` used entries, or what weighs as much, found by a group (the type) and a key, without joining them into one text. */
export class RecentCache<K, V> {
  readonly #size: number
  readonly #weightOf: (value: V) => number
  #young = new Map<number, Map<K, V>>()
  #youngWeight = 0
  #old = new Map<number, Map<K, V>>()

  constructor(size: number, weightOf: (value: V) => number = () => 1) {
    this.#size = size
    this.#weightOf = weightOf
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
    this.#turn()
    let entries = this.#young.get(group)
    if (entries === undefined) {
      entries = new Map()
      this.#young.set(group, entries)
    }
    entries.set(key, value)
    this.#youngWeight += this.#weightOf(value)
  }

  /** A value that was got became heavier, or lighter. */
  grow(weight: number): void {
    this.#youngWeight += weight
    this.#turn()
  }

  /** The young ones become the old ones when they are enough. */
  #turn(): void {
    if (this.#youngWeight < this.#size) return
    this.#old = this.#young
    this.#young = new Map()
    this.#youngWeight = 0
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#youngWeight = 0
  }
}

/** A bounded cache, the least recently used goes first; there are many engines that are asked little, so it takes no room before something is put into it. */

export interface LazyCacheOptions<V> {
  readonly max: number
  /** Of each value that leaves. */
  readonly dispose?: (value: V) => void
}

export class LazyCache<V extends object> {
  readonly #options: LazyCacheOptions<V>
  /** In order of use. */
  readonly #entries = new Map<string, V>()

  constructor(options: LazyCacheOptions<V>) {
    this.#options = options
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    const { max, dispose } = this.#options
    const before = this.#entries.get(key)
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (before !== undefined && before !== value) dispose?.(before)
    if (this.#entries.size <= max) return
    for (const [oldest, leaving] of this.#entries) {
      this.#entries.delete(oldest)
      dispose?.(leaving)
      return
    }
  }

  /** Most recently used first. */
  values(): readonly V[] {
    return [...this.#entries.values()].reverse()
  }

  clear(): void {
    const all = [...this.#entries.values()]
    this.#entries.clear()
    for (const value of all) this.#options.dispose?.(value)
  }
}

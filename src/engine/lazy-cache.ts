/** A bounded cache that takes no room before something is put into it: its lists have their full length from the start, and there are many engines that are asked little. */
import { LRUCache } from 'lru-cache'

export class LazyCache<V extends object> {
  readonly #options: { readonly max: number; readonly dispose?: (value: V) => void }
  #entries: LRUCache<string, V> | null = null

  constructor(options: { readonly max: number; readonly dispose?: (value: V) => void }) {
    this.#options = options
  }

  get(key: string): V | undefined {
    return this.#entries?.get(key)
  }

  set(key: string, value: V): void {
    this.#entries ??= new LRUCache<string, V>(this.#options)
    this.#entries.set(key, value)
  }

  values(): Iterable<V> {
    return this.#entries?.values() ?? []
  }

  clear(): void {
    this.#entries?.clear()
  }
}

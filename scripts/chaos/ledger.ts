/** What is known of entries that are only ever added: each is repeated until it is acknowledged, so that it may be in the log several times. */

interface Entry {
  /** Requests that may have added it. */
  attempts: number
  revision: number | null
}

export class Ledger {
  readonly #entries = new Map<string, Entry>()
  readonly #acknowledged: string[] = []

  /** In the order in which they were acknowledged. */
  get acknowledged(): readonly string[] {
    return this.#acknowledged
  }

  has(id: string): boolean {
    return this.#entries.has(id)
  }

  begin(id: string): void {
    const entry = this.#entries.get(id) ?? { attempts: 0, revision: null }
    entry.attempts++
    this.#entries.set(id, entry)
  }

  /** The last request had no effect. */
  refuse(id: string): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) entry.attempts--
  }

  acknowledge(id: string, revision: number): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    entry.revision = revision
    this.#acknowledged.push(id)
  }

  /** Whether it is there at a revision; null: both may be. */
  holds(id: string, revision: number): boolean | null {
    const entry = this.#entries.get(id)
    if (entry === undefined) return false
    if (entry.revision !== null && revision >= entry.revision) return true
    // A request that was not the acknowledged one may have added it before, or may never have arrived.
    return entry.attempts === 0 || (entry.revision !== null && entry.attempts === 1) ? false : null
  }
}

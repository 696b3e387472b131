/** Who holds on to something, and since when: where requests may be cut off, whoever holds it for too long is forgotten. */

export class Holders {
  readonly #nowMs: () => number
  readonly #holdMs: number
  /** By how each one leaves, oldest first; null: nobody is forgotten, and they are counted only (docs/adr/0017). */
  readonly #since: Map<() => void, number> | null
  /** Where they are counted. */
  #count = 0

  /** `holdMs`: who holds it for longer was cut off and never leaves. */
  constructor(monotonicMs: () => number, holdMs: number) {
    this.#nowMs = monotonicMs
    this.#holdMs = holdMs
    this.#since = holdMs === Number.POSITIVE_INFINITY ? null : new Map()
  }

  get size(): number {
    return this.#since?.size ?? this.#count
  }

  /** Returns how to leave, which tells so once. */
  enter(left: () => void): () => void {
    return this.#since === null ? this.#counted(left) : this.#listed(this.#since, left)
  }

  /** Waits no longer for those who were cut off. */
  forget(): void {
    if (this.#since === null) return
    const beforeMs = this.#nowMs() - this.#holdMs
    for (const [leave, enteredMs] of this.#since) {
      if (enteredMs >= beforeMs) return
      this.#since.delete(leave)
    }
  }

  #counted(left: () => void): () => void {
    this.#count++
    let isIn = true
    return () => {
      if (!isIn) return
      isIn = false
      this.#count--
      left()
    }
  }

  #listed(since: Map<() => void, number>, left: () => void): () => void {
    const leave = (): void => {
      if (since.delete(leave)) left()
    }
    since.set(leave, this.#nowMs())
    return leave
  }
}

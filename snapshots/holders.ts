/** Who holds on to something, and since when: where requests may be cut off, whoever holds it for too long is forgotten. */

export class Holders {
  readonly #nowMs: () => number
  readonly #holdMs: number
  /** By how each one leaves, oldest first. */
  readonly #since = new Map<() => void, number>()

  /** `holdMs`: who holds it for longer was cut off and never leaves. */
  constructor(monotonicMs: () => number, holdMs: number) {
    // Once per request: where nobody is forgotten, nobody looks at the clock.
    this.#nowMs = holdMs === Number.POSITIVE_INFINITY ? () => 0 : monotonicMs
    this.#holdMs = holdMs
  }

  get size(): number {
    return this.#since.size
  }

  /** Returns how to leave, which tells so once. */
  enter(left: () => void): () => void {
    const leave = (): void => {
      if (this.#since.delete(leave)) left()
    }
    this.#since.set(leave, this.#nowMs())
    return leave
  }

  /** Waits no longer for those who were cut off. */
  forget(): void {
    const beforeMs = this.#nowMs() - this.#holdMs
    for (const [leave, enteredMs] of this.#since) {
      if (enteredMs >= beforeMs) return
      this.#since.delete(leave)
    }
  }
}

/** A bounded number of places, each held by one request; where requests may be cut off, a place that is held for too long is free again. */

export class Slots {
  readonly #count: number
  readonly #monotonicMs: () => number
  readonly #holdMs: number
  /** Who holds one, and since when; oldest first. */
  readonly #held = new Map<symbol, number>()

  constructor(count: number, monotonicMs: () => number, holdMs = Number.POSITIVE_INFINITY) {
    this.#count = count
    this.#monotonicMs = monotonicMs
    this.#holdMs = holdMs
  }

  /** How to give it back, or null when none is free. */
  take(): (() => void) | null {
    const nowMs = this.#monotonicMs()
    if (this.#held.size >= this.#count) this.#forget(nowMs - this.#holdMs)
    if (this.#held.size >= this.#count) return null
    const who = Symbol('held')
    this.#held.set(who, nowMs)
    return () => void this.#held.delete(who)
  }

  #forget(beforeMs: number): void {
    for (const [who, takenMs] of this.#held) {
      if (takenMs >= beforeMs) return
      this.#held.delete(who)
    }
  }
}

/** A bounded number of places, each held by one request; where requests may be cut off, a place that is held for too long is free again. */
import { Holders } from '../snapshots/holders.ts'

export class Slots {
  readonly #count: number
  readonly #held: Holders

  constructor(count: number, monotonicMs: () => number, holdMs = Number.POSITIVE_INFINITY) {
    this.#count = count
    this.#held = new Holders(monotonicMs, holdMs)
  }

  /** How to give it back, or null when none is free. */
  take(): (() => void) | null {
    if (this.#held.size >= this.#count) this.#held.forget()
    return this.#held.size >= this.#count ? null : this.#held.enter(nobodyWaits)
  }
}

const nobodyWaits = (): void => {}

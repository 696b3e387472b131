/** Who holds on to something, and since when: where requests may be cut off, whoever holds it for too long is forgotten. */

import { Roster } from '../src/base/roster.ts'

export class Holders {
  readonly #nowMs: () => number
  readonly #holdMs: number
  /** When each of them came. */
  readonly #since = new Roster<number>()

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
    const key = this.#since.add(this.#nowMs())
    return () => {
      if (this.#since.remove(key) !== undefined) left()
    }
  }

  /** Waits no longer for those who were cut off. */
  forget(): void {
    const beforeMs = this.#nowMs() - this.#holdMs
    for (const [key, enteredMs] of this.#since.entries()) if (enteredMs < beforeMs) this.#since.remove(key)
  }
}

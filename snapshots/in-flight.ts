/** Counts who may hold on to something, and ends what is retired when the last one who could hold it has left. */
import { Holders } from './holders.ts'

interface Watch {
  /** Who entered while this was the newest. */
  readonly present: Holders
  /** What waits for them, and for all who entered before; null for the newest. */
  leave: (() => void) | null
}

export class InFlight {
  readonly #monotonicMs: () => number
  readonly #holdMs: number
  /** Oldest first: who entered early may have taken hold of something that came later, so watches end in order. */
  readonly #watches: Watch[] = []
  #newest: Watch

  /** `holdMs`: who is inside for longer was cut off and never leaves. */
  constructor(monotonicMs: () => number = () => 0, holdMs = Number.POSITIVE_INFINITY) {
    this.#monotonicMs = monotonicMs
    this.#holdMs = holdMs
    this.#newest = this.#watch()
  }

  /** Returns how to leave. */
  enter(): () => void {
    return this.#newest.present.enter(this.#settle)
  }

  /** Runs `end` when everyone who is inside now has left: at once when nobody is. */
  whenLeft(end: () => void): void {
    this.#newest.leave = end
    this.#newest = this.#watch()
    this.forget()
  }

  /** Waits no longer for those who were cut off. */
  forget(): void {
    for (const { present } of this.#watches) present.forget()
    this.#settle()
  }

  #watch(): Watch {
    const watch: Watch = { present: new Holders(this.#monotonicMs, this.#holdMs), leave: null }
    this.#watches.push(watch)
    return watch
  }

  readonly #settle = (): void => {
    for (let first = this.#watches[0]; first !== undefined && first.leave !== null && first.present.size === 0; first = this.#watches[0]) {
      this.#watches.shift()
      first.leave()
    }
  }
}

/** Counts who may hold on to something, and ends what is retired when the last one who could hold it has left. */

interface Watch {
  /** Who entered while this was the newest, and when. */
  readonly present: Map<symbol, number>
  /** What waits for them, and for all who entered before; null for the newest. */
  leave: (() => void) | null
}

export class InFlight {
  readonly #monotonicMs: () => number
  readonly #holdMs: number
  /** Oldest first: who entered early may have taken hold of something that came later, so watches end in order. */
  readonly #watches: Watch[] = []
  #newest: Watch = { present: new Map(), leave: null }

  /** `holdMs`: who is inside for longer was cut off and never leaves. */
  constructor(monotonicMs: () => number = () => 0, holdMs = Number.POSITIVE_INFINITY) {
    this.#monotonicMs = monotonicMs
    this.#holdMs = holdMs
    this.#watches.push(this.#newest)
  }

  /** Returns how to leave. */
  enter(): () => void {
    const watch = this.#newest
    const who = Symbol('inside')
    watch.present.set(who, this.#monotonicMs())
    return () => {
      if (watch.present.delete(who)) this.#settle()
    }
  }

  /** Runs `end` when everyone who is inside now has left: at once when nobody is. */
  whenLeft(end: () => void): void {
    this.#newest.leave = end
    this.#newest = { present: new Map(), leave: null }
    this.#watches.push(this.#newest)
    this.forget()
  }

  /** Waits no longer for those who were cut off. */
  forget(): void {
    const before = this.#monotonicMs() - this.#holdMs
    for (const { present } of this.#watches) for (const [who, enteredMs] of present) if (enteredMs < before) present.delete(who)
    this.#settle()
  }

  #settle(): void {
    for (let first = this.#watches[0]; first !== undefined && first.leave !== null && first.present.size === 0; first = this.#watches[0]) {
      this.#watches.shift()
      first.leave()
    }
  }
}

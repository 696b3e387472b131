/** Counts who may hold on to something, and ends what is retired when the last one who could hold it has left. */

interface Watch {
  /** Who entered while this was the newest. */
  present: number
  /** What waits for them, and for all who entered before; null for the newest. */
  leave: (() => void) | null
}

export class InFlight {
  /** Oldest first: who entered early may have taken hold of something that came later, so watches end in order. */
  readonly #watches: Watch[] = []
  #newest: Watch = { present: 0, leave: null }

  constructor() {
    this.#watches.push(this.#newest)
  }

  /** Returns how to leave. */
  enter(): () => void {
    const watch = this.#newest
    watch.present++
    let inside = true
    return () => {
      if (!inside) return
      inside = false
      watch.present--
      this.#settle()
    }
  }

  /** Runs `end` when everyone who is inside now has left: at once when nobody is. */
  whenLeft(end: () => void): void {
    this.#newest.leave = end
    this.#newest = { present: 0, leave: null }
    this.#watches.push(this.#newest)
    this.#settle()
  }

  #settle(): void {
    for (let first = this.#watches[0]; first !== undefined && first.leave !== null && first.present === 0; first = this.#watches[0]) {
      this.#watches.shift()
      first.leave()
    }
  }
}

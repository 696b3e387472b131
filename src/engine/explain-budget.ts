/** The work that one explanation may take: counted, and ended by the clock where there is one. */

/** More work than there is a budget for: what was not explained is left out. */
export class ExplainLimit extends Error {
  override readonly name = 'ExplainLimit'
}

/** Steps between two looks at the clock. */
const LOOK = 256

export class ExplainBudget {
  readonly #late: () => boolean
  #steps: number
  #look: number

  constructor(steps: number, late: () => boolean) {
    this.#steps = steps
    this.#late = late
    this.#look = steps - LOOK
  }

  /** Throws ExplainLimit. */
  spend(amount = 1): void {
    this.#steps -= amount
    if (this.#steps < 0) throw new ExplainLimit('explaining takes too many steps')
    if (this.#steps > this.#look) return
    this.#look = this.#steps - LOOK
    if (this.#late()) throw new ExplainLimit('explaining takes too long')
  }

  /** Runs work on a share of what is left; null when the share does not suffice. */
  share<T>(steps: number, work: () => T): T | null {
    const kept = Math.max(0, this.#steps - steps)
    this.#steps -= kept
    this.#look = this.#steps - LOOK
    try {
      return work()
    } catch (error) {
      if (!(error instanceof ExplainLimit) || this.#late()) throw error
      return null
    } finally {
      this.#steps = Math.max(0, this.#steps) + kept
      this.#look = this.#steps - LOOK
    }
  }
}

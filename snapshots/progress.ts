/** Who waits for which revision, each with a bound. */

interface Waiter {
  readonly revision: number
  readonly settle: (reached: boolean) => void
}

export class Progress {
  #revision: number
  readonly #waiting = new Set<Waiter>()

  constructor(revision: number) {
    this.#revision = revision
  }

  get revision(): number {
    return this.#revision
  }

  /** Whether the revision is reached within the time; null waits as long as it takes. */
  reach(revision: number, timeoutMs: number | null): Promise<boolean> {
    if (revision <= this.#revision) return Promise.resolve(true)
    return new Promise((resolve) => {
      const timer = timeoutMs === null ? undefined : setTimeout(() => waiter.settle(false), timeoutMs)
      const waiter: Waiter = {
        revision,
        settle: (reached) => {
          clearTimeout(timer)
          this.#waiting.delete(waiter)
          resolve(reached)
        },
      }
      this.#waiting.add(waiter)
    })
  }

  /** To the revision that is there now; whoever waits for one that is not stays waiting. */
  advance(revision: number): void {
    this.#revision = revision
    for (const waiter of this.#waiting) if (waiter.revision <= revision) waiter.settle(true)
  }

  /** Nothing comes any more. */
  close(): void {
    for (const waiter of this.#waiting) waiter.settle(false)
  }
}

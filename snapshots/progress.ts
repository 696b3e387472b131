/** Who waits for which revision, each with a bound. */
import { type Later, webLater } from './later.ts'

interface Waiter {
  readonly revision: number
  readonly settle: (reached: boolean) => void
}

export class Progress {
  #revision: number
  readonly #later: Later
  readonly #waiting = new Set<Waiter>()

  constructor(revision: number, later: Later = webLater) {
    this.#revision = revision
    this.#later = later
  }

  get revision(): number {
    return this.#revision
  }

  /** Whether anybody waits for what has not come. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0
  }

  /** Whether the revision is reached within the time; null waits as long as it takes. */
  reach(revision: number, timeoutMs: number | null): Promise<boolean> {
    if (revision <= this.#revision) return Promise.resolve(true)
    return new Promise((resolve) => {
      const cancel = timeoutMs === null ? null : this.#later(timeoutMs, () => waiter.settle(false))
      const waiter: Waiter = {
        revision,
        settle: (reached) => {
          cancel?.()
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

  /** What is waited for does not come, for now or for ever. */
  giveUp(): void {
    for (const waiter of this.#waiting) waiter.settle(false)
  }
}

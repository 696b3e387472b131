/** Waits that end when all of them are woken, or each when its time is up. */
import type { Later } from '../snapshots/later.ts'
import { Roster } from '../src/base/roster.ts'

export class Waits {
  readonly #later: Later
  readonly #waiting = new Roster<() => void>()

  constructor(later: Later) {
    this.#later = later
  }

  /** Resolves at the next `wake`, or after so long at most. */
  async wait(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        this.#waiting.remove(key)
        resolve()
      }
      const cancel = this.#later(timeoutMs, done)
      const key = this.#waiting.add(done)
    })
  }

  wake(): void {
    for (const done of this.#waiting.members()) done()
  }
}

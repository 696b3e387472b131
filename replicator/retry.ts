/** When something that failed is tried again: later each time, until it succeeds. Each reason is told once. */
import type { Later } from '../snapshots/later.ts'
import { Said } from '../snapshots/said.ts'
import { limits } from '../src/base/limits.ts'

export class Retry {
  readonly #later: Later
  readonly #work: () => void
  readonly #said = new Said()
  #failures = 0
  #cancel: (() => void) | null = null

  constructor(later: Later, work: () => void) {
    this.#later = later
    this.#work = work
  }

  /** Instead of what was planned before; `tell` hears of a reason that is new, and after how long it is tried again. */
  plan(reason: string, tell: (retryMs: number) => void): void {
    const retryMs = Math.min(limits.answerRetryMaxMs, limits.retryMs * 2 ** Math.min(this.#failures++, 10))
    if (this.#said.isNews(reason)) tell(retryMs)
    this.#cancel?.()
    this.#cancel = this.#later(retryMs, this.#work)
  }

  succeeded(): void {
    this.#failures = 0
    this.#said.clear()
  }

  cancel(): void {
    this.#cancel?.()
  }
}

/** Work that is done again and again, each time a while after the last, and later when it fails. */
import type { Later } from '../snapshots/later.ts'
import { limits } from '../src/base/limits.ts'

export interface LoopOptions {
  readonly intervalMs: number
  readonly later: Later
  readonly work: () => Promise<void>
  /** Told of each failure, and when it is tried again. */
  readonly failed: (error: unknown, retryMs: number) => void
}

export class Loop {
  readonly #options: LoopOptions
  #cancel: (() => void) | null = null
  #running: Promise<void> = Promise.resolve()
  #failures = 0
  #open = true

  /** The first time comes at once. */
  constructor(options: LoopOptions) {
    this.#options = options
    this.#schedule(0)
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    this.#open = false
    this.#cancel?.()
    await this.#running
  }

  #schedule(delayMs: number): void {
    if (this.#open) {
      this.#cancel = this.#options.later(delayMs, () => {
        this.#running = this.#once()
      })
    }
  }

  async #once(): Promise<void> {
    const { work, failed, intervalMs } = this.#options
    let delayMs = intervalMs
    try {
      await work()
      this.#failures = 0
    } catch (error) {
      delayMs = Math.max(intervalMs, Math.min(limits.answerRetryMaxMs, limits.retryMs * 2 ** Math.min(this.#failures++, 10)))
      failed(error, delayMs)
    }
    this.#schedule(delayMs)
  }
}

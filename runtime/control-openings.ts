/** Opens environments while the process serves: a few at a time, and again when it fails. */

import { failureFields } from './failure-fields.ts'
import type { Platform } from './platform.ts'

export interface OpeningsOptions {
  /** Resolves when the environment has caught up. */
  readonly open: (id: string) => Promise<unknown>
  /** An attempt has ended, well or not. */
  readonly ended: (id: string) => void
  readonly platform: Pick<Platform, 'log'>
}

/** Environments that are opened at the same time. */
const AT_ONCE = 4
/** Between two attempts at one environment. */
const RETRY_MS = 1000

export class Openings {
  readonly #options: OpeningsOptions
  /** What is wanted and not there yet, in order. */
  readonly #wanted = new Map<string, 'waiting' | 'opening' | 'failed'>()
  readonly #retries = new Map<string, ReturnType<typeof setTimeout>>()

  constructor(options: OpeningsOptions) {
    this.#options = options
  }

  /** Environments whose last attempt failed. */
  get failed(): number {
    return [...this.#wanted.values()].filter((state) => state === 'failed').length
  }

  /** Whether a first attempt at every environment that is wanted has ended. */
  get settled(): boolean {
    return this.failed === this.#wanted.size
  }

  /** Wants exactly these from now on. */
  want(ids: ReadonlySet<string>): void {
    for (const id of this.#wanted.keys()) if (!ids.has(id)) this.#forget(id)
    for (const id of ids) if (!this.#wanted.has(id)) this.#wanted.set(id, 'waiting')
    this.#next()
  }

  close(): void {
    this.want(new Set())
  }

  #next(): void {
    let opening = [...this.#wanted.values()].filter((state) => state === 'opening').length
    for (const [id, state] of this.#wanted) {
      if (opening >= AT_ONCE) return
      if (state !== 'waiting') continue
      this.#wanted.set(id, 'opening')
      opening++
      void this.#open(id)
    }
  }

  async #open(id: string): Promise<void> {
    const { open, ended, platform } = this.#options
    try {
      await open(id)
      this.#wanted.delete(id)
    } catch (error) {
      // One that is not wanted any more was deleted meanwhile.
      if (this.#wanted.has(id)) {
        platform.log('error', 'environment-not-opened', { ...failureFields(error), retryMs: RETRY_MS })
        this.#wanted.set(id, 'failed')
        this.#retries.set(
          id,
          setTimeout(() => this.#retry(id), RETRY_MS),
        )
      }
    }
    this.#next()
    ended(id)
  }

  #retry(id: string): void {
    this.#retries.delete(id)
    this.#wanted.set(id, 'waiting')
    this.#next()
  }

  #forget(id: string): void {
    this.#wanted.delete(id)
    clearTimeout(this.#retries.get(id))
    this.#retries.delete(id)
  }
}

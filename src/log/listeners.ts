/** Who hears of what a log publishes. */
import type { LogError, LogListener, RevisedRecord } from './log.ts'

export class Listeners implements LogListener {
  readonly #all = new Set<LogListener>()

  /** Returns how to end it. */
  add(listener: LogListener): () => void {
    // A listener of its own, so that adding one twice is ended one by one.
    const added: LogListener = {
      published: (env, records, head) => listener.published(env, records, head),
      failed: (env, error) => listener.failed(env, error),
    }
    this.#all.add(added)
    return () => this.#all.delete(added)
  }

  published(env: string, records: readonly RevisedRecord[], head: number): void {
    for (const listener of this.#all) listener.published(env, records, head)
  }

  failed(env: string, error: LogError): void {
    for (const listener of this.#all) listener.failed(env, error)
  }
}

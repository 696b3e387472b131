/** How much runtimes may have under way at once: beyond it they are told to come again. */
import { limits } from '../src/base/limits.ts'
import { LogError } from '../src/log/log.ts'

export class Budget {
  #requests = 0
  #sizeBytes = 0

  /** Returns how to give it back. Throws LogError `overloaded`. */
  take(sizeBytes: number): () => void {
    if (this.#requests >= limits.appendQueueRecords || this.#sizeBytes + sizeBytes > limits.appendQueueBytes)
      throw new LogError('overloaded', `${this.#requests} writes of runtimes are under way`)
    this.#requests++
    this.#sizeBytes += sizeBytes
    return () => {
      this.#requests--
      this.#sizeBytes -= sizeBytes
    }
  }
}

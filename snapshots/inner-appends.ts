/** Appends that were sent over a stream and are not answered. */
import type { Appended } from '../src/log/inner.ts'
import { LogError } from '../src/log/log.ts'

interface Waiting {
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: Error) => void
}

export class InnerAppends {
  readonly #waiting = new Map<number, Waiting>()
  #next = 0

  /** Numbers an append and hands it to `send`. Rejects with what `refuse` and `fail` are told. */
  begin(send: (number: number) => void): Promise<Appended> {
    const number = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject })
      send(number)
    })
  }

  settle(number: number, appended: Appended): void {
    this.#take(number)?.resolve(appended)
  }

  refuse(number: number, error: Error): void {
    this.#take(number)?.reject(error)
  }

  /** No more answers come. */
  fail(cause: LogError): void {
    const message = `the record may or may not be in the log: the replicator did not answer: ${cause.message}`
    for (const number of this.#waiting.keys()) this.refuse(number, new LogError('unknown-outcome', message, { cause }))
  }

  #take(number: number): Waiting | undefined {
    const waiting = this.#waiting.get(number)
    this.#waiting.delete(number)
    return waiting
  }
}

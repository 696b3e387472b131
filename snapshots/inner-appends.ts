/** Appends that were sent over a stream and are not answered. */
import { messageOf } from '../src/base/message.ts'
import { Roster } from '../src/base/roster.ts'
import type { Appended } from '../src/log/inner.ts'
import { LogError } from '../src/log/log.ts'

interface Waiting {
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: Error) => void
  readonly timer: ReturnType<typeof setTimeout>
}

export class InnerAppends {
  readonly #waiting = new Roster<Waiting>()

  /** Numbers an append. Rejects with what `refuse` is told, or with LogError `unknown-outcome`: after that time, or when no more answers come. */
  begin(timeoutMs: number): { readonly number: number; readonly answer: Promise<Appended> } {
    const { promise: answer, resolve, reject } = Promise.withResolvers<Appended>()
    const late = (): void => this.refuse(number, unknownOutcome(new Error(`there was no answer within ${timeoutMs} ms`)))
    const number = this.#waiting.add({ resolve, reject, timer: setTimeout(late, timeoutMs) })
    return { number, answer }
  }

  settle(number: number, appended: Appended): void {
    this.#take(number)?.resolve(appended)
  }

  refuse(number: number, error: Error): void {
    this.#take(number)?.reject(error)
  }

  /** No more answers come. */
  fail(cause: LogError): void {
    for (const { key } of this.#waiting.entries()) this.refuse(key, unknownOutcome(cause))
  }

  #take(number: number): Waiting | undefined {
    const waiting = this.#waiting.take(number)
    clearTimeout(waiting?.timer)
    return waiting
  }
}

/** Of an append that may have taken effect although its answer is missing. */
export const unknownOutcome = (cause: unknown): LogError =>
  new LogError('unknown-outcome', `the record may or may not be in the log: the replicator did not answer: ${messageOf(cause)}`, { cause })

/** What the serving thread has asked the replicator's thread and is not answered yet. */
import { Roster } from '../src/base/roster.ts'
import { LogError } from '../src/log/log.ts'
import type { FromWorker, ToWorker } from './messages.ts'

interface Request {
  /** Of the text that waits. */
  readonly size: number
  /** Known when the message is made. */
  append: boolean
  readonly resolve: (answer: FromWorker) => void
  readonly reject: (error: Error) => void
}

export class WorkerRequests {
  readonly #waiting = new Roster<Request>()
  #size = 0

  get count(): number {
    return this.#waiting.size
  }

  /** Of all texts that wait. */
  get size(): number {
    return this.#size
  }

  /** Sends what `message` makes of a new id; resolves with the answer to it. */
  async ask(message: (id: number) => ToWorker, size: number, send: (message: ToWorker) => void): Promise<FromWorker> {
    return new Promise((resolve, reject) => {
      const request: Request = { size, append: false, resolve, reject }
      this.#size += size
      const sent = message(this.#waiting.add(request))
      request.append = sent.kind === 'append'
      send(sent)
    })
  }

  answer(id: number, answer: FromWorker): void {
    this.#take(id)?.resolve(answer)
  }

  refuse(id: number, error: Error): void {
    this.#take(id)?.reject(error)
  }

  /** No answer comes any more: an append may have happened. */
  abandon(unavailable: LogError, why: string): void {
    for (const { key, member } of this.#waiting.entries())
      this.refuse(
        key,
        member.append
          ? new LogError('unknown-outcome', `the record may or may not be in the log: ${why}`, { cause: unavailable.cause })
          : unavailable,
      )
  }

  #take(id: number): Request | undefined {
    const request = this.#waiting.take(id)
    this.#size -= request?.size ?? 0
    return request
  }
}

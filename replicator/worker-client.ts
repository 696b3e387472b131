/** The serving thread's side of the log's thread: starts it and speaks the inner interface with it. */
import { Worker } from 'node:worker_threads'
import { Bug, unreachable } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import { bodyText, parseRecordText } from '../src/log/body.ts'
import type { EnvironmentStatus, InnerReplicator, ReplicatorStatus, TailReader } from '../src/log/inner.ts'
import { LogError } from '../src/log/log.ts'
import type { RecordBody } from '../src/log/record.ts'
import { type FromWorker, receivedError, type SentRecord, type ToWorker, type WorkerOptions } from './messages.ts'

/** Opens the embedded log of a data directory in a thread of its own. Rejects with LogError `corrupted` or `unavailable` when it cannot be opened. */
export const startReplicatorWorker = async (options: WorkerOptions, worker: Worker = startThread(options)): Promise<InnerReplicator> => {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void => {
      reject(error)
      void worker.terminate()
    }
    const early = (code: number): void => reject(new LogError('unavailable', `the log's thread ended at its start with code ${code}`))
    worker.once('error', reject)
    worker.once('exit', early)
    // Sent by `worker.ts`, which is typed.
    worker.once('message', ([first]: readonly FromWorker[]) => {
      worker.off('error', reject)
      worker.off('exit', early)
      if (first?.kind === 'ready') resolve(new WorkerClient(worker, first.logId))
      else refuse(first?.kind === 'refused' ? receivedError(first.error) : new LogError('unavailable', "the log's thread said nothing"))
    })
  })
}

/** The thread alone, for `startReplicatorWorker`. */
export const startThread = (options: WorkerOptions): Worker =>
  new Worker(new URL('./worker.ts', import.meta.url), { workerData: options, execArgv: ['--disable-warning=ExperimentalWarning'] })

interface Request {
  /** Of the text that waits. */
  readonly size: number
  readonly append: boolean
  readonly resolve: (answer: FromWorker) => void
  readonly reject: (error: Error) => void
}

class WorkerClient implements InnerReplicator {
  readonly #worker: Worker
  readonly #logId: string
  readonly #requests = new Map<number, Request>()
  readonly #tails = new Map<number, TailReader>()
  #next = 0
  #waitingSize = 0
  #state: ReplicatorStatus['state'] = 'running'
  /** Of the last append; and of the thread, for good. */
  #problem: LogError | null = null
  #death: LogError | null = null
  #closing: Promise<void> | null = null

  constructor(worker: Worker, logId: string) {
    this.#worker = worker
    this.#logId = logId
    // Sent by `worker.ts`, which is typed.
    worker.on('message', (messages: readonly FromWorker[]) => {
      for (const message of messages) this.#receive(message)
    })
    worker.on('error', (error) => this.#died(error))
    worker.on('exit', (code) => this.#died(new Error(`exit code ${code}`)))
  }

  async append(env: string, body: RecordBody, writeId: string): Promise<{ readonly revision: number }> {
    this.#usable()
    const text = bodyText(body)
    if (this.#requests.size >= limits.appendQueueRecords || this.#waitingSize + text.length > limits.appendQueueBytes) {
      throw new LogError('overloaded', `${this.#requests.size} writes wait for the log`)
    }
    try {
      const answer = await this.#ask((id) => ({ kind: 'append', id, env, body: text, writeId }), text.length)
      this.#problem = null
      return { revision: answer.kind === 'appended' ? answer.revision : unexpected(answer) }
    } catch (error) {
      // A record that is too large says nothing about the log.
      if (error instanceof LogError && error.code !== 'too-large') this.#problem = error
      throw error
    }
  }

  tail(env: string, after: number, reader: TailReader): () => void {
    this.#usable()
    const tail = this.#next++
    this.#tails.set(tail, reader)
    this.#post({ kind: 'tail', tail, env, after })
    return () => this.#endTail(tail)
  }

  async createEnvironment(env: string, { ephemeral = false }: { readonly ephemeral?: boolean } = {}): Promise<void> {
    this.#usable()
    await this.#ask((id) => ({ kind: 'create', id, env, ephemeral }))
  }

  async environments(): Promise<readonly EnvironmentStatus[]> {
    this.#usable()
    const answer = await this.#ask((id) => ({ kind: 'environments', id }))
    return answer.kind === 'environments' ? answer.environments : unexpected(answer)
  }

  status(): ReplicatorStatus {
    return { state: this.#state, logId: this.#logId, problem: this.#death ?? this.#problem, pending: this.#requests.size }
  }

  async close(): Promise<void> {
    if (this.#state === 'failed') return
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    this.#state = 'closed'
    this.#post({ kind: 'close' })
    await new Promise((resolve) => {
      this.#worker.once('exit', resolve)
    })
  }

  #usable(): void {
    if (this.#state === 'closed') throw new LogError('unavailable', 'the replicator is closed')
    if (this.#death !== null) throw this.#death
  }

  async #ask(message: (id: number) => ToWorker, size = 0): Promise<FromWorker> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      const sent = message(id)
      this.#requests.set(id, { size, append: sent.kind === 'append', resolve, reject })
      this.#waitingSize += size
      this.#post(sent)
    })
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message)
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case 'records':
        return this.#push(message.tail, message.records)
      case 'tail-failed': {
        const reader = this.#tails.get(message.tail)
        this.#tails.delete(message.tail)
        return reader?.failed(receivedError(message.error))
      }
      case 'failed':
        return this.#take(message.id)?.reject(receivedError(message.error))
      case 'appended':
      case 'created':
      case 'environments':
        return this.#take(message.id)?.resolve(message)
      case 'ready':
      case 'refused':
        return unexpected(message)
      default:
        return unreachable(message)
    }
  }

  #take(id: number): Request | undefined {
    const request = this.#requests.get(id)
    this.#requests.delete(id)
    this.#waitingSize -= request?.size ?? 0
    return request
  }

  #push(tail: number, sent: readonly SentRecord[]): void {
    const reader = this.#tails.get(tail)
    // Pushes that were under way when the tail ended.
    if (reader === undefined) return
    const records = sent.map(({ revision, text }) => ({ revision, record: parseRecordText(text) }))
    const failed = (error: unknown): void => {
      if (!this.#tails.has(tail)) return
      this.#endTail(tail)
      reader.failed(error)
    }
    try {
      const taken = reader.push(records)
      if (taken === undefined) this.#post({ kind: 'taken', tail })
      else taken.then(() => this.#post({ kind: 'taken', tail }), failed)
    } catch (error) {
      failed(error)
    }
  }

  #endTail(tail: number): void {
    if (this.#tails.delete(tail)) this.#post({ kind: 'end-tail', tail })
  }

  #died(cause: Error): void {
    const ended = this.#state === 'closed'
    if (this.#state === 'failed') return
    if (!ended) this.#state = 'failed'
    const why = ended ? 'the replicator is closed' : `the log's thread ended: ${cause.message}; restart the process`
    const unavailable = new LogError('unavailable', why, { cause })
    if (!ended) this.#death = unavailable
    for (const { append, reject } of this.#requests.values()) {
      reject(append ? new LogError('unknown-outcome', `the record may or may not be in the log: ${why}`, { cause }) : unavailable)
    }
    this.#requests.clear()
    this.#waitingSize = 0
    const readers = [...this.#tails.values()]
    this.#tails.clear()
    if (!ended) for (const reader of readers) reader.failed(unavailable)
  }
}

const unexpected = (message: FromWorker): never => {
  throw new Bug(`unexpected answer \`${message.kind}\``)
}

/** The serving thread's side of the replicator's thread: starts it and speaks the inner interface with it. */
import { Worker } from 'node:worker_threads'
import { Bug, unreachable } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import { bodyText, parseRecordText } from '../src/log/body.ts'
import type {
  Appended,
  CreateOptions,
  EnvironmentStatus,
  InnerReplicator,
  InnerSnapshot,
  Published,
  ReplicatorStatus,
  TailReader,
} from '../src/log/inner.ts'
import { LogError } from '../src/log/log.ts'
import { concernsLog } from '../src/log/log-errors.ts'
import type { RecordBody } from '../src/log/record.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import { imageSlices } from './image-slices.ts'
import { nodeLater } from './later.ts'
import type { Measurements } from './measurements.ts'
import { type FromWorker, receivedError, type SentRecord, type ToWorker, type WorkerOptions } from './messages.ts'
import { settledWithin } from './settled-within.ts'
import { threadClockMs } from './thread-clock.ts'
import { WorkerRequests } from './worker-requests.ts'

export interface WorkerReplicator extends InnerReplicator {
  /** As of a moment ago; null before it was told. */
  measure(): Measurements | null
}

/** Opens the embedded log of a data directory, and replicates it, in a thread of its own. Rejects with LogError `corrupted` or `unavailable` when it cannot be
 * opened. */
export const startReplicatorWorker = async (
  options: WorkerOptions,
  { worker = startThread(options), log = () => {} }: { readonly worker?: Worker; readonly log?: WriteLogLine } = {},
): Promise<WorkerReplicator> => {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void => {
      reject(error)
      void worker.terminate()
    }
    const early = (code: number): void => reject(new LogError('unavailable', `the log's thread ended at its start with code ${code}`))
    worker.once('error', reject)
    worker.once('exit', early)
    // Sent by `worker.ts`, which is typed.
    const hear = (messages: readonly FromWorker[]): void => {
      for (const message of messages) if (message.kind === 'logged') log(message.level, message.event, message.fields)
      const first = messages.find(({ kind }) => kind !== 'logged')
      if (first === undefined) return
      worker.off('message', hear)
      worker.off('error', reject)
      worker.off('exit', early)
      if (first.kind === 'ready') resolve(new WorkerClient(worker, first, log))
      else refuse(first.kind === 'refused' ? receivedError(first.error) : new LogError('unavailable', "the log's thread said nothing"))
    }
    worker.on('message', hear)
  })
}

/** The thread alone, for `startReplicatorWorker`. */
export const startThread = (options: WorkerOptions): Worker =>
  new Worker(new URL('./worker.ts', import.meta.url), { workerData: options, execArgv: ['--disable-warning=ExperimentalWarning'] })

class WorkerClient implements WorkerReplicator {
  readonly #worker: Worker
  readonly #logId: string
  readonly #sole: boolean
  readonly #log: WriteLogLine
  /** When the head of each environment was last seen, with everything up to it sent here, by the clock of threads. */
  readonly #seenAtMs = new Map<string, number>()
  readonly #requests = new WorkerRequests()
  readonly #tails = new Map<number, TailReader>()
  #nextTail = 0
  #state: ReplicatorStatus['state'] = 'running'
  /** Of the last append; and of the thread, for good. */
  #problem: LogError | null = null
  #death: LogError | null = null
  #measurements: Measurements | null = null
  #diedAtMs: number | null = null
  #closing: Promise<void> | null = null

  constructor(worker: Worker, { logId, sole }: Extract<FromWorker, { kind: 'ready' }>, log: WriteLogLine) {
    this.#worker = worker
    this.#logId = logId
    this.#sole = sole
    this.#log = log
    // Sent by `worker.ts`, which is typed.
    worker.on('message', (messages: readonly FromWorker[]) => {
      for (const message of messages) this.#receive(message)
    })
    worker.on('error', (error) => this.#died(error))
    worker.on('exit', (code) => this.#died(new Error(`exit code ${code}`)))
  }

  async append(env: string, body: RecordBody, writeId: string): Promise<Appended> {
    this.#usable()
    const text = bodyText(body)
    if (this.#requests.count >= limits.appendQueueRecords || this.#requests.size + text.length > limits.appendQueueBytes) {
      throw new LogError('overloaded', `${this.#requests.count} writes wait for the log`)
    }
    try {
      const answer = await this.#ask((id) => ({ kind: 'append', id, env, body: text, writeId }), text.length)
      this.#problem = null
      return answer.kind === 'appended' ? { revision: answer.revision, applied: answer.applied } : unexpected(answer)
    } catch (error) {
      if (concernsLog(error)) this.#problem = error
      throw error
    }
  }

  tail(env: string, after: number, reader: TailReader): () => void {
    this.#usable()
    const tail = this.#nextTail++
    this.#tails.set(tail, reader)
    this.#post({ kind: 'tail', tail, env, after })
    return () => this.#endTail(tail)
  }

  async snapshot(env: string): Promise<InnerSnapshot | null> {
    this.#usable()
    const answer = await this.#ask((id) => ({ kind: 'snapshot', id, env }))
    if (answer.kind !== 'snapshot') return unexpected(answer)
    if (answer.snapshot === null) return null
    const { bytes, ...rest } = answer.snapshot
    return { ...rest, chunks: imageSlices(bytes) }
  }

  async createEnvironment(env: string, { ephemeral = false, partition }: CreateOptions = {}): Promise<void> {
    this.#usable()
    await this.#ask((id) => ({ kind: 'create', id, env, ephemeral, partition: partition ?? null }))
  }

  async deleteEnvironment(env: string): Promise<void> {
    this.#usable()
    await this.#ask((id) => ({ kind: 'delete', id, env }))
  }

  async publish(env: string): Promise<Published> {
    this.#usable()
    const answer = await this.#ask((id) => ({ kind: 'publish', id, env }))
    if (answer.kind !== 'published') return unexpected(answer)
    const { revision, coveredThrough, key } = answer
    return { revision, coveredThrough, key }
  }

  async restore(env: string, revision: number): Promise<Appended> {
    this.#usable()
    const answer = await this.#ask((id) => ({ kind: 'restore', id, env, revision }))
    return answer.kind === 'appended' ? { revision: answer.revision, applied: answer.applied } : unexpected(answer)
  }

  /** Where the thread alone appends, and pushes before it answers, its head is known as long as it lives. */
  stalenessMs(env: string): number | null {
    const nowMs = threadClockMs()
    const seenAtMs = this.#sole ? (this.#diedAtMs ?? nowMs) : this.#seenAtMs.get(env)
    return seenAtMs === undefined ? null : Math.round(nowMs - seenAtMs)
  }

  async environments(): Promise<readonly EnvironmentStatus[]> {
    this.#usable()
    const answer = await this.#ask((id) => ({ kind: 'environments', id }))
    return answer.kind === 'environments' ? answer.environments : unexpected(answer)
  }

  status(): ReplicatorStatus {
    return { state: this.#state, logId: this.#logId, problem: this.#death ?? this.#problem, pending: this.#requests.count }
  }

  measure(): Measurements | null {
    return this.#measurements
  }

  async close(): Promise<void> {
    if (this.#state === 'failed') return
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    this.#state = 'closed'
    const exited = new Promise((resolve) => {
      this.#worker.once('exit', resolve)
    })
    this.#post({ kind: 'close' })
    if (await settledWithin(exited, limits.workerCloseMs, nodeLater)) return
    // Whatever holds it up: what it acknowledged is on disk.
    this.#log('warn', 'replicator-thread-ended', { afterMs: limits.workerCloseMs, automatic: true })
    await this.#worker.terminate()
  }

  #usable(): void {
    if (this.#state === 'closed') throw new LogError('unavailable', 'the replicator is closed')
    if (this.#death !== null) throw this.#death
  }

  async #ask(message: (id: number) => ToWorker, size = 0): Promise<FromWorker> {
    return this.#requests.ask(message, size, (sent) => this.#post(sent))
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message)
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case 'records':
        return this.#push(message.tail, message.records, message.through)
      case 'tail-failed': {
        const reader = this.#tails.get(message.tail)
        this.#tails.delete(message.tail)
        return reader?.failed(receivedError(message.error))
      }
      case 'seen':
        // Not as of now: a process that was stopped in its tracks finds what was told before it was.
        for (const [env, ageMs] of message.ages) this.#seenAtMs.set(env, message.atMs - ageMs)
        return undefined
      case 'measured':
        this.#measurements = message.measurements
        return undefined
      case 'logged':
        return this.#log(message.level, message.event, message.fields)
      case 'failed':
        return this.#requests.refuse(message.id, receivedError(message.error))
      case 'appended':
      case 'done':
      case 'snapshot':
      case 'published':
      case 'environments':
        return this.#requests.answer(message.id, message)
      case 'ready':
      case 'refused':
        return unexpected(message)
      default:
        return unreachable(message)
    }
  }

  #push(tail: number, sent: readonly SentRecord[], through: number): void {
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
      const taken = reader.push(records, through)
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
    if (!ended) {
      this.#death = unavailable
      this.#diedAtMs = threadClockMs()
    }
    this.#requests.abandon(unavailable, why)
    const readers = [...this.#tails.values()]
    this.#tails.clear()
    if (!ended) for (const reader of readers) reader.failed(unavailable)
  }
}

const unexpected = (message: FromWorker): never => {
  throw new Bug(`unexpected answer \`${message.kind}\``)
}

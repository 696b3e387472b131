/** The inner interface of a replicator in another process, over HTTP: connects again when the connection is lost, and never sends an append twice. */
import type * as z from 'zod/mini'
import { known } from '../src/base/assert.ts'
import { innerLimits } from '../src/base/inner-limits.ts'
import { limits } from '../src/base/limits.ts'
import { Roster } from '../src/base/roster.ts'
import { bodyText } from '../src/log/body.ts'
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
import { appendedShape, environmentsShape, innerPaths, nothingShape, parseInner, publishedShape, streamHeader } from '../src/wire/inner.ts'
import { receivedError } from '../src/wire/inner-errors.ts'
import { within } from './deadline.ts'
import { askInner, callInner, type InnerCall, withMeaning } from './inner-calls.ts'
import { type ConnectionOptions, InnerConnection } from './inner-connection.ts'
import { receivedImage } from './inner-image.ts'
import type { InnerStream } from './inner-stream.ts'

export interface InnerClient extends InnerReplicator {
  /** Whether the first attempt to reach the replicator succeeded; attempts are repeated until `close`. */
  readonly reached: Promise<boolean>
}

/** Begins to connect. Closing it leaves the replicator running. */
export const innerClient = (options: ConnectionOptions): InnerClient => new HttpClient(options)

type Call = Omit<InnerCall, 'signal'>

class HttpClient implements InnerClient {
  readonly #options: ConnectionOptions
  readonly #connection: InnerConnection
  readonly #accepted = new Roster<Promise<unknown>>()
  #acceptedChars = 0
  #logId = ''
  /** Of the last append, or what the replicator tells of its own. */
  #problem: LogError | null = null
  #open = true
  /** Calls that are not answered. */
  readonly #calls = new Set<AbortController>()
  #gaveUp = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#connection = new InnerConnection(options, ({ logId, problem }) => {
      this.#logId = logId
      const received = problem === null ? null : receivedError(problem)
      this.#problem = received instanceof LogError ? received : null
    })
  }

  get reached(): Promise<boolean> {
    return this.#connection.first
  }

  async append(env: string, body: RecordBody, writeId: string): Promise<Appended> {
    this.#usable()
    const text = bodyText(body)
    if (this.#accepted.size >= limits.appendQueueRecords || this.#acceptedChars + text.length > limits.appendQueueBytes)
      throw new LogError('overloaded', `${this.#accepted.size} writes wait for the replicator`)
    const appending = this.#appendText(env, text, writeId)
    const key = this.#accepted.add(appending)
    this.#acceptedChars += text.length
    try {
      const appended = await appending
      this.#problem = null
      return appended
    } catch (error) {
      if (concernsLog(error)) this.#problem = error
      throw error
    } finally {
      this.#accepted.remove(key)
      this.#acceptedChars -= text.length
    }
  }

  tail(env: string, after: number, reader: TailReader): () => void {
    this.#usable()
    return this.#connection.tail(env, after, reader)
  }

  async snapshot(env: string): Promise<InnerSnapshot | null> {
    this.#usable()
    await this.#reachable()
    const call = { method: 'GET', path: innerPaths.snapshot(env), signal: AbortSignal.timeout(innerLimits.longCallMs) } as const
    return withMeaning(call, async () => {
      const response = await callInner(this.#options, call)
      if (response.status !== 204) return receivedImage(response, env)
      await response.text()
      return null
    })
  }

  async createEnvironment(env: string, options: CreateOptions = {}): Promise<void> {
    await this.#ask({ method: 'PUT', path: innerPaths.environment(env), body: JSON.stringify(options) }, nothingShape)
  }

  async deleteEnvironment(env: string): Promise<void> {
    await this.#ask({ method: 'DELETE', path: innerPaths.environment(env) }, nothingShape)
  }

  async publish(env: string): Promise<Published> {
    return this.#ask({ method: 'POST', path: innerPaths.snapshot(env) }, publishedShape, innerLimits.longCallMs)
  }

  async restore(env: string, revision: number): Promise<Appended> {
    this.#usable()
    return this.#append(env, { method: 'POST', path: innerPaths.restore(env), body: JSON.stringify({ revision }) }, innerLimits.longCallMs)
  }

  async environments(): Promise<readonly EnvironmentStatus[]> {
    return (await this.#ask({ method: 'GET', path: innerPaths.environments }, environmentsShape)).environments
  }

  stalenessMs(env: string): number | null {
    return this.#connection.stalenessMs(env)
  }

  status(): ReplicatorStatus {
    const { loss } = this.#connection
    const state = !this.#open ? 'closed' : loss === null ? 'running' : 'unreachable'
    return { state, logId: this.#logId, problem: loss ?? this.#problem, pending: this.#accepted.size }
  }

  async close(): Promise<void> {
    this.#open = false
    const giveUp = setTimeout(() => this.#giveUp(), innerLimits.closeMs)
    await Promise.allSettled(this.#accepted.members())
    clearTimeout(giveUp)
    this.#connection.close()
  }

  async #appendText(env: string, text: string, writeId: string): Promise<Appended> {
    if (text.length > innerLimits.streamAppendChars)
      return this.#append(env, { method: 'POST', path: innerPaths.records(env, writeId), body: text }, innerLimits.callMs)
    const stream = await this.#reachable()
    const appended = await stream.append(env, text, writeId)
    // A tail that is behind gets it later.
    await stream.arrived(env, appended.revision, innerLimits.arrivalMs)
    return appended
  }

  async #append(env: string, call: Call, timeoutMs: number): Promise<Appended> {
    const stream = await this.#reachable()
    const headers: Record<string, string> = stream.id === null ? {} : { [streamHeader]: stream.id }
    const appended = await this.#answer({ ...call, headers, appends: true }, appendedShape, timeoutMs)
    // The answer came on another connection than the pushes.
    await stream.arrived(env, appended.revision, innerLimits.arrivalMs)
    return appended
  }

  /** Rejects with LogError. */
  async #ask<T>(call: Call, shape: z.ZodMiniType<T>, timeoutMs: number = innerLimits.callMs): Promise<T> {
    this.#usable()
    await this.#reachable()
    return this.#answer(call, shape, timeoutMs)
  }

  async #answer<T>(call: Call, shape: z.ZodMiniType<T>, timeoutMs: number): Promise<T> {
    const controller = new AbortController()
    this.#calls.add(controller)
    if (this.#gaveUp) this.#giveUp()
    const ask = async (signal: AbortSignal): Promise<T> => {
      const text = await askInner(this.#options, { ...call, signal })
      return parseInner(shape, text === '' ? 'null' : text)
    }
    const late = (): Error => new Error(`there was no answer within ${timeoutMs} ms`)
    try {
      return await withMeaning(call, () => within(ask, timeoutMs, late, controller))
    } finally {
      this.#calls.delete(controller)
    }
  }

  #giveUp(): void {
    this.#gaveUp = true
    for (const call of this.#calls) call.abort(new Error('this process closes'))
    this.#connection.close()
  }

  #usable(): void {
    if (!this.#open) throw new LogError('unavailable', 'the replicator is closed')
  }

  /** A call to a replicator that is gone would only wait for its end. The first attempt to reach it is waited for. Rejects with LogError `unavailable`. */
  async #reachable(): Promise<InnerStream> {
    if (this.#connection.stream === null) await this.#connection.first
    const { stream, loss } = this.#connection
    if (stream === null) throw known(loss, 'without a stream there is a reason')
    return stream
  }
}

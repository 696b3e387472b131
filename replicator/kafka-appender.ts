/** Appends to one partition: queue, group commit, one produce in flight, retries within a deadline. */
import { at } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import { LogError } from '../src/log/log.ts'
import { Backoff, type Pauses } from './kafka-deadline.ts'
import { isTooLarge, mayBeWritten, reasonOf } from './kafka-failure.ts'
import type { AppendLink } from './kafka-link.ts'

export interface AppenderOptions {
  readonly link: AppendLink
  /** Throws LogError as long as nothing may be appended. */
  readonly ready: () => void
  /** What this process has seen of the partition. */
  readonly seen: () => number
  /** Resolves when the readers of this process have a record, or after a bound. */
  readonly published: (offset: number) => Promise<void>
  readonly nowMs: () => number
  readonly pauses: Pauses
}

interface Waiting {
  readonly key: Buffer
  readonly value: Buffer
  readonly until: number
  readonly resolve: (revision: number) => void
  readonly reject: (reason: LogError) => void
}

/** All messages of a produce become one batch, which the topic limits to 1 MiB; twice this still fits. */
const GROUP_BYTES = 512 * 1024
const GROUP_RECORDS = 1000
/** From the acceptance of a record to the answer; shorter than the wait of a runtime, so that the answer says what happened. */
const APPEND_MS = 3500
const ONE_ATTEMPT_MS = 20

export class PartitionAppender {
  readonly #options: AppenderOptions
  #queue: Waiting[] = []
  #queuedBytes = 0
  #working: Promise<void> | null = null
  #unpublished = 0
  #idle: (() => void) | null = null

  constructor(options: AppenderOptions) {
    this.#options = options
  }

  /** Rejects with LogError. */
  async append(env: string, bytes: Uint8Array): Promise<number> {
    if (this.#queue.length >= limits.appendQueueRecords || this.#queuedBytes + bytes.length > limits.appendQueueBytes) {
      throw new LogError('overloaded', `${this.#queue.length} records wait for partition ${this.#options.link.partition} of the log`)
    }
    return new Promise((resolve, reject) => {
      const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      this.#queue.push({ key: Buffer.from(env), value, until: performance.now() + APPEND_MS, resolve, reject })
      this.#queuedBytes += bytes.length
      this.#working ??= this.#work()
    })
  }

  /** Resolves when every accepted append has been answered. */
  async close(): Promise<void> {
    await this.#working
    if (this.#unpublished > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    this.#options.link.drop()
  }

  async #work(): Promise<void> {
    // What is appended in the same turn goes together.
    await Promise.resolve()
    while (this.#queue.length > 0) await this.#send(this.#takeGroup())
    this.#working = null
  }

  #takeGroup(): readonly Waiting[] {
    let records = 0
    let sizeBytes = 0
    for (const { value } of this.#queue) {
      if (records > 0 && (records === GROUP_RECORDS || sizeBytes + value.length > GROUP_BYTES)) break
      records++
      sizeBytes += value.length
    }
    const group = this.#queue.slice(0, records)
    this.#queue = this.#queue.slice(records)
    this.#queuedBytes -= sizeBytes
    return group
  }

  async #send(group: readonly Waiting[]): Promise<void> {
    const backoff = new Backoff()
    const { until } = at(group, 0)
    let written = false
    for (;;) {
      try {
        const base = await this.#attempt(group, until)
        this.#unpublished++
        void this.#answer(group, base)
        return
      } catch (error) {
        written ||= mayBeWritten(error)
        const pause = backoff.next()
        const final = error instanceof LogError || isTooLarge(error) || performance.now() + pause + ONE_ATTEMPT_MS > until
        if (final) return reject(group, this.#failure(error, written))
        await this.#options.pauses.wait(pause)
      }
    }
  }

  async #attempt(group: readonly Waiting[], until: number): Promise<number> {
    this.#options.ready()
    const left = until - performance.now()
    if (left < ONE_ATTEMPT_MS)
      throw new LogError('unavailable', `partition ${this.#options.link.partition} of the log is too slow: the record was not sent in time`)
    const seen = this.#options.seen()
    // The same bytes under the same write ids: what an earlier attempt may have written is skipped by whoever applies it.
    const base = await this.#options.link.append(group, left, this.#options.nowMs())
    // Whoever follows the partition is past it and will never see it: sooner than the follower believes it, the log is known to have been cut off.
    if (base < seen) throw cutShort(this.#options.link.partition, base, seen)
    return base
  }

  #failure(error: unknown, written: boolean): LogError {
    const where = `append to partition ${this.#options.link.partition} of the log`
    if (isTooLarge(error))
      return new LogError('too-large', `${where} was refused: the topic's max.message.bytes is too small`, { cause: error })
    if (written) {
      return new LogError('unknown-outcome', `${where} was not answered (${reasonOf(error)}): append again with the same write id`, {
        cause: error,
      })
    }
    return error instanceof LogError
      ? error
      : new LogError('unavailable', `${where} failed, nothing was written: ${reasonOf(error)}`, { cause: error })
  }

  async #answer(group: readonly Waiting[], base: number): Promise<void> {
    await this.#options.published(base + group.length - 1)
    for (const [index, { resolve }] of group.entries()) resolve(base + index)
    this.#unpublished--
    if (this.#unpublished === 0) this.#idle?.()
  }
}

const cutShort = (partition: number, base: number, seen: number): LogError =>
  new LogError(
    'unknown-outcome',
    `partition ${partition} of the log gave revision ${base}, though revision ${seen - 1} was read before: it was cut off or made anew; append again with the same write id`,
  )

const reject = (group: readonly Waiting[], reason: LogError): void => {
  for (const waiting of group) waiting.reject(reason)
}

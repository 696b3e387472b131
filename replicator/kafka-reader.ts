/** Reads of one environment's records out of a partition that it may share. */
import { limits } from '../src/base/limits.ts'
import { type LogBounds, LogError, type RevisedRecord } from '../src/log/log.ts'
import { outOfRange } from '../src/log/log-errors.ts'
import { Backoff, type Pauses } from './kafka-deadline.ts'
import { protocolCode, unavailable } from './kafka-failure.ts'
import type { Fetched, Found, ReadLink, Watermarks } from './kafka-link.ts'
import { environmentOf, readRecord } from './kafka-record.ts'

export interface ReaderOptions {
  readonly link: ReadLink
  readonly logId: string
  readonly pauses: Pauses
  /** What this process has seen of the partition: a new leader may tell a lower high watermark for a moment. */
  readonly seen: () => number
}

/** From a call to its answer when the brokers do not answer. */
const READ_MS = 4000
/** A chunk is used again by the next read, which mostly goes on in it; not for long, because the log may be trimmed. */
const CHUNK_MS = 1000

interface Chunk {
  readonly messages: readonly Found[]
  readonly from: number
  readonly until: number
}

/** Messages, and the high watermark when the broker was asked right now. */
interface Piece {
  readonly messages: readonly Found[]
  readonly high: number | null
}

export class PartitionReader {
  readonly #options: ReaderOptions
  #chunk: Chunk | null = null
  #open = true

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  async bounds(): Promise<LogBounds> {
    const { low, high } = await this.#watermarks()
    return { first: low, last: Math.max(high, this.#options.seen()) - 1 }
  }

  /** Records of an environment after a revision; none only at the head that the partition had when it was asked. */
  async read(env: string, after: number, limit: number): Promise<readonly RevisedRecord[]> {
    const found: RevisedRecord[] = []
    let head: number | null = null
    let sizeBytes = 0
    for (let from = after + 1; head === null || from < head; ) {
      const { messages, high } = await this.#fetch(env, from)
      head ??= high
      const last = messages.at(-1)
      if (last === undefined) break
      for (const message of messages) {
        if (environmentOf(message) !== env) continue
        const record = this.#decode(env, message, found.length > 0)
        if (record === 'later') return found
        if (record === null) continue
        found.push(record)
        sizeBytes += message.value?.length ?? 0
        if (found.length === limit || sizeBytes >= limits.readChunkBytes) return found
      }
      if (found.length > 0) break
      from = last.offset + 1
    }
    return found
  }

  /** After the log was trimmed. */
  forget(): void {
    this.#chunk = null
  }

  close(): void {
    this.#open = false
    this.forget()
    this.#options.link.drop()
  }

  /** What is in front of a damaged record is read before it is reported. */
  #decode(env: string, message: Found, others: boolean): RevisedRecord | 'later' | null {
    try {
      return readRecord(env, message, this.#options.logId)
    } catch (error) {
      if (others) return 'later'
      throw error
    }
  }

  async #fetch(env: string, from: number): Promise<Piece> {
    const chunk = this.#chunk
    const last = chunk?.messages.at(-1)
    if (chunk !== null && last !== undefined && from >= chunk.from && from <= last.offset && performance.now() < chunk.until) {
      return { messages: chunk.messages.filter(({ offset }) => offset >= from), high: null }
    }
    const fetched = await this.#retried(`read of environment \`${env}\` after revision ${from - 1}`, async () =>
      this.#fetchChunk(env, from),
    )
    this.#chunk = { messages: fetched.messages, from, until: performance.now() + CHUNK_MS }
    return fetched
  }

  async #fetchChunk(env: string, from: number): Promise<Fetched> {
    const { link, seen } = this.#options
    try {
      // Kafka gives negative offsets a meaning of their own.
      const fetched = from < 0 ? null : await link.fetch(from, 0, limits.readChunkBytes)
      if (fetched !== null && (fetched.high < seen() || (from < fetched.high && fetched.messages.length === 0))) throw behind()
      if (fetched !== null && from <= fetched.high) return fetched
    } catch (error) {
      if (protocolCode(error) !== 'OFFSET_OUT_OF_RANGE') throw error
    }
    const { low, high } = await link.watermarks()
    if (from >= low && high < seen()) throw behind()
    throw outOfRange(env, from - 1, { first: low, last: high - 1 })
  }

  async #watermarks(): Promise<Watermarks> {
    return this.#retried(`bounds of partition ${this.#options.link.partition}`, async () => this.#options.link.watermarks())
  }

  async #retried<T>(what: string, call: () => Promise<T>): Promise<T> {
    const until = performance.now() + READ_MS
    const backoff = new Backoff()
    for (;;) {
      try {
        return await call()
      } catch (error) {
        if (error instanceof LogError) throw error
        const pause = backoff.next()
        if (!this.#open || performance.now() + pause > until) throw unavailable(what, error)
        await this.#options.pauses.wait(pause)
      }
    }
  }
}

const behind = (): Error => new Error('the new leader does not know yet what is durable')

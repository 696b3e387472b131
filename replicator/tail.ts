/** One reader of an environment's log: reads up to the head at the reader's pace, then gets every new record pushed. */
import { at } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import type { TailReader } from '../src/log/inner.ts'
import type { Log, RevisedRecord } from '../src/log/log.ts'
import { outOfRange } from '../src/log/log-errors.ts'

/** Where a tail reads; `head` moves on as records are published. */
export interface TailSource {
  readonly env: string
  readonly log: Log
  readonly head: number
}

export class Tail {
  readonly #source: TailSource
  readonly #reader: TailReader
  readonly #ended: () => void
  #position: number
  /** At the head, so that the next published record is the next one for the reader. */
  #live = false
  #reading = false
  #untaken = 0
  #open = true

  constructor(source: TailSource, after: number, reader: TailReader, ended: () => void) {
    this.#source = source
    this.#position = after
    this.#reader = reader
    this.#ended = ended
  }

  start(): void {
    void this.#catchUp()
  }

  /** Records that have just become durable. */
  publish(records: readonly RevisedRecord[]): void {
    if (!this.#live) return
    // A slow reader must not pile up records: it goes back to reading.
    if (this.#untaken >= limits.tailPushes) this.#live = false
    else void this.#push(records)
  }

  end(): void {
    this.#open = false
    this.#live = false
    this.#ended()
  }

  async #catchUp(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    try {
      while (this.#open && this.#position !== this.#source.head) await this.#readOnce()
      this.#live = this.#open
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#reading = false
    }
  }

  async #readOnce(): Promise<void> {
    const { env, log, head } = this.#source
    if (this.#position > head) throw outOfRange(env, this.#position, await log.bounds(env))
    const records = await log.read(env, this.#position, limits.readRecords)
    // Records past the head are durable but not published yet: they are left to that. Nothing up to the head is a gap.
    const published = records.filter(({ revision }) => revision <= head)
    if (published.length === 0) this.#position = head
    else if (this.#open) await this.#push(published)
  }

  #push(records: readonly RevisedRecord[]): Promise<void> | void {
    this.#position = at(records, records.length - 1).revision
    try {
      const taken = this.#reader.push(records)
      if (taken === undefined) return undefined
      this.#untaken++
      return this.#settle(taken)
    } catch (error) {
      this.#fail(error)
      return undefined
    }
  }

  async #settle(taken: Promise<void>): Promise<void> {
    try {
      await taken
    } catch (error) {
      this.#fail(error)
    }
    this.#untaken--
    if (this.#open && !this.#live) void this.#catchUp()
  }

  #fail(error: unknown): void {
    if (!this.#open) return
    this.end()
    this.#reader.failed(error)
  }
}

/** One reader of an environment's log: reads up to the head at the reader's pace, then gets every new record pushed. */
import { limits } from '../src/base/limits.ts'
import type { TailReader } from '../src/log/inner.ts'
import type { Log, RevisedRecord } from '../src/log/log.ts'
import { outOfRange } from '../src/log/log-errors.ts'
import type { Recent } from './recent.ts'

/** Where a tail reads; `head` moves on as records are published. */
export interface TailSource {
  readonly env: string
  readonly log: Pick<Log, 'read' | 'bounds'>
  readonly head: number
  readonly recent?: Recent
  readonly monotonicMs?: () => number
}

export interface TailEvents {
  ended(): void
  /** `applied` grew. */
  progressed?(): void
}

export class Tail {
  readonly #source: TailSource
  readonly #reader: TailReader
  readonly #events: TailEvents
  #position: number
  /** The reader has done with everything up to here. */
  #applied: number
  /** At the head, so that the next published record is the next one for the reader. */
  #live = false
  #wasLive = false
  #reading = false
  #untaken = 0
  /** When the oldest push that is not taken was made, or a later one was taken. */
  #untakenSinceMs = 0
  #open = true

  constructor(source: TailSource, after: number, reader: TailReader, events: TailEvents) {
    this.#source = source
    this.#position = after
    this.#applied = after
    this.#reader = reader
    this.#events = events
  }

  get applied(): number {
    return this.#applied
  }

  /** Whether others may wait for this reader: it was at the head once, and it goes on taking what is pushed. */
  get follows(): boolean {
    return this.#wasLive && (this.#untaken === 0 || this.#nowMs() - this.#untakenSinceMs < limits.tailStallMs)
  }

  start(): void {
    void this.#catchUp()
  }

  /** Records that have just become durable, and the position up to which nothing is missing with them. */
  publish(records: readonly RevisedRecord[], through: number): void {
    if (!this.#live) return
    // A slow reader must not pile up records: it goes back to reading.
    if (this.#untaken >= limits.tailPushes) {
      this.#live = false
      return
    }
    const first = records[0]
    // The log may publish again what was read before.
    const fresh =
      first !== undefined && first.revision <= this.#position ? records.filter(({ revision }) => revision > this.#position) : records
    if (fresh.length > 0 || through > this.#position) void this.#push(fresh, through, true)
  }

  /** The reader is not told. */
  end(): void {
    this.#open = false
    this.#live = false
    this.#events.ended()
  }

  fail(error: unknown): void {
    if (!this.#open) return
    this.end()
    this.#reader.failed(error)
  }

  async #catchUp(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    try {
      while (this.#open && this.#position !== this.#source.head) await this.#readOnce()
      this.#live = this.#open
      this.#wasLive ||= this.#live
    } catch (error) {
      this.fail(error)
    } finally {
      this.#reading = false
    }
  }

  async #readOnce(): Promise<void> {
    const { env, log, head, recent } = this.#source
    if (this.#position > head) throw outOfRange(env, this.#position, await log.bounds(env))
    const records = recent?.after(this.#position, limits.readRecords) ?? (await log.read(env, this.#position, limits.readRecords))
    // Records past the head are durable but not published yet: they are left to that. Nothing up to the head is a gap.
    const published = records.filter(({ revision }) => revision <= head)
    if (this.#open) await this.#push(published, published.at(-1)?.revision ?? head, false)
  }

  #push(records: readonly RevisedRecord[], through: number, isNew: boolean): Promise<void> | void {
    this.#position = through
    try {
      const taken = this.#reader.push(records, through, isNew)
      if (taken !== undefined) return this.#settle(taken, through)
      this.#progress(through)
    } catch (error) {
      this.fail(error)
    }
    return undefined
  }

  async #settle(taken: Promise<void>, through: number): Promise<void> {
    if (this.#untaken++ === 0) this.#untakenSinceMs = this.#nowMs()
    try {
      await taken
      this.#untakenSinceMs = this.#nowMs()
      this.#progress(through)
    } catch (error) {
      this.fail(error)
    }
    this.#untaken--
    if (this.#open && !this.#live) void this.#catchUp()
  }

  #progress(through: number): void {
    if (through <= this.#applied) return
    this.#applied = through
    this.#events.progressed?.()
  }

  #nowMs(): number {
    return this.#source.monotonicMs?.() ?? 0
  }
}

/** A log server of a simulation: partitions that every cell shares, with the faults of a network in front of them. */
import { at, known } from '../../src/base/assert.ts'
import { decodeRecord, encodeRecord } from '../../src/log/codec.ts'
import { LogError, type LogListener, type PartitionedLog, type RevisedRecord } from '../../src/log/log.ts'
import { outOfRange } from '../../src/log/log-errors.ts'
import type { LogRecord } from '../../src/log/record.ts'
import type { Random } from '../random/prng.ts'
import type { VirtualTime } from './virtual-time.ts'

interface Entry {
  readonly env: string
  readonly bytes: Uint8Array
  readonly revision: number
}

interface Partition {
  /** Lowest revision that is kept. */
  first: number
  next: number
  entries: Entry[]
}

export interface BrokerFaults {
  /** Share of appends that fail before they are written, after it, and of reads that fail. */
  readonly lost: number
  readonly unknown: number
  readonly unread: number
  /** Share of publications whose last records come once more with the next one. */
  readonly repeated: number
  /** Share of appends in front of which the revision jumps, as behind control records. */
  readonly gaps: number
}

export class Broker {
  readonly logId = 'simulated'
  readonly time: VirtualTime
  readonly random: Random
  readonly faults: BrokerFaults
  readonly #partitions: Partition[]
  /** Nothing is answered until then. */
  downUntilMs = 0
  /** Every record that was ever written, by partition. */
  readonly history: Entry[][]

  constructor(options: {
    readonly time: VirtualTime
    readonly random: Random
    readonly faults: BrokerFaults
    readonly partitions: number
  }) {
    this.time = options.time
    this.random = options.random
    this.faults = options.faults
    this.#partitions = Array.from({ length: options.partitions }, () => ({ first: 0, next: 0, entries: [] }))
    this.history = this.#partitions.map(() => [])
  }

  get partitions(): number {
    return this.#partitions.length
  }

  partition(number: number): Partition {
    return at(this.#partitions, number)
  }

  write(number: number, env: string, bytes: Uint8Array): number {
    const partition = this.partition(number)
    if (this.random.chance(this.faults.gaps)) partition.next++
    const entry = { env, bytes, revision: partition.next++ }
    partition.entries.push(entry)
    at(this.history, number).push(entry)
    return entry.revision
  }

  trim(number: number, through: number): void {
    const partition = this.partition(number)
    partition.first = Math.max(partition.first, Math.min(through + 1, partition.next))
    partition.entries = partition.entries.filter(({ revision }) => revision >= partition.first)
  }

  /** A connection of one process. */
  connect(): PartitionedLog {
    return new Connection(this)
  }
}

/** How often a follower looks for new records, and how long an answer takes at least and at most. */
const POLL_MS = 5
const DELAY_MS = [1, 20] as const

class Connection implements PartitionedLog {
  readonly logId: string
  readonly partitions: number
  readonly #broker: Broker
  readonly #places = new Map<string, number>()
  readonly #followers = new Map<number, Follower>()
  readonly #listeners = new Set<LogListener>()
  readonly #appends = new Map<number, Promise<unknown>>()
  #open = true

  constructor(broker: Broker) {
    this.#broker = broker
    this.logId = broker.logId
    this.partitions = broker.partitions
    this.assign('control', 0)
  }

  assign(env: string, partition: number): void {
    this.#places.set(env, partition)
    // What was lost is followed again from its head on: whoever assigns has loaded a snapshot.
    if (this.#followers.get(partition)?.isOpen === true) return
    const follower = new Follower(this.#broker, partition, {
      published: (records, head) => this.#publish(partition, records, head),
      lost: (error) => this.#lose(partition, error),
    })
    this.#followers.set(partition, follower)
    follower.start()
  }

  unassign(env: string): void {
    this.#places.delete(env)
  }

  async append(env: string, record: LogRecord): Promise<number> {
    this.#usable()
    const partition = this.#place(env)
    const bytes = encodeRecord(record)
    const before = this.#appends.get(partition) ?? Promise.resolve()
    const appending = before.then(() => this.#append(partition, env, bytes))
    this.#appends.set(
      partition,
      appending.catch(() => {}),
    )
    const revision = await appending
    await this.#follower(partition).reached(revision)
    return revision
  }

  async read(env: string, after: number, limit: number): Promise<readonly RevisedRecord[]> {
    await this.#answer()
    if (this.#broker.random.chance(this.#broker.faults.unread)) throw new LogError('unavailable', 'the read was lost')
    const { first, next, entries } = this.#broker.partition(this.#place(env))
    if (after < first - 1 || after >= next) throw outOfRange(env, after, { first, last: next - 1 })
    const found = entries.filter((entry) => entry.env === env && entry.revision > after).slice(0, limit)
    return found.map(revised)
  }

  async bounds(env: string): Promise<{ readonly first: number; readonly last: number }> {
    await this.#answer()
    const { first } = this.#broker.partition(this.#place(env))
    return { first, last: this.#follower(this.#place(env)).position - 1 }
  }

  async environments(): Promise<readonly string[]> {
    return [...this.#places.keys()]
  }

  subscribe(listener: LogListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  stalenessMs(env: string): number | null {
    return this.#follower(this.#place(env)).stalenessMs()
  }

  partitionOf(env: string): string {
    return String(this.#place(env))
  }

  async trim(partition: string, through: number): Promise<void> {
    await this.#answer()
    this.#broker.trim(Number(partition), through)
  }

  async close(): Promise<void> {
    this.#open = false
    for (const follower of this.#followers.values()) follower.end()
  }

  async #append(partition: number, env: string, bytes: Uint8Array): Promise<number> {
    const { random, faults } = this.#broker
    await this.#answer()
    if (random.chance(faults.lost))
      throw new LogError(random.chance(0.5) ? 'unavailable' : 'unknown-outcome', 'the append was lost on its way')
    const revision = this.#broker.write(partition, env, bytes)
    if (random.chance(faults.unknown)) throw new LogError('unknown-outcome', 'the answer was lost on its way')
    await this.#answer()
    return revision
  }

  async #answer(): Promise<void> {
    const { time, random } = this.#broker
    await time.sleep(DELAY_MS[0] + random.below(DELAY_MS[1]))
    if (time.nowMs < this.#broker.downUntilMs) throw new LogError('unavailable', 'the server does not answer')
    this.#usable()
  }

  #publish(partition: number, records: readonly Entry[], head: number): void {
    for (const [env, place] of this.#places) {
      if (place !== partition) continue
      const own = records.filter((entry) => entry.env === env).map(revised)
      for (const listener of this.#listeners) listener.published(env, own, head)
    }
  }

  #lose(partition: number, error: LogError): void {
    for (const [env, place] of this.#places) if (place === partition) for (const listener of this.#listeners) listener.failed(env, error)
  }

  #follower(partition: number): Follower {
    return known(this.#followers.get(partition), 'partitions in use are followed')
  }

  #place(env: string): number {
    const place = this.#places.get(env)
    if (place === undefined) throw new LogError('unknown-environment', `environment \`${env}\` has no partition`)
    return place
  }

  #usable(): void {
    if (!this.#open) throw new LogError('unavailable', 'the log is closed')
  }
}

interface FollowerEvents {
  published(records: readonly Entry[], head: number): void
  /** What was not read yet is forgotten: it has ended. */
  lost(error: LogError): void
}

/** Reads a partition as it grows. */
class Follower {
  readonly #broker: Broker
  readonly #partition: number
  readonly #events: FollowerEvents
  readonly #waiting = new Set<{ readonly revision: number; readonly resolve: () => void }>()
  /** The next revision to read. */
  position: number
  #seenMs: number | null = null
  isOpen = true

  constructor(broker: Broker, partition: number, events: FollowerEvents) {
    this.#broker = broker
    this.#partition = partition
    this.#events = events
    this.position = broker.partition(partition).next
  }

  start(): void {
    const { time, random } = this.#broker
    time.later(POLL_MS + random.below(POLL_MS), () => {
      if (!this.isOpen) return
      this.#poll()
      this.start()
    })
  }

  end(): void {
    this.isOpen = false
  }

  stalenessMs(): number | null {
    return this.#seenMs === null ? null : this.#broker.time.nowMs - this.#seenMs
  }

  reached(revision: number): Promise<void> {
    if (revision < this.position) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.add({ revision, resolve })
    })
  }

  #poll(): void {
    const { time, random, downUntilMs } = this.#broker
    if (time.nowMs < downUntilMs) return
    const { first, next, entries } = this.#broker.partition(this.#partition)
    if (this.position < first) {
      this.end()
      for (const { resolve } of this.#waiting) resolve()
      this.#events.lost(
        new LogError('out-of-range', `the log was trimmed up to revision ${first - 1} before revision ${this.position} was read`),
      )
      return
    }
    const fresh = entries.filter(({ revision }) => revision >= this.position)
    const some = random.chance(0.2) ? fresh.slice(0, 1 + random.below(fresh.length + 1)) : fresh
    const end = some.length < fresh.length ? at(some, some.length - 1).revision + 1 : next
    const moved = end > this.position
    this.position = end
    this.#seenMs = end === next ? time.nowMs : this.#seenMs
    if (moved) this.#events.published(some, end - 1)
    for (const waiter of this.#waiting) {
      if (waiter.revision >= this.position) continue
      this.#waiting.delete(waiter)
      waiter.resolve()
    }
  }
}

const revised = ({ bytes, revision }: Entry): RevisedRecord => ({ revision, record: decodeRecord(bytes) })

/** A log in memory: for tests, and for environments that end with the process. */
import { assert, at } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import { decodeRecord, encodeRecord } from './codec.ts'
import { Listeners } from './listeners.ts'
import { type LogBounds, LogError, type LogListener, type PartitionedLog, type RevisedRecord } from './log.ts'
import { outOfRange, tooLarge } from './log-errors.ts'
import type { LogRecord } from './record.ts'

export interface MemoryLogOptions {
  readonly logId: string
  /** Encoded bytes. */
  readonly maxRecordBytes?: number
  /** So many partitions, which environments share by `assign`; otherwise each environment has its own. */
  readonly partitions?: number
}

/** Everything is lost when the last reference goes. Records are kept encoded, so that no reader shares them. */
export const createMemoryLog = (options: MemoryLogOptions): PartitionedLog => new MemoryLog(options)

interface Entry {
  readonly env: string
  readonly bytes: Uint8Array
}

interface Accepted extends Entry {
  /** Until it is committed: -1. */
  revision: number
}

class MemoryLog implements PartitionedLog {
  readonly logId: string
  readonly partitions: number
  readonly #maxRecordBytes: number
  readonly #partitions = new Map<string, Partition>()
  /** Partition of each environment. */
  readonly #places = new Map<string, string>()
  readonly #listeners = new Listeners()
  #accepted: Accepted[] = []
  #committing: Promise<void> | null = null
  #open = true

  constructor({ logId, maxRecordBytes = limits.developmentRecordBytes, partitions = 0 }: MemoryLogOptions) {
    this.logId = logId
    this.partitions = partitions
    this.#maxRecordBytes = maxRecordBytes
  }

  async append(env: string, record: LogRecord): Promise<number> {
    this.#usable()
    const bytes = encodeRecord(record)
    if (bytes.length > this.#maxRecordBytes) throw tooLarge(bytes.length, this.#maxRecordBytes)
    const accepted: Accepted = { env, bytes, revision: -1 }
    this.#accepted.push(accepted)
    this.#committing ??= this.#commit()
    await this.#committing
    return accepted.revision
  }

  async read(env: string, after: number, limit: number): Promise<readonly RevisedRecord[]> {
    this.#usable()
    const partition = this.#partitionOf(env)
    const { first, last } = partition.bounds()
    if (after < first - 1 || after > last) throw outOfRange(env, after, { first, last })
    const found: RevisedRecord[] = []
    let sizeBytes = 0
    for (let revision = after + 1; revision <= last && found.length < limit && sizeBytes < limits.readChunkBytes; revision++) {
      const entry = partition.at(revision)
      if (entry.env !== env) continue
      sizeBytes += entry.bytes.length
      found.push({ revision, record: decodeRecord(entry.bytes) })
    }
    return found
  }

  async bounds(env: string): Promise<LogBounds> {
    this.#usable()
    return this.#partitionOf(env).bounds()
  }

  async environments(): Promise<readonly string[]> {
    this.#usable()
    return [...this.#places.keys()]
  }

  subscribe(listener: LogListener): () => void {
    return this.#listeners.add(listener)
  }

  stalenessMs(): number {
    return 0
  }

  partitionOf(env: string): string {
    return this.#places.get(env) ?? (this.partitions === 0 ? env : '0')
  }

  assign(env: string, partition: number): void {
    assert(partition < this.partitions, `partition ${partition} is one of ${this.partitions}`)
    this.#places.set(env, String(partition))
  }

  unassign(env: string): void {
    this.#places.delete(env)
  }

  async trim(partition: string, through: number): Promise<void> {
    this.#usable()
    this.#partitions.get(partition)?.trim(through)
  }

  async close(): Promise<void> {
    this.#open = false
  }

  #usable(): void {
    if (!this.#open) throw new LogError('unavailable', 'the log is closed')
  }

  #partitionOf(env: string): Partition {
    return this.#partitions.get(this.partitionOf(env)) ?? new Partition()
  }

  /** Everything that arrived in one turn shares one commit. */
  async #commit(): Promise<void> {
    await Promise.resolve()
    const group = this.#accepted
    this.#accepted = []
    this.#committing = null
    for (const accepted of group) {
      const place = this.partitionOf(accepted.env)
      const partition = this.#partitions.get(place) ?? new Partition()
      this.#partitions.set(place, partition)
      this.#places.set(accepted.env, place)
      accepted.revision = partition.append({ env: accepted.env, bytes: accepted.bytes })
    }
    this.#publish(group)
  }

  #publish(group: readonly Accepted[]): void {
    const touched = new Set(group.map(({ env }) => this.partitionOf(env)))
    for (const [env, place] of this.#places) {
      if (!touched.has(place)) continue
      const records = group.filter((accepted) => accepted.env === env)
      const head = this.#partitionOf(env).bounds().last
      this.#listeners.published(
        env,
        records.map(({ revision, bytes }) => ({ revision, record: decodeRecord(bytes) })),
        head,
      )
    }
  }
}

class Partition {
  #entries: Entry[] = []
  #first = 0

  bounds(): LogBounds {
    return { first: this.#first, last: this.#first + this.#entries.length - 1 }
  }

  at(revision: number): Entry {
    return at(this.#entries, revision - this.#first)
  }

  append(entry: Entry): number {
    return this.#first + this.#entries.push(entry) - 1
  }

  trim(through: number): void {
    const { first, last } = this.bounds()
    const forgotten = Math.min(through, last) - first + 1
    if (forgotten <= 0) return
    this.#entries = this.#entries.slice(forgotten)
    this.#first += forgotten
  }
}

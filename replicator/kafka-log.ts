/** The log on Kafka: one topic, environments in partitions by an explicit map. */

import type { SnapshotPlatform } from '../snapshots/platform.ts'
import { assert, known } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import { encodedRecord } from '../src/log/encoded.ts'
import { type LogBounds, LogError, type LogListener, type PartitionedLog, type RevisedRecord } from '../src/log/log.ts'
import { tooLarge } from '../src/log/log-errors.ts'
import type { LogRecord } from '../src/log/record.ts'
import type { KafkaPlace } from '../src/ops/places.ts'
import { PartitionAppender } from './kafka-appender.ts'
import { KafkaConnection } from './kafka-connection.ts'
import { Pauses } from './kafka-deadline.ts'
import { PartitionFollower } from './kafka-follower.ts'
import { PartitionLink } from './kafka-link.ts'
import { PartitionReader } from './kafka-reader.ts'
import { topicName } from './kafka-topic.ts'
import { trimPartition } from './kafka-trim.ts'
import { KafkaVerification } from './kafka-verification.ts'
import { nativeSha256 } from './native-hash.ts'

export interface KafkaLogOptions {
  readonly place: KafkaPlace
  readonly username: string | null
  readonly password: string | null
  /** Known from snapshots; null when there are none, so that the topic tells, or gets a genesis. */
  readonly logId: string | null
  readonly platform: Pick<SnapshotPlatform, 'nowMs' | 'monotonicMs' | 'newId' | 'log'>
  /** Encoded bytes; never more than `limits.recordBytes`. */
  readonly maxRecordBytes: number
}

/** Opens the log, its topic made when it is missing. Rejects with LogError when the topic is refused or holds another log. When the brokers do not answer it
 * opens nevertheless if the log is known, and goes on trying: until then everything rejects with `unavailable`. */
export const openKafkaLog = async (options: KafkaLogOptions): Promise<PartitionedLog> => {
  const connection = new KafkaConnection(options.place, options)
  const verification = await KafkaVerification.start({ ...options, connection, known: options.logId })
  return new KafkaLog(options, connection, verification)
}

/** The partitions in use; each has three connections, because a broker answers one in order. */
interface Partition {
  readonly appender: PartitionAppender
  readonly reader: PartitionReader
  follower: PartitionFollower
}

class KafkaLog implements PartitionedLog {
  readonly logId: string
  readonly #options: KafkaLogOptions
  readonly #connection: KafkaConnection
  readonly #verification: KafkaVerification
  readonly #environments = new Map<string, number>()
  readonly #partitions = new Map<number, Partition>()
  readonly #listeners = new Set<LogListener>()
  readonly #pauses = new Pauses()
  readonly #maxRecordBytes: number
  #open = true
  #closing: Promise<void> | null = null

  constructor(options: KafkaLogOptions, connection: KafkaConnection, verification: KafkaVerification) {
    this.logId = verification.logId
    this.#options = options
    this.#connection = connection
    this.#verification = verification
    this.#maxRecordBytes = Math.min(options.maxRecordBytes, limits.recordBytes)
  }

  get partitions(): number {
    return this.#verification.partitions ?? this.#options.place.partitions
  }

  assign(env: string, partition: number): void {
    assert(Number.isSafeInteger(partition) && partition >= 0, `${partition} is a partition`)
    if (this.#environments.get(env) !== partition) this.unassign(env)
    this.#environments.set(env, partition)
    const used = this.#partitions.get(partition) ?? this.#usePartition(partition)
    // What was lost is followed again from its head on: whoever assigns has loaded a snapshot.
    if (used.follower.ended) used.follower = this.#follow(partition, true)
    used.follower.add(env)
  }

  unassign(env: string): void {
    const partition = this.#environments.get(env)
    if (partition === undefined) return
    this.#environments.delete(env)
    this.#partitions.get(partition)?.follower.remove(env)
  }

  async append(env: string, record: LogRecord): Promise<number> {
    this.#usable()
    assert(env.length > 0 && env.length <= limits.environmentName && env.isWellFormed(), 'the name of an environment is short text')
    const bytes = encodedRecord(record, nativeSha256)
    if (bytes.length > this.#maxRecordBytes) throw tooLarge(bytes.length, this.#maxRecordBytes)
    return this.#partitionOf(env).appender.append(env, bytes)
  }

  async read(env: string, after: number, limit: number): Promise<readonly RevisedRecord[]> {
    this.#usable()
    this.#verification.check()
    return this.#partitionOf(env).reader.read(env, after, limit)
  }

  async bounds(env: string): Promise<LogBounds> {
    this.#usable()
    this.#verification.check()
    const { follower, reader } = this.#partitionOf(env)
    // What follows the bounds is published: so the follower starts before they are read.
    await follower.started()
    return reader.bounds()
  }

  async environments(): Promise<readonly string[]> {
    this.#usable()
    return [...this.#environments.keys()]
  }

  subscribe(listener: LogListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  stalenessMs(env: string): number | null {
    const partition = this.#environments.get(env)
    return partition === undefined ? null : (this.#partitions.get(partition)?.follower.stalenessMs() ?? null)
  }

  partitionOf(env: string): string {
    return String(this.#numberOf(env))
  }

  async trim(partition: string, through: number): Promise<void> {
    this.#usable()
    this.#verification.check()
    assert(/^\d+$/.test(partition) && through >= -1, 'a partition is trimmed through a revision')
    await trimPartition({
      connection: this.#connection,
      topic: topicName(this.#options.place),
      partition: Number(partition),
      through,
      pauses: this.#pauses,
    })
    this.#partitions.get(Number(partition))?.reader.forget()
  }

  /** Waits for the accepted appends. */
  async close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#open = false
    const partitions = [...this.#partitions.values()]
    await Promise.all(partitions.map(async ({ appender }) => appender.close()))
    for (const { reader, follower } of partitions) {
      reader.close()
      follower.close()
    }
    this.#verification.close()
    this.#pauses.end()
    this.#listeners.clear()
  }

  #usable(): void {
    if (!this.#open) throw new LogError('unavailable', 'the log is closed')
  }

  #numberOf(env: string): number {
    const partition = this.#environments.get(env)
    if (partition === undefined) throw new LogError('unknown-environment', `environment \`${env}\` has no partition in the log`)
    return partition
  }

  #partitionOf(env: string): Partition {
    return known(this.#partitions.get(this.#numberOf(env)), 'an assigned partition is in use')
  }

  #usePartition(partition: number): Partition {
    const used: Partition = {
      appender: new PartitionAppender({
        link: this.#link(partition),
        ready: () => {
          this.#verification.check()
          if (used.follower.blocked !== null) throw used.follower.blocked
        },
        seen: () => used.follower.position,
        published: async (offset) => used.follower.reached(offset),
        nowMs: this.#options.platform.nowMs,
        pauses: this.#pauses,
      }),
      reader: new PartitionReader({
        link: this.#link(partition),
        logId: this.logId,
        pauses: this.#pauses,
        seen: () => used.follower.position,
      }),
      follower: this.#follow(partition, false),
    }
    this.#partitions.set(partition, used)
    return used
  }

  #follow(partition: number, suspect: boolean): PartitionFollower {
    const { monotonicMs, log } = this.#options.platform
    return new PartitionFollower({
      link: this.#link(partition),
      logId: this.logId,
      suspect,
      ready: async () => this.#verification.done,
      checkGeneration: async () => this.#verification.again(),
      published: (env, records, head) => {
        for (const listener of this.#listeners) listener.published(env, records, head)
      },
      failed: (env, error) => {
        for (const listener of this.#listeners) listener.failed(env, error)
      },
      monotonicMs,
      log,
    })
  }

  #link(partition: number): PartitionLink {
    return new PartitionLink(this.#connection, topicName(this.#options.place), partition)
  }
}

/** The replicator: what a runtime sees of the environments that it hosts, and what it tells about itself. */

import { assert } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import { messageOf } from '../src/base/message.ts'
import { Roster } from '../src/base/roster.ts'
import { controlEnvironment, isReserved } from '../src/log/control.ts'
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
import { isPartitioned, LogError } from '../src/log/log.ts'
import { concernsLog } from '../src/log/log-errors.ts'
import { createMemoryLog } from '../src/log/memory-log.ts'
import type { RecordBody } from '../src/log/record.ts'
import { schemaVersion } from '../src/store/schema.ts'
import { isEnvironmentId } from '../src/wire/api-key.ts'
import type { Channel } from './channel.ts'
import { Ephemeral } from './ephemeral.ts'
import type { Hosted } from './hosted.ts'
import { Hosting, type ReplicatorOptions } from './hosting.ts'
import { imageSlices } from './image-slices.ts'
import type { Measurements } from './measurements.ts'
import { restoreTo } from './restore.ts'
import { settledWithin } from './settled-within.ts'

/** Which runtime of the cell is on the other side: a write waits until all others have applied it. Without it, nobody is waited for. */
export interface Caller {
  readonly runtime?: string
}

export interface Replicator extends InnerReplicator {
  append(env: string, body: RecordBody, writeId: string, caller?: Caller): Promise<Appended>
  tail(env: string, after: number, reader: TailReader, caller?: Caller): () => void
  /** Why this replicator should get no runtimes, or null. */
  problem(): string | null
  measure(): Measurements
}

/** Resolves when `control` and every environment that it names is open, or has a problem of its own. Rejects with LogError when `control` cannot be opened. */
export const startReplicator = async (options: ReplicatorOptions): Promise<Replicator> => {
  const replicator = new Core(options)
  try {
    await replicator.start()
    return replicator
  } catch (error) {
    await replicator.close()
    throw error
  }
}

class Core implements Replicator {
  readonly #options: ReplicatorOptions
  readonly #hosting: Hosting
  readonly #ephemeral: Ephemeral
  readonly #pending = new Roster<Promise<unknown>>()
  #problem: LogError | null = null
  #open = true

  constructor(options: ReplicatorOptions) {
    const { log, platform, maxRecordBytes } = options
    this.#options = options
    this.#hosting = new Hosting(options)
    const { later, recent } = this.#hosting
    this.#ephemeral = new Ephemeral({ memory: createMemoryLog({ logId: log.logId, maxRecordBytes }), platform, later, recent })
  }

  async start(): Promise<void> {
    await this.#hosting.start()
  }

  async append(env: string, body: RecordBody, writeId: string, { runtime }: Caller = {}): Promise<Appended> {
    this.#usable()
    return this.#tracked(this.#append(env, body, writeId, runtime))
  }

  tail(env: string, after: number, reader: TailReader, { runtime }: Caller = {}): () => void {
    this.#usable()
    const tail = this.#channel(env).tail(after, reader, runtime ?? null)
    return () => tail.end()
  }

  async snapshot(env: string): Promise<InnerSnapshot | null> {
    this.#usable()
    if (this.#ephemeral.channel(env) !== undefined) return null
    const { store, through } = await this.#hosting.get(env).current()
    const bytes = store.database.serialize()
    const [revision, stateHash] = [store.revision(), store.stateHash()]
    return { revision, through, rawBytes: bytes.length, stateHash, schemaVersion, chunks: imageSlices(bytes) }
  }

  async createEnvironment(env: string, { ephemeral = false, partition }: CreateOptions = {}): Promise<void> {
    this.#usable()
    assert(isEnvironmentId(env), `\`${env}\` is an environment id`)
    if (this.#ephemeral.channel(env) !== undefined) return undefined
    if (ephemeral) return this.#tracked(this.#ephemeral.create(env))
    assert(env === controlEnvironment || !isReserved(env), `\`${env}\` is not reserved`)
    const { log } = this.#options
    if (partition !== undefined && isPartitioned(log) && partition >= log.partitions)
      throw new LogError('out-of-range', `the log has no partition ${partition}, expected 0 to ${log.partitions - 1}`)
    return this.#tracked(this.#create(env, partition))
  }

  async deleteEnvironment(env: string): Promise<void> {
    this.#usable()
    if (this.#ephemeral.drop(env)) return
    await this.#tracked(this.#hosting.control.delete(env))
  }

  async publish(env: string): Promise<Published> {
    this.#usable()
    const hosted = this.#hosting.get(env)
    await hosted.current()
    const manifest = await this.#hosting.publisher.publish(hosted, true)
    const newest = manifest?.snapshots[0]
    if (manifest === null || newest === undefined) throw new LogError('unavailable', `environment \`${env}\` has nothing to publish yet`)
    await this.#share(hosted)
    return { revision: newest.revision, coveredThrough: manifest.coveredThrough, key: newest.key }
  }

  async restore(env: string, revision: number): Promise<Appended> {
    this.#usable()
    const { objects: local, ...parts } = this.#options
    return this.#tracked(restoreTo(this.#hosting.get(env), revision, { ...parts, env, local, publisher: this.#hosting.publisher }))
  }

  async environments(): Promise<readonly EnvironmentStatus[]> {
    this.#usable()
    const durable = [...this.#hosting.all()].map(({ env, first, channel: { head } }) => ({ env, ephemeral: false, first, last: head }))
    return [...durable, ...this.#ephemeral.statuses()].toSorted((a, b) => (a.env < b.env ? -1 : 1))
  }

  stalenessMs(env: string): number | null {
    if (this.#ephemeral.channel(env) !== undefined) return 0
    const hosted = this.#hosting.find(env)
    return hosted === undefined || !hosted.channel.isConnected ? null : this.#options.log.stalenessMs(env)
  }

  status(): ReplicatorStatus {
    const { logId } = this.#options.log
    return { state: this.#open ? 'running' : 'closed', logId, problem: this.#problem, pending: this.#pending.size }
  }

  problem(): string | null {
    if (!this.#open) return 'the replicator is closed'
    return this.#hosting.problem()?.message ?? null
  }

  measure(): Measurements {
    const hosted = [...this.#hosting.all()]
    const lags = hosted.flatMap(({ own }) => (own === null ? [] : [own.lag()]))
    const ages = hosted.map(({ env }) => this.stalenessMs(env))
    return {
      environments: hosted.length,
      stopped: hosted.filter(({ problem }) => problem !== null).length,
      lagRecords: lags.reduce((sum, { records }) => sum + records, 0),
      lagMs: Math.max(0, ...lags.map(({ ms }) => ms)),
      appliedAfterMs: Math.max(0, ...lags.map(({ appliedAfterMs }) => appliedAfterMs)),
      stalenessMs: ages.includes(null) ? null : Math.max(0, ...ages.map((age) => age ?? 0)),
      tails: hosted.reduce((sum, { channel }) => sum + channel.readers, 0),
      publications: this.#hosting.publisher.publications,
      publicationFailures: this.#hosting.publisher.failures,
      tooLargeForWorkers: this.#hosting.publisher.tooLargeForWorkers,
      stateHashMismatches: this.#hosting.remote?.mismatches ?? 0,
      remoteFailures: this.#hosting.remote?.failures ?? 0,
      holdsLease: typeof this.#hosting.remote?.epoch === 'number',
    }
  }

  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    // What is under way has its time. A replica that is loading or replaying may need minutes: nothing is lost that begins again with the next start.
    await settledWithin(Promise.allSettled(this.#pending.members()), limits.replicatorCloseMs, this.#hosting.later)
    this.#hosting.giveUp()
    await this.#hosting.close()
    await this.#ephemeral.close()
    await this.#options.log.close()
  }

  async #append(env: string, body: RecordBody, writeId: string, runtime: string | undefined): Promise<Appended> {
    if (this.#ephemeral.channel(env) !== undefined) return { revision: await this.#ephemeral.append(env, body, writeId), applied: true }
    const hosted = this.#hosting.get(env)
    await hosted.begin()
    const revision = await hosted.append(body, writeId)
    if (runtime === undefined) return { revision, applied: true }
    return { revision, applied: await hosted.channel.applied(revision, runtime, this.#options.settings.appliedWaitMs) }
  }

  async #create(env: string, partition: number | undefined): Promise<void> {
    if (env === controlEnvironment) return
    await this.#hosting.control.create(env, partition)
    await this.#hosting.get(env).begin()
  }

  async #share(hosted: Hosted): Promise<void> {
    try {
      await this.#hosting.remote?.mirror(hosted)
    } catch (cause) {
      const reason = messageOf(cause)
      const why = `environment \`${hosted.env}\` was published for this cell, not yet for the others: ${reason}; recovery is automatic`
      throw new LogError('unavailable', why, { cause })
    }
  }

  #channel(env: string): Channel {
    return this.#ephemeral.channel(env) ?? this.#hosting.get(env).channel
  }

  #usable(): void {
    if (!this.#open) throw new LogError('unavailable', 'the replicator is closed')
  }

  async #tracked<T>(work: Promise<T>): Promise<T> {
    const key = this.#pending.add(work)
    try {
      const result = await work
      this.#problem = null
      return result
    } catch (error) {
      if (concernsLog(error)) this.#problem = error
      throw error
    } finally {
      this.#pending.remove(key)
    }
  }
}

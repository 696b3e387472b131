/** The environments that a replicator hosts: what `control` names, followed, published, trimmed and swept. */

import type { Later } from '../snapshots/later.ts'
import type { ObjectStore } from '../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../snapshots/platform.ts'
import type { StorePool } from '../snapshots/store-pool.ts'
import { Turns } from '../snapshots/turns.ts'
import { limits } from '../src/base/limits.ts'
import { messageOf } from '../src/base/message.ts'
import {
  controlEnvironment,
  creationWriteId,
  deletedEnvironments,
  environmentCreated,
  type PlacedEnvironment,
  placedEnvironments,
  wasDeleted,
} from '../src/log/control.ts'
import { isPartitioned, type Log, LogError, type PartitionedLog } from '../src/log/log.ts'
import type { Configuration } from '../src/ops/settings.ts'
import { Control } from './control.ts'
import { writeHeartbeats } from './heartbeats.ts'
import { Hosted } from './hosted.ts'
import { nodeLater } from './later.ts'
import { Loop } from './loop.ts'
import { emptiestPartition, lastRevision } from './placement.ts'
import { Publisher } from './publisher.ts'
import { RecentRecords } from './recent.ts'
import { Remote } from './remote.ts'
import { settledWithin } from './settled-within.ts'
import { Sweeper } from './sweeper.ts'

export type ReplicatorSettings = Pick<
  Configuration,
  'appliedWaitMs' | 'deltaIntervalMs' | 'heartbeatMs' | 'retainedSnapshots' | 'snapshotIntervalMs' | 'snapshotRecords' | 'trim'
>

export interface ReplicatorOptions {
  /** Closed with the replicator. */
  readonly log: Log | PartitionedLog
  /** The objects of this cell, which nobody else writes. */
  readonly objects: ObjectStore
  /** The objects that all cells share, or null. */
  readonly remote: ObjectStore | null
  readonly pool: StorePool
  readonly platform: SnapshotPlatform
  readonly settings: ReplicatorSettings
  /** Encoded bytes of a record of an ephemeral environment. */
  readonly maxRecordBytes: number
  /** Version of the engine, for manifests. */
  readonly engine: string
  /** Of the lease, for people. */
  readonly holder?: string
  readonly later?: Later
}

/** Attempts to begin with `control`, while the log is being trimmed. */
const ADOPTIONS = 20

export class Hosting {
  readonly recent = new RecentRecords()
  readonly control: Control
  readonly publisher: Publisher
  /** Null: nothing is shared with other cells. */
  readonly remote: Remote | null
  readonly later: Later
  readonly #options: ReplicatorOptions
  readonly #hosted = new Map<string, Hosted>()
  readonly #controlled: Hosted
  readonly #openings: Turns
  readonly #endings = new Set<Promise<void>>()
  readonly #unsubscribe: () => void
  #started = false
  /** Told and swept while it runs. */
  #beats: Loop | null = null
  #sweeper: Sweeper | null = null

  constructor(options: ReplicatorOptions) {
    const { log, platform, settings, remote, objects, later = nodeLater, holder = 'replicator' } = options
    this.#options = options
    this.later = later
    this.#openings = new Turns(limits.environmentsOpening)
    this.#unsubscribe = log.subscribe({
      published: (env, records, head) => this.#hosted.get(env)?.channel.published(records, head),
      failed: (env, error) => this.#hosted.get(env)?.logFailed(error),
    })
    const hosted = (): Iterable<Hosted> => this.all()
    this.remote = remote === null ? null : new Remote({ local: objects, remote, hosted, log, platform, later, settings, holder })
    this.#controlled = this.#host({ id: controlEnvironment, partition: 0 })
    this.control = new Control({
      hosted: this.#controlled,
      newId: platform.newId,
      open: (placed) => {
        // Hosted at once: what waits for its turn to be loaded must not be trimmed, and can be dropped.
        const opening = this.#host(placed, this.#started)
        opening.attach()
        return this.#openings.run(() => opening.open())
      },
      drop: (env) => this.#drop(env),
      place: (placed) => emptiestPartition(log, placed),
      lastRevision: (partition) => lastRevision(log, partition, this.later),
    })
    const { deltaIntervalMs, snapshotIntervalMs } = settings
    this.publisher = new Publisher({
      hosted,
      log,
      platform,
      later,
      deltaIntervalMs,
      idleIntervalMs: Math.max(deltaIntervalMs, Math.min(snapshotIntervalMs, limits.idlePublicationMs)),
      trimmable: (partition) => this.#trimmable(partition),
      knowsEveryEnvironment: async () => (await log.bounds(controlEnvironment)).last <= (this.#controlled.own?.through ?? -1),
    })
  }

  /** Rejects with LogError when `control` cannot be opened. */
  async start(): Promise<void> {
    await this.#controlled.open()
    const { problem } = this.#controlled
    if (this.#controlled.own === null) throw problem ?? new LogError('unavailable', 'the environment `control` could not be opened')
    // While the log does not answer, what this cell has is what there is.
    if (problem === null) await this.#adoptFollowing()
    await this.control.opened()
    this.#started = true
    this.remote?.start()
    this.#beats = this.#startBeats()
    this.#sweeper = this.#startSweeper()
  }

  all(): Iterable<Hosted> {
    return this.#hosted.values()
  }

  find(env: string): Hosted | undefined {
    return this.#hosted.get(env)
  }

  /** Throws LogError `unknown-environment`. */
  get(env: string): Hosted {
    const hosted = this.#hosted.get(env)
    if (hosted === undefined) throw new LogError('unknown-environment', `there is no environment \`${env}\``)
    return hosted
  }

  /** Why nothing can be hosted, or null. */
  problem(): LogError | null {
    return this.#controlled.problem
  }

  /** Nobody waits any longer for what a replica has yet to load or apply. */
  giveUp(): void {
    for (const hosted of this.all()) hosted.giveUp()
  }

  /** The log stays open. */
  async close(): Promise<void> {
    this.#unsubscribe()
    const ended = Promise.all([
      this.publisher.close(),
      this.remote?.close(),
      this.#beats?.close(),
      this.#sweeper?.close(),
      ...this.#endings,
    ])
    // A publication that is cut short leaves the one before it, and objects that are swept.
    const isEnded = await settledWithin(ended, limits.hostingCloseMs, this.later)
    if (!isEnded) this.#options.platform.log('warn', 'close-cut-short', { afterMs: limits.hostingCloseMs, automatic: true })
    const closed = Promise.all(Array.from(this.all(), (hosted) => hosted.close()))
    if (isEnded) await closed
  }

  /** Another cell may trim the log when this one is about to read it. `control` is opened again then, from what that cell published. */
  async #adoptFollowing(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#adopt()
        return
      } catch (error) {
        if (tries === ADOPTIONS || !(error instanceof LogError) || error.code !== 'out-of-range') throw error
      }
      await new Promise<void>((resolve) => {
        this.later(2 * limits.retryMs, resolve)
      })
    }
  }

  /** Environments that a data directory holds since before there was `control`. */
  async #adopt(): Promise<void> {
    const { log } = this.#options
    await this.#controlled.begin()
    const { store } = await this.#controlled.current()
    if (isPartitioned(log)) return
    const known = new Set(placedEnvironments(store).map(({ id }) => id))
    for (const env of await log.environments()) {
      if (env === controlEnvironment || known.has(env)) continue
      if (wasDeleted(store, env)) {
        await this.#forget(env)
        continue
      }
      const changes = environmentCreated({ id: env, partition: 0 })
      await this.#controlled.append({ kind: 'facts', changes }, creationWriteId(env))
    }
    await this.#controlled.current()
  }

  #host({ id, partition, bornAfter }: PlacedEnvironment, isNew = false): Hosted {
    const { log, objects, remote, pool, platform, engine, settings } = this.#options
    const hosted = new Hosted({
      env: id,
      log,
      local: objects,
      remote,
      isNew,
      bornAfter: bornAfter ?? null,
      pool,
      platform,
      recent: this.recent,
      later: this.later,
      engine,
      settings,
      assign: () => {
        if (isPartitioned(log)) log.assign(id, partition)
      },
      changed: (changed) => {
        if (changed === this.#controlled) this.control.changed()
      },
    })
    this.#hosted.set(id, hosted)
    return hosted
  }

  #drop(env: string): void {
    const { log, platform } = this.#options
    const hosted = this.#hosted.get(env)
    if (hosted === undefined) return
    this.#hosted.delete(env)
    this.publisher.forget(env)
    platform.log('info', 'environment-dropped', { environment: env })
    if (isPartitioned(log)) log.unassign(env)
    const ending = this.#end(hosted).finally(() => this.#endings.delete(ending))
    this.#endings.add(ending)
  }

  async #end(hosted: Hosted): Promise<void> {
    const { env } = hosted
    await hosted.close(new LogError('unknown-environment', `environment \`${env}\` was deleted`))
    if (!isPartitioned(this.#options.log)) await this.#forget(env)
  }

  /** The records of a deleted environment that has its log to itself. */
  async #forget(env: string): Promise<void> {
    const { log, platform } = this.#options
    try {
      await log.trim(log.partitionOf(env), (await log.bounds(env)).last)
    } catch (error) {
      // They take space, no more, and the next start tries again.
      platform.log('warn', 'trim-failed', { operation: 'trim', environment: env, reason: messageOf(error), automatic: true })
    }
  }

  /** Edges follow the objects of one cell, too. */
  #startBeats(): Loop {
    const { settings, platform, objects, log } = this.#options
    return new Loop({
      intervalMs: settings.heartbeatMs,
      later: this.later,
      work: () => writeHeartbeats(objects, { hosted: this.all(), log, platform, settings }),
      failed: (error, retryMs) => platform.log('warn', 'heartbeat-failed', { reason: messageOf(error), retryMs, automatic: true }),
    })
  }

  #startSweeper(): Sweeper {
    const { objects: local, remote, platform } = this.#options
    return new Sweeper({
      local,
      remote,
      mayWriteShared: () => typeof this.remote?.epoch === 'number',
      hosted: () => this.all(),
      deleted: () => (this.#controlled.own === null ? [] : deletedEnvironments(this.#controlled.own.store)),
      platform,
      later: this.later,
    })
  }

  /** What every environment of a partition can be brought back from without it. */
  #trimmable(partition: string): number {
    const { log, settings } = this.#options
    if (!settings.trim || (isPartitioned(log) && this.remote === null)) return -1
    let through = Number.POSITIVE_INFINITY
    for (const hosted of this.all()) {
      if (log.partitionOf(hosted.env) !== partition) continue
      // Other cells are brought back from what is shared.
      const covered = isPartitioned(log) ? this.remote?.trimmable(hosted) : hosted.publication?.trimmable
      through = Math.min(through, hosted.problem === null ? (covered ?? -1) : -1)
    }
    return Number.isFinite(through) ? through : -1
  }
}

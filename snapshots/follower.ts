/** Keeps a replica of one environment up to date from an object store: loads it, applies deltas in place, swaps it where they do not lead on. */

import { messageOf } from '../src/base/message.ts'
import type { Counter } from '../src/ops/metrics.ts'
import { isNoMemory } from '../src/store/instance.ts'
import { HeartbeatReader } from './follower-heartbeat.ts'
import { HeartbeatWatch } from './heartbeat-watch.ts'
import { applyDeltas, type Loaded, type LoadOptions, loadNewest } from './load.ts'
import { LoadError, loadFailure, logRefusal } from './load-error.ts'
import { readManifest } from './load-manifest.ts'
import { type Manifest, manifestKey } from './manifest.ts'
import type { ObjectStore } from './object-store.ts'
import type { SnapshotPlatform } from './platform.ts'
import type { Pulse } from './pulse.ts'
import type { DeltaBounds } from './replay.ts'
import { Replica } from './replica.ts'
import { Said } from './said.ts'
import type { StorePart, StorePool } from './store-pool.ts'

export interface FollowerOptions {
  readonly env: string
  readonly objects: ObjectStore
  /** Where heartbeats are, when `objects` is a copy. */
  readonly heartbeats?: ObjectStore
  /** Number of the environment's partition in the log; null while it is not known. */
  readonly partition: () => number | null
  readonly pool: StorePool | StorePart
  readonly platform: SnapshotPlatform
  /** Brings objects to where they are read, before each look. What it rejects with is reported, and what is there is read all the same. */
  readonly fetch?: () => Promise<void>
  readonly deltaBounds?: DeltaBounds
  /** How the looks ended. */
  readonly counts?: Readonly<Record<LookOutcome, Counter>>
  /** Where whoever looks may be cut off: its signs of life. */
  readonly pulse?: Pulse
  /** Whoever entered the replica so long ago and has not left was cut off; by default nobody is. */
  readonly holdMs?: number
}

/** `refused`: what is there must not replace what is served; `failed`: nothing could be read. */
export type LookOutcome = 'unchanged' | 'advanced' | 'swapped' | 'refused' | 'failed'

/** Before what was refused is tried again although its manifest has not changed. */
const RETRY_MS = 30_000

interface Refused {
  /** Of the manifest. */
  readonly version: string
  readonly error: unknown
  readonly atMs: number
}

export class Follower {
  readonly env: string
  readonly #options: FollowerOptions
  readonly #heartbeats: HeartbeatReader
  readonly #watch: HeartbeatWatch
  #replica: Replica | null = null
  /** What was followed last: nothing older is. */
  #manifest: Manifest | null = null
  /** Of the manifest that needs no further look. */
  #version: string | undefined
  /** Of the image that the replica began with. */
  #imageRevision = -1
  #refused: Refused | null = null
  #looking: Promise<void> | null = null
  #problem: string | null = null
  readonly #said = new Said()
  #closed = false
  #lookedAtMs: number | null = null
  #lacksMemory = false

  constructor(options: FollowerOptions) {
    const { env, objects, heartbeats = objects, partition, platform } = options
    this.env = env
    this.#options = options
    this.#heartbeats = new HeartbeatReader(heartbeats, env, partition)
    this.#watch = new HeartbeatWatch(env, platform.monotonicMs)
  }

  /** What answers; null before the first load. It is one and the same from then on. */
  get replica(): Replica | null {
    return this.#replica
  }

  /** What the state was taken from. */
  get manifest(): Manifest | null {
    return this.#manifest
  }

  /** Why the last look did not bring all there is, or null. */
  get problem(): string | null {
    return this.#problem
  }

  get isLooking(): boolean {
    return this.#looking !== null
  }

  /** Whoever looked was cut off: this follower looks no more, another one has to take its place. */
  get isAbandoned(): boolean {
    return this.#looking !== null && this.#options.pulse?.isSilent === true
  }

  /** Whether the last look found something that there is no room for. */
  get lacksMemory(): boolean {
    return this.#lacksMemory
  }

  /** When a look last ended, on the monotonic clock; null before that. */
  get lookedAtMs(): number | null {
    return this.#lookedAtMs
  }

  /** Time since the state was last known to be the newest, on this process's own clock; null: that is not known yet. */
  stalenessMs(): number | null {
    const stalenessMs = this.#replica === null ? null : this.#watch.stalenessMs()
    return stalenessMs === null ? null : Math.round(stalenessMs)
  }

  /** Looks at the object store and takes what is new; a look that is under way is joined. Never rejects: what went wrong is logged, is `problem`, and is tried
   * again with a later look. */
  refresh(): Promise<void> {
    const { pulse } = this.#options
    if (this.#looking !== null) return pulse === undefined ? this.#looking : pulse.join(this.#looking)
    pulse?.beat()
    this.#looking = this.#look().finally(() => {
      this.#looking = null
    })
    return this.#looking
  }

  /** What answers goes on; all that was being loaded is lost. */
  abandon(): void {
    const { pool, env, platform } = this.#options
    platform.log('warn', 'look-abandoned', { env, revision: this.#replica?.revision ?? null })
    this.#closed = true
    if ('abandon' in pool) pool.abandon(this.#replica?.store ?? null)
  }

  /** Requests in flight end on the replica. */
  close(): void {
    this.#closed = true
    this.#replica?.close()
  }

  async #look(): Promise<void> {
    if (this.#closed) return
    const lookedAtMs = this.#options.platform.monotonicMs()
    const problems: unknown[] = []
    const collect = (error: unknown): null => {
      problems.push(error)
      return null
    }
    const [heartbeat] = await Promise.all([this.#heartbeats.read().catch(collect), this.#options.fetch?.().catch(collect)])
    const outcome = await this.#follow().catch(collect)
    if (this.#refused !== null && outcome !== null) problems.push(this.#refused.error)
    if (heartbeat !== null && this.#replica !== null) this.#watch.see(heartbeat, this.#replica.through, lookedAtMs)
    this.#options.counts?.[outcome ?? outcomeOf(problems.at(-1))].add(1)
    this.#lacksMemory = problems.some(isMemory)
    this.#lookedAtMs = this.#options.platform.monotonicMs()
    this.#tell(problems.map(messageOf).join('; '))
  }

  /** Rejects with LoadError, SwapError and what stops a replica. */
  async #follow(): Promise<LookOutcome> {
    const replica = this.#replica
    const { objects } = this.#options
    const query = { objects, env: this.env, seen: this.#manifest ?? undefined, logId: replica?.store.logId() ?? undefined }
    const read = await readManifest(query, this.#version)
    if (read === null) throw this.#missing()
    if (read === 'unchanged') return 'unchanged'
    this.#postpone(read.version)
    try {
      if (replica === null) return await this.#load()
      const outcome = await this.#take(replica, read.manifest)
      if (outcome !== 'swapped') this.#took(read.manifest, read.version)
      return outcome
    } catch (error) {
      this.#refuse(read.version, error)
      throw error
    }
  }

  /** In place where deltas lead on; otherwise, and where an image has indexes that are missing here, by a swap. */
  async #take(replica: Replica, manifest: Manifest): Promise<LookOutcome> {
    const before = replica.through
    const newest = manifest.snapshots[0]
    const hasIndexes = replica.missingIndexes.length > 0 && (newest?.revision ?? -1) > this.#imageRevision
    if (!hasIndexes) {
      try {
        // Whatever stopped it: what follows goes on from where it stands.
        replica.resume()
        const take = replica.take.bind(replica)
        const { complete } = await applyDeltas(this.#options, { manifest, from: before }, take)
        if (complete) return replica.through > before ? 'advanced' : 'unchanged'
      } catch (error) {
        // A snapshot that is ahead may stand for what a delta could not bring.
        const isMended = (newest?.through ?? -1) > replica.through && !(error instanceof LoadError && error.code === 'unavailable')
        if (!isMended) throw error
        if (error instanceof LoadError && isLasting(error)) logRefusal(this.#options.platform.log, this.env, error)
      }
    }
    await replica.replace(() => this.#loadNewest({ seen: manifest, logId: replica.store.logId() ?? undefined, through: replica.through }))
    return 'swapped'
  }

  async #load(): Promise<LookOutcome> {
    const { pool, platform, holdMs } = this.#options
    const { store, through } = await this.#loadNewest()
    const replica = new Replica({ id: this.env, pool, store, through, platform, ...(holdMs !== undefined && { holdMs }) })
    replica.start()
    this.#replica = replica
    if (this.#closed) replica.close()
    return 'swapped'
  }

  /** Of what answers: the manifest that it is behind of, its log, and how far it is. */
  async #loadNewest(present: Pick<LoadOptions, 'seen' | 'logId'> & { readonly through?: number } = {}): Promise<Loaded> {
    const loaded = await loadNewest({ ...this.#options, seen: present.seen, logId: present.logId })
    if (loaded === null) throw this.#missing()
    const { manifest, manifestVersion, store, through, refused } = loaded
    // What is older than the broken one brings nothing that is not here.
    if (refused[0] !== undefined && through <= (present.through ?? -1)) {
      this.#options.pool.release(store)
      throw refused[0]
    }
    this.#imageRevision = store.revision()
    this.#took(manifest, through < manifest.coveredThrough ? undefined : manifestVersion)
    if (refused[0] !== undefined) this.#refuse(manifestVersion, refused[0])
    return loaded
  }

  #took(manifest: Manifest, version: string | undefined): void {
    this.#manifest = manifest
    this.#version = version
    this.#refused = null
  }

  #refuse(version: string, error: unknown): void {
    this.#refused = { version, error, atMs: this.#options.platform.monotonicMs() }
  }

  /** Throws what this manifest was refused for a moment ago: trying all of it again with each look would only cost. */
  #postpone(version: string): void {
    const refused = this.#refused
    if (refused === null || refused.version !== version || !isLasting(refused.error)) return
    if (this.#options.platform.monotonicMs() - refused.atMs < RETRY_MS) throw refused.error
  }

  #missing(): LoadError {
    const what = { operation: 'load manifest', key: manifestKey(this.env), revision: null }
    return loadFailure(what, 'unavailable', `${this.#options.objects.name} has no such object`)
  }

  /** Says each once, and once when it is over. */
  #tell(problem: string): void {
    this.#problem = problem === '' ? null : problem
    const { log } = this.#options.platform
    const fields = { env: this.env, revision: this.#replica?.revision ?? null }
    if (this.#problem === null) {
      if (this.#said.clear()) log('info', 'follow-recovered', fields)
    } else if (this.#said.isNews(problem)) log('warn', 'follow-refused', { ...fields, reason: problem })
  }
}

const lasting: ReadonlySet<LoadError['code']> = new Set(['format', 'damaged', 'foreign', 'backwards'])

const isLasting = (error: unknown): boolean => isMemory(error) || (error instanceof LoadError && lasting.has(error.code))

const outcomeOf = (error: unknown): LookOutcome => (error instanceof LoadError && !isLasting(error) ? 'failed' : 'refused')

const isMemory = (error: unknown): boolean => (error instanceof LoadError ? error.code === 'memory' : isNoMemory(error))

/** A cell's publisher for tests of what follows it: records go into a replica of its own and out as snapshots, deltas and heartbeats. */
import { sqliteModule, trampolineModule } from '#wasm'
import { replicaImage } from '../../replicator/replica-image.ts'
import { Follower, type FollowerOptions } from '../../snapshots/follower.ts'
import { writeHeartbeat } from '../../snapshots/heartbeat.ts'
import type { Manifest } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { type ObjectStore, StoreError } from '../../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../../snapshots/platform.ts'
import { createStorePool, type MeasuredStorePool } from '../../snapshots/pool.ts'
import { Publication } from '../../snapshots/publication.ts'
import { webSnapshotPlatform } from '../../snapshots/web-platform.ts'
import { known } from '../../src/base/assert.ts'
import { apply } from '../../src/log/apply.ts'
import type { RecordBody } from '../../src/log/record.ts'
import type { LogFields, LogLevel } from '../../src/ops/log-line.ts'
import { belongTo } from '../../src/store/environment.ts'
import type { Store } from '../../src/store/facts.ts'
import { facts, insert, logRecord } from '../support/record.ts'

export const makePool = (): MeasuredStorePool =>
  createStorePool({ sqlite: sqliteModule, trampoline: trampolineModule, maxBytes: 2 ** 28, nowMs: () => Date.now() })

export interface Line {
  readonly level: LogLevel
  readonly event: string
  readonly fields: LogFields
}

/** A platform whose monotonic clock is moved by hand. */
export const testPlatform = (): SnapshotPlatform & { readonly lines: Line[]; readonly clock: { ms: number } } => {
  const lines: Line[] = []
  const clock = { ms: 1000 }
  const platform = webSnapshotPlatform((level, event, fields = {}) => void lines.push({ level, event, fields }))
  return { ...platform, monotonicMs: () => clock.ms, lines, clock }
}

export interface FeedOptions {
  readonly env?: string
  readonly logId?: string
  readonly objects?: ObjectStore
  /** What a publisher does with its store at first. */
  readonly prepare?: (store: Store, env: string) => void
}

export class Feed {
  readonly env: string
  readonly objects: ObjectStore
  readonly store: Store
  epoch = 1
  revision = -1
  readonly #logId: string
  readonly #publication: Publication
  #beats = 0

  private constructor(parts: { env: string; logId: string; objects: ObjectStore; store: Store; publication: Publication }) {
    this.env = parts.env
    this.objects = parts.objects
    this.store = parts.store
    this.#logId = parts.logId
    this.#publication = parts.publication
  }

  /** With its genesis. */
  static async open(options: FeedOptions = {}): Promise<Feed> {
    const { env = 'demo', logId = 'log', objects = memoryObjectStore(), prepare = named } = options
    const pool = makePool()
    const settings = { snapshotRecords: 1_000_000, snapshotIntervalMs: 1e9, retainedSnapshots: 3 }
    const holder: { feed?: Feed } = {}
    const epoch = (): number => holder.feed?.epoch ?? 1
    const publication = await Publication.open({ objects, env, platform: testPlatform(), pool, engine: 'test', epoch, settings })
    const store = pool.create()
    prepare(store, env)
    const feed = new Feed({ env, logId, objects, store, publication })
    holder.feed = feed
    publication.continueFrom(-1)
    feed.append({ kind: 'genesis' })
    return feed
  }

  append(body: RecordBody): number {
    this.revision++
    const record = { revision: this.revision, record: logRecord(body, { writeId: `write-${this.revision}`, logId: this.#logId }) }
    apply(this.store, [record])
    this.#publication.add([record], this.revision)
    return this.revision
  }

  /** `has_role(User:<user>, String:reader, Repo:<repo>)`. */
  grant(user: string, repo = 'r1'): number {
    return this.append(facts(insert('has_role', `User:${user}`, 'String:reader', `Repo:${repo}`)))
  }

  policy(source: string): number {
    return this.append({ kind: 'policy', source, filename: null })
  }

  /** What is due: a delta; with `snapshot` a snapshot. */
  async publish(snapshot = false): Promise<Manifest> {
    return known(await this.#publication.publish(() => replicaImage(this.store, this.revision), { force: snapshot }), 'a manifest')
  }

  /** Tells how far the log goes. */
  async beat({ partition = '0', intervalMs = 1000 }: { readonly partition?: string; readonly intervalMs?: number } = {}): Promise<void> {
    this.#beats++
    await writeHeartbeat(this.objects, partition, {
      head: this.revision,
      seenAtMs: this.#beats,
      intervalMs,
      environments: { [this.env]: this.revision },
    })
  }
}

const named = ({ database }: Store, env: string): void => belongTo(database, env)

export const repoPolicy = `
actor User {}
resource Repo { roles = ["reader"]; permissions = ["read"]; "read" if "reader"; }
`

/** A store that can be taken away, counts what is asked of it, and can hold a get back. */
export const faultyStore = (inner: ObjectStore) => {
  const state = { down: false, gets: [] as string[], hold: null as Promise<void> | null }
  const check = (): void => {
    if (state.down) throw new StoreError('unavailable', 'the store is down')
  }
  const objects: ObjectStore = {
    name: inner.name,
    async get(key, options) {
      state.gets.push(key)
      await state.hold
      check()
      return inner.get(key, options)
    },
    async put(key, bytes, condition) {
      check()
      return inner.put(key, bytes, condition)
    },
    async list(prefix) {
      check()
      return inner.list(prefix)
    },
    async delete(key) {
      check()
      return inner.delete(key)
    },
  }
  return { objects, state }
}

export interface FollowedOptions extends Partial<FollowerOptions> {
  readonly objects: ObjectStore
}

/** A follower of environment `demo`, with its log lines and its clock. */
export const follow = (options: FollowedOptions) => {
  const platform = testPlatform()
  const pool = makePool()
  const follower = new Follower({ env: 'demo', partition: () => 0, pool, platform, ...options })
  return { follower, pool, platform, clock: platform.clock, lines: platform.lines }
}

/** Users that may read a repository, as the follower answers now. */
export const readers = (follower: Follower, repo = 'r1'): readonly string[] =>
  known(follower.replica, 'it has loaded')
    .store.facts({ predicate: 'has_role', args: [any, any, { type: 'Repo', id: repo }] }, false, 1000)
    .flatMap(({ args }) => args[0]?.id ?? [])

const any = { type: null, id: null }

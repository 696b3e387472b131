/** A publisher of one environment in a test: a replica that is fed records, an object store, and a clock that stands still. On either runtime. */
import { afterEach } from 'vitest'
import { sqliteModule, trampolineModule } from '#wasm'
import { snapshotLimits } from '../../snapshots/bounds.ts'
import { loadNewest } from '../../snapshots/load.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { objectBytes } from '../../snapshots/object-bytes.ts'
import { type ObjectStore, StoreError } from '../../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../../snapshots/platform.ts'
import { createStorePool } from '../../snapshots/pool.ts'
import { Publication, type ReplicaImage } from '../../snapshots/publication.ts'
import type { PublicationSettings } from '../../snapshots/publication-options.ts'
import { webSnapshotPlatform } from '../../snapshots/web-platform.ts'
import { assert, known } from '../../src/base/assert.ts'
import { apply } from '../../src/log/apply.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import type { LogFields, LogLevel } from '../../src/ops/log-line.ts'
import type { Store } from '../../src/store/facts.ts'
import { schemaVersion } from '../../src/store/schema.ts'

export const env = 'shop'

export const pool = createStorePool({
  sqlite: sqliteModule,
  trampoline: trampolineModule,
  maxBytes: 64 * 1024 * 1024,
  nowMs: () => 1_700_000_000_000,
})

export interface TestPlatform extends SnapshotPlatform {
  /** What the monotonic clock says. */
  ms: number
  readonly lines: { readonly level: LogLevel; readonly event: string; readonly fields: LogFields }[]
}

export const testPlatform = (): TestPlatform => {
  const lines: TestPlatform['lines'] = []
  const platform: TestPlatform = {
    ...webSnapshotPlatform((level, event, fields = {}) => void lines.push({ level, event, fields })),
    ms: 0,
    lines,
    monotonicMs: () => platform.ms,
    nowMs: () => 1_700_000_000_000,
    pause: () => Promise.resolve(),
  }
  return platform
}

/** A replica and how it looks from outside. */
export class TestReplica {
  store: Store = pool.create()
  through = -1

  /** `through`: up to where nothing is missing, when that is further than the last record. */
  take(records: readonly RevisedRecord[], through = -1): void {
    apply(this.store, records)
    this.through = Math.max(this.through, this.store.revision(), through)
  }

  readonly image = (): ReplicaImage => ({
    bytes: this.store.database.serialize(),
    revision: this.store.revision(),
    through: this.through,
    logId: known(this.store.logId(), 'the replica has its genesis'),
    stateHash: this.store.stateHash(),
    policyHash: this.store.policyHash(),
    schemaVersion,
  })

  close(): void {
    pool.release(this.store)
  }
}

/** All that must be equal in two replicas at the same revision. */
export const stateOf = (store: Store): unknown => ({
  facts: store.facts({ predicate: null, args: [] }, false, 100_000),
  stateHash: store.stateHash(),
  recomputed: store.recomputeStateHash(),
  revision: store.revision(),
  logId: store.logId(),
  policy: store.activePolicy(),
  versions: store.policyVersions().map((version) => store.policy(version)),
})

export const settings: PublicationSettings = { snapshotRecords: 8, snapshotIntervalMs: 60_000, retainedSnapshots: 3 }

export interface PublisherOptions {
  readonly objects?: ObjectStore
  readonly platform?: TestPlatform
  readonly replica?: TestReplica
  readonly epoch?: () => number
  readonly settings?: Partial<PublicationSettings>
}

export class Publisher {
  readonly objects: ObjectStore
  readonly platform: TestPlatform
  replica: TestReplica
  readonly #options: PublisherOptions
  publication: Publication

  private constructor(
    options: PublisherOptions,
    base: Required<Pick<PublisherOptions, 'objects' | 'platform' | 'replica'>>,
    publication: Publication,
  ) {
    this.#options = options
    this.objects = base.objects
    this.platform = base.platform
    this.replica = base.replica
    this.publication = publication
  }

  static async open(options: PublisherOptions = {}): Promise<Publisher> {
    const base = {
      objects: options.objects ?? memoryObjectStore(),
      platform: options.platform ?? testPlatform(),
      replica: options.replica ?? new TestReplica(),
    }
    return new Publisher(options, base, await openPublication({ ...options, ...base }))
  }

  /** The process died: another one goes on where its replica is. */
  async reopen(): Promise<void> {
    const { objects, platform, replica } = this
    this.publication = await openPublication({ ...this.#options, objects, platform, replica })
  }

  /** The same, with a replica that starts from what is published. */
  async bootstrap(): Promise<void> {
    const { objects, platform } = this
    this.replica.close()
    this.replica = new TestReplica()
    const loaded = await loadNewest({ objects, platform, env, pool })
    if (loaded !== null) {
      this.replica.close()
      this.replica.store = loaded.store
      this.replica.through = loaded.through
    }
    await this.reopen()
  }

  feed(records: readonly RevisedRecord[], through = -1): void {
    this.replica.take(records, through)
    this.publication.add(records, this.replica.through)
  }

  publish(force = false): ReturnType<Publication['publish']> {
    return this.publication.publish(this.replica.image, { force })
  }

  close(): void {
    this.replica.close()
  }
}

/** Publishers that are closed after each test of a file, when every database must have been given back. */
export const testPublishers = () => {
  const opened: Publisher[] = []
  const closeAll = (): void => {
    for (const publisher of opened.splice(0)) publisher.close()
  }
  afterEach(() => {
    closeAll()
    assert(pool.use().used === 0, 'every database was given back')
  })
  const open = async (options: PublisherOptions = {}): Promise<Publisher> => {
    const publisher = await Publisher.open(options)
    opened.push(publisher)
    return publisher
  }
  return { open, closeAll }
}

const openPublication = async (options: PublisherOptions & Pick<Publisher, 'objects' | 'platform' | 'replica'>): Promise<Publication> => {
  const publication = await Publication.open({
    objects: options.objects,
    env,
    platform: options.platform,
    pool,
    engine: 'test',
    epoch: options.epoch ?? (() => 1),
    settings: { ...settings, ...options.settings },
  })
  if (options.replica.through >= 0) publication.continueFrom(options.replica.through)
  return publication
}

export const bytesOf = async (objects: ObjectStore, key: string): Promise<Uint8Array> => {
  const object = await objects.get(key)
  if (object === null || object === 'unchanged') throw new StoreError('missing', `no \`${key}\``)
  return objectBytes(key, object, snapshotLimits.storedBytes)
}

/** The same with the bytes of one object changed. */
export const withObject = async (objects: ObjectStore, key: string, bytes: Uint8Array | null, work: () => Promise<void>): Promise<void> => {
  const before = await bytesOf(objects, key)
  if (bytes === null) await objects.delete(key)
  else await objects.put(key, bytes)
  try {
    await work()
  } finally {
    await objects.put(key, before)
  }
}

/** Fails the call with this number, counted from 0, before or after it took effect. */
export const failingStore = (
  objects: ObjectStore,
  call: number,
  takesEffect: boolean,
): { readonly store: ObjectStore; readonly calls: () => number } => {
  let calls = 0
  const through = async <T>(work: () => Promise<T>): Promise<T> => {
    const fails = calls++ === call
    if (fails && !takesEffect) throw new StoreError('unavailable', `call ${call} fails`)
    const result = await work()
    if (fails) throw new StoreError('unavailable', `the answer to call ${call} is lost`)
    return result
  }
  return {
    calls: () => calls,
    store: {
      name: objects.name,
      get: (key, options) => through(() => objects.get(key, options)),
      put: (key, bytes, condition) => through(() => objects.put(key, bytes, condition)),
      list: (prefix) => through(() => objects.list(prefix)),
      delete: (key) => through(() => objects.delete(key)),
    },
  }
}

export const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
    throw error
  }
  return 'no error'
}

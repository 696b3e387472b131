/** A replicator in this very thread with everything in memory: for tests and for what ends with the process. */
import { memoryObjectStore } from '../snapshots/memory-store.ts'
import { nodeSnapshotPlatform } from '../snapshots/node/platform.ts'
import { compileModules, storePool } from '../snapshots/node/stores.ts'
import type { ObjectStore } from '../snapshots/object-store.ts'
import type { StorePool } from '../snapshots/store-pool.ts'
import { limits } from '../src/base/limits.ts'
import type { Log } from '../src/log/log.ts'
import { createMemoryLog } from '../src/log/memory-log.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import type { ReplicatorSettings } from './hosting.ts'
import { type Replicator, startReplicator } from './replicator.ts'

export interface InMemoryOptions {
  readonly logId?: string
  /** By default one in memory. Closed with the replicator. */
  readonly log?: Log
  readonly maxRecordBytes?: number
  readonly objects?: ObjectStore
  readonly remote?: ObjectStore | null
  readonly settings?: Partial<ReplicatorSettings>
  /** By default one of its own, which needs Node. */
  readonly pool?: StorePool
  readonly writeLogLine?: WriteLogLine
}

const settings: ReplicatorSettings = {
  appliedWaitMs: limits.appliedWaitMs,
  deltaIntervalMs: 1000,
  heartbeatMs: 1000,
  retainedSnapshots: 3,
  snapshotIntervalMs: 600_000,
  snapshotRecords: 10_000,
  trim: true,
}

export const inMemoryReplicator = async (options: InMemoryOptions = {}): Promise<Replicator> => {
  const { logId = 'memory', maxRecordBytes = limits.developmentRecordBytes, writeLogLine = () => {} } = options
  const { log = createMemoryLog({ logId, maxRecordBytes }), objects = memoryObjectStore(), remote = null } = options
  const pool = options.pool ?? (await ownPool())
  return startReplicator({
    log,
    objects,
    remote,
    maxRecordBytes,
    pool,
    platform: nodeSnapshotPlatform(writeLogLine),
    settings: { ...settings, ...options.settings },
    engine: '0.0.0',
  })
}

/** Once per process. */
let modules: ReturnType<typeof compileModules> | undefined

const ownPool = async (): Promise<StorePool> => {
  modules ??= compileModules()
  return storePool(await modules)
}

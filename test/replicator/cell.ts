/** Replicators over logs and object stores that outlive them, as tests start and stop them. */
import { onTestFinished, vi } from 'vitest'
import type { ReplicatorSettings } from '../../replicator/hosting.ts'
import { type InMemoryOptions, inMemoryReplicator } from '../../replicator/in-process.ts'
import type { Replicator } from '../../replicator/replicator.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { compileModules, storePool } from '../../snapshots/node/stores.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import type { StorePool } from '../../snapshots/store-pool.ts'
import { known } from '../../src/base/assert.ts'
import type { InnerReplicator } from '../../src/log/inner.ts'
import type { Log, PartitionedLog } from '../../src/log/log.ts'
import { createMemoryLog } from '../../src/log/memory-log.ts'
import type { LogFields } from '../../src/ops/log-line.ts'

export interface LoggedLine {
  readonly level: string
  readonly event: string
  readonly fields: LogFields
}

export interface Cell {
  readonly replicator: Replicator
  readonly log: Log
  readonly objects: ObjectStore
  readonly lines: readonly LoggedLine[]
  /** Lines of an event. */
  logged(event: string): readonly LoggedLine[]
}

/** Intervals so short that tests wait for what they bring about. */
export const swift: Partial<ReplicatorSettings> = { deltaIntervalMs: 10, heartbeatMs: 10, snapshotIntervalMs: 100 }

export const startCell = async (options: InMemoryOptions = {}): Promise<Cell> => {
  const lines: LoggedLine[] = []
  const log = options.log ?? createMemoryLog({ logId: 'memory' })
  const objects = options.objects ?? memoryObjectStore()
  const replicator = await inMemoryReplicator({
    ...options,
    log,
    objects,
    settings: { ...swift, ...options.settings },
    writeLogLine: (level, event, fields = {}) => lines.push({ level, event, fields }),
  })
  onTestFinished(() => replicator.close())
  return { replicator, log, objects, lines, logged: (event) => lines.filter((line) => line.event === event) }
}

/** The log as a process sees it that ends without it: closing leaves it open. */
export const lasting = (log: PartitionedLog): PartitionedLog => ({
  logId: log.logId,
  partitions: log.partitions,
  append: (...args) => log.append(...args),
  read: (...args) => log.read(...args),
  bounds: (...args) => log.bounds(...args),
  environments: () => log.environments(),
  subscribe: (...args) => log.subscribe(...args),
  stalenessMs: (...args) => log.stalenessMs(...args),
  partitionOf: (...args) => log.partitionOf(...args),
  assign: (...args) => log.assign(...args),
  unassign: (...args) => log.unassign(...args),
  trim: (...args) => log.trim(...args),
  close: async () => {},
})

export const until = async <T extends object | string | number | boolean>(
  found: () => T | null | undefined | Promise<T | null>,
): Promise<T> => vi.waitFor(async () => known(await found(), 'it is there'), { timeout: 20_000, interval: 5 })

export interface SeenState {
  readonly revision: number
  readonly stateHash: string
  /** `predicate(Type:id, …)`. */
  readonly facts: readonly string[]
  readonly policy: string | null
  readonly indexes: readonly string[]
}

let pool: StorePool | undefined

/** What a runtime would begin with. */
export const stateOf = async (replicator: InnerReplicator, env: string): Promise<SeenState> => {
  pool ??= storePool(await compileModules())
  const snapshot = known(await replicator.snapshot(env), 'a durable environment has a snapshot')
  const writer = pool.receive(snapshot.rawBytes)
  for await (const chunk of snapshot.chunks) writer.write(chunk)
  const store = writer.finish()
  try {
    return {
      revision: snapshot.revision,
      stateHash: snapshot.stateHash,
      facts: store
        .facts({ predicate: null, args: [] }, false, 100_000)
        .map(({ predicate, args }) => `${predicate}(${args.map(({ type, id }) => `${type}:${id}`).join(', ')})`),
      policy: store.activePolicy()?.source ?? null,
      indexes: store.tables().map(({ table, orders }) => `${table} ${JSON.stringify(orders)}`),
    }
  } finally {
    pool.release(store)
  }
}

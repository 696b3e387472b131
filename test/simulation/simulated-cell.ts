/** A cell of a simulation: replicator and runtime as one process that can be killed, paused, and started again from its disk. */
import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { type Replicator, startReplicator } from '../../replicator/replicator.ts'
import { CellEnvironment } from '../../runtime/environment.ts'
import type { Platform } from '../../runtime/platform.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../../snapshots/platform.ts'
import { createStorePool, type MeasuredStorePool } from '../../snapshots/pool.ts'
import type { StorePool } from '../../snapshots/store-pool.ts'
import { at } from '../../src/base/assert.ts'
import type { PartitionedLog } from '../../src/log/log.ts'
import type { LogFields } from '../../src/ops/log-line.ts'
import { noMetrics } from '../../src/ops/metrics.ts'
import type { Store } from '../../src/store/facts.ts'
import { sqliteModule, trampolineModule } from '../support/wasm.node.ts'
import type { Broker } from './broker.ts'
import { faultyStore, type StoreFaults } from './faulty-store.ts'
import type { Owner } from './virtual-time.ts'

export interface Surroundings {
  readonly broker: Broker
  readonly remote: ObjectStore
  readonly faults: StoreFaults
  readonly remoteDown: () => boolean
  /** What a machine's clock of the day is off by; its other clock only counts. */
  readonly skewMs: (name: string) => number
  /** Environments that every cell makes when it starts, beside those that it finds. */
  readonly environments: readonly string[]
  /** A cell that had a state of `control` took that of the others: the log does not reach back to its own. */
  readonly controlTooOld: () => void
  /** For planted bugs. */
  readonly wrapLog: (log: PartitionedLog) => PartitionedLog
  readonly wrapStore: (store: Store) => Store
  readonly wrapObjects: (objects: ObjectStore) => ObjectStore
  readonly trace: (line: string) => void
}

export const settings = {
  appliedWaitMs: 1000,
  deltaIntervalMs: 300,
  heartbeatMs: 500,
  retainedSnapshots: 2,
  snapshotIntervalMs: 2000,
  snapshotRecords: 8,
  trim: true,
} as const

/** Between two looks of a runtime at what its replicator hosts. */
const LOOK_MS = 500

const newPool = (): MeasuredStorePool =>
  createStorePool({ sqlite: sqliteModule, trampoline: trampolineModule, maxBytes: 64 * 1024 * 1024, nowMs: () => 0 })

/** Instances are used again by later cells and simulations: making one takes longer than most of what happens here. A pool keeps only a few. */
class SharedInstances implements StorePool {
  readonly #pools = Array.from({ length: 24 }, newPool)
  readonly #owners = new Map<Store, MeasuredStorePool>()

  create(): Store {
    const pool = this.#next()
    return this.#owned(pool.create(), pool)
  }

  receive(rawBytes: number): ReturnType<StorePool['receive']> {
    const pool = this.#next()
    const writer = pool.receive(rawBytes)
    return { write: (chunk) => writer.write(chunk), finish: () => this.#owned(writer.finish(), pool), abort: () => writer.abort() }
  }

  release(store: Store): void {
    this.#owners.get(store)?.release(store)
    this.#owners.delete(store)
  }

  #next(): MeasuredStorePool {
    return (
      this.#pools.find((pool) => pool.use().idle > 0) ??
      at(
        this.#pools.toSorted((a, b) => a.use().used - b.use().used),
        0,
      )
    )
  }

  #owned(store: Store, pool: MeasuredStorePool): Store {
    this.#owners.set(store, pool)
    return store
  }
}

export const instances: StorePool = new SharedInstances()

export class SimulatedCell {
  readonly name: string
  readonly #around: Surroundings
  #disk: ObjectStore
  #pool: TrackedPool | null = null
  owner: Owner | null = null
  replicator: Replicator | null = null
  readonly environments = new Map<string, CellEnvironment>()

  constructor(name: string, around: Surroundings) {
    this.name = name
    this.#around = around
    this.#disk = this.#newDisk()
  }

  get disk(): ObjectStore {
    return this.#disk
  }

  /** The process that runs, and is not paused. */
  get isRunning(): boolean {
    return this.owner !== null && this.owner.pausedUntilMs <= this.#around.broker.time.nowMs
  }

  /** Starts the process; it opens its environments as it gets to them, and tries again until it has. */
  start(): void {
    const owner = { name: this.name, alive: true, pausedUntilMs: 0 }
    this.owner = owner
    const { time } = this.#around.broker
    time.run(owner, () => {
      void this.#open(owner)
    })
  }

  /** SIGKILL: nothing of it goes on, what it had sent may still arrive. */
  kill(): void {
    if (this.owner === null) return
    this.owner.alive = false
    this.owner = null
    this.replicator = null
    this.environments.clear()
    this.#pool?.abandon()
    this.#pool = null
  }

  pause(ms: number): void {
    if (this.owner !== null) this.owner.pausedUntilMs = this.#around.broker.time.nowMs + ms
  }

  loseDisk(): void {
    this.kill()
    this.#disk = this.#newDisk()
  }

  async #open(owner: Owner): Promise<void> {
    const { broker, remote, faults, remoteDown, environments, wrapLog, wrapStore, wrapObjects, trace } = this.#around
    const { time, random } = broker
    const pool = new TrackedPool(wrapStore)
    this.#pool = pool
    try {
      const hadControl = (await this.#disk.list('control/manifest.json')).length > 0
      const platform = simulatedPlatform(this.#around, this.name, (event, fields) => {
        if (hadControl && event === 'replica-loaded' && fields['environment'] === 'control' && fields['source'] === 'remote')
          this.#around.controlTooOld()
      })
      const slow = { lost: faults.lost / 4, unknown: 0, races: 0, delayMs: 3 }
      const replicator = await startReplicator({
        log: wrapLog(broker.connect()),
        objects: wrapObjects(faultyStore({ store: this.#disk, time, random, faults: slow, down: () => false })),
        remote: wrapObjects(faultyStore({ store: remote, time, random, faults, down: remoteDown })),
        pool,
        platform,
        settings,
        maxRecordBytes: 1_000_000,
        engine: 'simulated',
        holder: this.name,
        later: (delayMs, work) => time.later(delayMs, work),
      })
      this.replicator = replicator
      for (const id of environments) await replicator.createEnvironment(id)
      void this.#openAll(owner, pool, replicator, platform)
    } catch (error) {
      // The process ends, and something starts it again.
      trace(`${this.name} cannot start: ${String(error)}`)
      if (this.owner !== owner) return
      this.kill()
      time.detached(() =>
        time.later(500, () => {
          if (this.owner === null) this.start()
        }),
      )
    }
  }

  /** What the replicator hosts, several at once, and what comes later. */
  async #openAll(owner: Owner, pool: StorePool, replicator: Replicator, platform: Platform & SnapshotPlatform): Promise<void> {
    const { time } = this.#around.broker
    const opening = new Set<string>()
    const open = async (id: string): Promise<void> => {
      opening.add(id)
      try {
        await replicator.createEnvironment(id)
        const environment = await CellEnvironment.open({ id, pool, replicator, platform, appliedWaitMs: 1000, appendTimeoutMs: 4000 })
        if (this.owner === owner) this.environments.set(id, environment)
      } catch (error) {
        this.#around.trace(`${this.name} cannot open ${id}: ${String(error)}`)
      }
      opening.delete(id)
    }
    while (this.owner === owner) {
      for (const { env } of await replicator.environments())
        if (env !== 'control' && !this.environments.has(env) && !opening.has(env)) void open(env)
      await time.sleep(LOOK_MS)
    }
  }

  #newDisk(): ObjectStore {
    return memoryObjectStore(`disk of ${this.name}`, () => this.#around.broker.time.wallMs)
  }
}

export const simulatedPlatform = (
  { broker, trace, skewMs }: Pick<Surroundings, 'broker' | 'trace' | 'skewMs'>,
  name: string,
  hear: (event: string, fields: LogFields) => void = () => {},
): Platform & SnapshotPlatform => {
  const { time, random } = broker
  const newId = (): string => Array.from({ length: 4 }, () => random.below(2 ** 31).toString(16)).join('-')
  return {
    nowMs: () => time.wallMs + skewMs(name),
    monotonicMs: () => time.nowMs,
    newId,
    // The one name with two meanings: of a text at once for the runtime, of parts for snapshots.
    sha256: hashOf,
    gzip: (bytes) => Promise.resolve(gzipSync(bytes, { level: 1 })),
    gunzip: inflated,
    pause: () => time.sleep(0),
    log: (level, event, fields = {}) => {
      hear(event, fields)
      trace(`${name} ${level} ${event} ${JSON.stringify(fields)}`)
    },
    metrics: noMetrics,
  }
}

const hashOf: Platform['sha256'] & SnapshotPlatform['sha256'] = ((text?: string) => {
  const hash = createHash('sha256')
  if (text !== undefined) return hash.update(text).digest()
  return { update: (bytes: Uint8Array) => void hash.update(bytes), digest: () => hash.digest('hex') }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- two overloads in one function
}) as Platform['sha256'] & SnapshotPlatform['sha256']

async function* inflated(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  yield gunzipSync(Buffer.concat(parts))
}

/** Gives back what a killed process held. */
class TrackedPool implements StorePool {
  readonly #held = new Set<Store>()
  readonly #wrap: (store: Store) => Store
  readonly #inner = new Map<Store, Store>()
  #abandoned = false

  constructor(wrap: (store: Store) => Store) {
    this.#wrap = wrap
  }

  create(): Store {
    return this.#hold(instances.create())
  }

  receive(rawBytes: number): ReturnType<StorePool['receive']> {
    const writer = instances.receive(rawBytes)
    return { write: (chunk) => writer.write(chunk), finish: () => this.#hold(writer.finish()), abort: () => writer.abort() }
  }

  release(store: Store): void {
    if (this.#abandoned || !this.#held.delete(store)) return
    instances.release(this.#inner.get(store) ?? store)
  }

  abandon(): void {
    this.#abandoned = true
    for (const store of this.#held) instances.release(this.#inner.get(store) ?? store)
    this.#held.clear()
  }

  #hold(store: Store): Store {
    const wrapped = this.#wrap(store)
    if (wrapped !== store) this.#inner.set(wrapped, store)
    this.#held.add(wrapped)
    return wrapped
  }
}

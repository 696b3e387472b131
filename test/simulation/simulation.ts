/** One simulation: three cells and an edge over one log and one object store, with faults drawn from a seed, held against the plain meaning of the log. */

import { Follower } from '../../snapshots/follower.ts'
import { parseManifest } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { at, known } from '../../src/base/assert.ts'
import type { PartitionedLog } from '../../src/log/log.ts'
import type { Change, RecordBody } from '../../src/log/record.ts'
import type { Store } from '../../src/store/facts.ts'
import { parsePosition } from '../../src/wire/position.ts'
import { type Random, randomOf } from '../random/prng.ts'
import { Broker } from './broker.ts'
import { faultyStore } from './faulty-store.ts'
import { difference, environmentsOf, Model } from './model.ts'
import { instances, SimulatedCell, type Surroundings, simulatedPlatform } from './simulated-cell.ts'
import { VirtualTime } from './virtual-time.ts'

/** Bugs to plant, each of which some seed must find. */
export interface Planted {
  readonly wrapLog?: (log: PartitionedLog, broker: Broker) => PartitionedLog
  readonly wrapStore?: (store: Store) => Store
  readonly wrapObjects?: (objects: ObjectStore) => ObjectStore
}

export interface SimulationResult {
  readonly seed: number
  /** What must not be, empty when all is well. */
  readonly violations: readonly string[]
  readonly trace: readonly string[]
  readonly counts: Readonly<Record<string, number>>
}

/** What every cell makes when it starts, and what may be made while all run: more than a replicator loads at once. */
const ENVIRONMENTS = ['alpha', 'beta', 'gamma'] as const
const LATER = ['delta', 'epsilon'] as const
const STEPS = 40
/** Longest absence of a cell that misses much. */
const LATE_MS = 12_000
const MAX_TRACE = 4000
/** Long enough to elect a publisher, catch up and publish. */
const HEAL_MS = 60_000

/** Of so many seeds one has clocks of the day that differ by hours. */
const SKEWED_SEEDS = 3
const SKEWS_MS: Readonly<Record<string, number>> = { c1: 3_600_000, c2: -3_600_000, fresh: 7_200_000, edge: -1_800_000 }

export const simulate = async (seed: number, planted: Planted = {}): Promise<SimulationResult> => {
  const simulation = new Simulation(seed, planted)
  return simulation.run()
}

class Simulation {
  readonly #seed: number
  readonly #random: Random
  readonly #time = new VirtualTime()
  readonly #broker: Broker
  readonly #remote: ObjectStore
  readonly #around: Surroundings
  readonly #cells: SimulatedCell[]
  readonly #models = new Map(['control', ...ENVIRONMENTS, ...LATER].map((env) => [env, new Model()] as const))
  readonly #read: number[]
  readonly #followers = new Map<string, Follower>()
  readonly #followed = new Map<string, number>()
  readonly #acknowledged = new Map<string, string>()
  readonly #violations = new Set<string>()
  readonly #trace: string[] = []
  readonly #counts: Record<string, number> = {}
  #remoteDownUntilMs = 0
  #healed = false
  #writes = 0
  #pending = 0

  constructor(seed: number, planted: Planted) {
    this.#seed = seed
    this.#random = randomOf(seed)
    const random = this.#random
    const share = (most: number): number => (random.chance(0.5) ? 0 : (random.below(1000) / 1000) * most)
    const partitions = 1 + random.below(2)
    const faults = { lost: share(0.1), unknown: share(0.2), unread: share(0.1), repeated: 0, gaps: share(0.2) }
    this.#broker = new Broker({ time: this.#time, random, faults: this.#fading(faults), partitions })
    this.#remote = memoryObjectStore('remote', () => this.#time.wallMs)
    this.#read = Array.from({ length: partitions }, () => 0)
    this.#around = {
      broker: this.#broker,
      remote: this.#remote,
      faults: this.#fading({ lost: share(0.1), unknown: share(0.1), races: share(0.3), delayMs: 5 + random.below(200) }),
      remoteDown: () => this.#time.nowMs < this.#remoteDownUntilMs,
      skewMs: (name) => (seed % SKEWED_SEEDS === 0 ? (SKEWS_MS[name] ?? 0) : 0),
      environments: ENVIRONMENTS,
      controlTooOld: () => this.#count('control too old', () => {}),
      wrapLog: (log) => planted.wrapLog?.(log, this.#broker) ?? log,
      wrapStore: planted.wrapStore ?? ((store) => store),
      wrapObjects: planted.wrapObjects ?? ((objects) => objects),
      trace: (line) => this.#note(line),
    }
    this.#cells = ['c1', 'c2', 'c3'].map((name) => new SimulatedCell(name, this.#around))
  }

  async run(): Promise<SimulationResult> {
    const uninstall = this.#time.install()
    try {
      for (const cell of this.#cells) cell.start()
      await this.#time.until(() => this.#cells.every((cell) => cell.environments.size === ENVIRONMENTS.length), 30_000)
      for (let step = 0; step < STEPS && this.#violations.size === 0; step++) {
        this.#event()
        await this.#time.pass(20 + this.#random.below(400))
        await this.#check()
      }
      if (this.#violations.size === 0) await this.#heal()
    } catch (error) {
      this.#violate(`failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    } finally {
      for (const cell of this.#cells) cell.kill()
      for (const follower of this.#followers.values()) follower.close()
      uninstall()
    }
    return { seed: this.#seed, violations: [...this.#violations], trace: this.#trace, counts: this.#counts }
  }

  #event(): void {
    const random = this.#random
    const cell = random.pick(this.#cells)
    const kind = random.below(100)
    if (kind < 52) for (let count = 1 + random.below(6); count > 0; count--) this.#write(random.pick(this.#existing()))
    else if (kind < 55) this.#create()
    else if (kind < 65) this.#crash(cell)
    else if (kind < 70) this.#count('pause', () => cell.pause(random.below(4000)))
    else if (kind < 74) this.#count('lost disk', () => this.#restart(cell, () => cell.loseDisk()))
    else if (kind < 79) this.#count('log down', () => (this.#broker.downUntilMs = this.#time.nowMs + random.below(3000)))
    else if (kind < 84) this.#count('store down', () => (this.#remoteDownUntilMs = this.#time.nowMs + random.below(6000)))
    else if (kind < 90) this.#publish(cell)
    else if (kind < 95) this.#restore(cell)
    else if (random.chance(0.5)) this.#token()
  }

  #crash(cell: SimulatedCell): void {
    this.#count('crash', () => this.#restart(cell, () => cell.kill()))
  }

  #restart(cell: SimulatedCell, end: () => void): void {
    end()
    // Now and then so late that the log has forgotten where it was.
    this.#time.later(this.#random.below(this.#random.chance(0.3) ? LATE_MS : 3000), () => {
      if (cell.owner === null) cell.start()
    })
  }

  /** Some environments that are not there yet, by clients of any cells at the same time. */
  #create(): void {
    const missing = LATER.filter((env) => !this.#existing().includes(env))
    for (const env of missing.slice(0, 1 + this.#random.below(LATER.length)))
      for (let clients = 1 + this.#random.below(2); clients > 0; clients--)
        this.#onReplicator(this.#random.pick(this.#cells), 'create', (replicator) => replicator.createEnvironment(env))
  }

  /** By the log. */
  #existing(): readonly string[] {
    const made = environmentsOf(known(this.#models.get('control'), 'a model per environment').newest)
    return [...ENVIRONMENTS, ...LATER.filter((env) => made.includes(env))]
  }

  /** A client: tries until it is told that the write is there, each time with the same write id, at any cell. */
  #write(env: string): void {
    const writeId = `w${this.#writes++}`
    const body = this.#body()
    this.#pending++
    void this.#time.detached(async () => {
      for (let attempt = 0; attempt < 20; attempt++) {
        const offset = await this.#attempt(env, body, writeId)
        if (offset !== null) {
          this.#acknowledged.set(writeId, env)
          this.#count('acknowledged', () => {})
          await this.#readAfter(env, offset)
          break
        }
        await this.#time.sleep(50 + this.#random.below(400))
      }
      this.#pending--
    })
  }

  async #attempt(env: string, body: RecordBody, writeId: string): Promise<string | null> {
    const cell = this.#random.pick(this.#cells)
    const environment = cell.environments.get(env)
    if (environment === undefined || cell.owner === null || !cell.isRunning) return null
    const writing = this.#time.run(cell.owner, () => environment.write(body, writeId))
    // Whoever asks a process that is killed meanwhile gives up.
    const late = this.#time.sleep(6000).then(() => null)
    const written = await Promise.race([writing.catch(() => null), late])
    return written === null ? null : written.offset
  }

  /** A read with the token of a write: on any cell it sees the write, or is told that this one is not there yet. */
  async #readAfter(env: string, offset: string): Promise<void> {
    const cell = this.#random.pick(this.#cells)
    const environment = cell.environments.get(env)
    if (environment === undefined || cell.owner === null || !cell.isRunning) return
    const position = known(parsePosition(offset) ?? undefined, 'a token is a position')
    const reached = await Promise.race([
      this.#time.run(cell.owner, () => environment.reach(position, 2000)),
      this.#time.sleep(3000).then(() => false),
    ])
    if (!reached || cell.environments.get(env) !== environment) return
    this.#count('token read', () => {})
    if (environment.store.revision() < position.revision)
      this.#violate(`${cell.name} ${env}: reached ${offset} at revision ${environment.store.revision()}`)
  }

  #body(): RecordBody {
    const random = this.#random
    if (random.chance(0.03)) return { kind: 'clear' }
    if (random.chance(0.06)) return { kind: 'policy', source: `actor User {}\n# ${random.below(3)}\n`, filename: null }
    const value = (): { readonly type: string; readonly id: string } => ({ type: 'User', id: `u${random.below(6)}` })
    const changes = Array.from({ length: 1 + random.below(3) }, (): Change => {
      if (random.chance(0.6)) return { kind: 'insert', fact: { predicate: 'p', args: [value(), value()] } }
      const any = { type: random.chance(0.5) ? 'User' : null, id: null }
      return { kind: 'delete', pattern: { predicate: 'p', args: random.chance(0.3) ? [value(), any] : [value(), value()] } }
    })
    return { kind: 'facts', changes }
  }

  #publish(cell: SimulatedCell): void {
    this.#onReplicator(cell, 'publish', (replicator) => replicator.publish(this.#random.pick([...this.#existing(), 'control'])))
  }

  #restore(cell: SimulatedCell): void {
    const env = this.#random.pick(this.#existing())
    const model = known(this.#models.get(env), 'a model per environment')
    this.#onReplicator(cell, 'restore', (replicator) => replicator.restore(env, Math.max(0, model.revision - this.#random.below(10))))
  }

  #onReplicator(cell: SimulatedCell, what: string, work: (replicator: NonNullable<SimulatedCell['replicator']>) => Promise<unknown>): void {
    const { replicator, owner } = cell
    if (replicator === null || owner === null || !cell.isRunning) return
    this.#count(what, () => {
      void this.#time.run(owner, () => work(replicator)).catch((error: unknown) => this.#note(`${what} refused: ${String(error)}`))
    })
  }

  #token(): void {
    for (const follower of this.#edge()) void follower.refresh()
  }

  async #check(): Promise<void> {
    this.#readHistory()
    for (const cell of this.#cells) {
      for (const [env, environment] of cell.environments) this.#compare(`${cell.name} ${env}`, env, environment.store)
      if (this.#random.chance(0.2)) await this.#checkManifests(cell.disk)
    }
    for (const follower of this.#edge()) {
      void follower.refresh()
      if (follower.replica !== null) this.#compareFollower(follower, follower.replica.store)
    }
    if (this.#random.chance(0.3)) await this.#checkManifests(this.#remote)
  }

  #compareFollower({ env }: Follower, store: Store): void {
    this.#compare(`edge ${env}`, env, store)
    const before = this.#followed.get(env) ?? -1
    if (store.revision() < before) this.#violate(`edge ${env} went back from revision ${before} to ${store.revision()}`)
    this.#followed.set(env, store.revision())
  }

  #compare(who: string, env: string, store: Store): void {
    const found = difference(store, known(this.#models.get(env), 'a model per environment'))
    if (found !== null) this.#violate(`${who} ${found}`)
  }

  #readHistory(): void {
    for (const [partition, entries] of this.#broker.history.entries()) {
      for (const entry of entries.slice(at(this.#read, partition))) known(this.#models.get(entry.env), 'a model per environment').add(entry)
      this.#read[partition] = entries.length
    }
  }

  /** What a manifest names is there. */
  async #checkManifests(objects: ObjectStore): Promise<void> {
    for (const { key } of await objects.list('')) {
      if (!key.endsWith('manifest.json')) continue
      const found = await objects.get(key)
      if (found === null || found === 'unchanged') continue
      const parts: Uint8Array[] = []
      for await (const chunk of found.chunks) parts.push(chunk)
      const manifest = parseManifest(Buffer.concat(parts))
      for (const entry of [...manifest.snapshots, ...manifest.deltas])
        if ((await objects.get(entry.key)) === null)
          this.#violate(`${objects.name}: the manifest of ${manifest.env} names ${entry.key}, which is missing`)
    }
  }

  /** No more faults: everyone catches up, a cell that starts from nothing included, and all agree. */
  async #heal(): Promise<void> {
    this.#healed = true
    this.#broker.downUntilMs = 0
    this.#remoteDownUntilMs = 0
    for (const cell of this.#cells) {
      cell.pause(0)
      if (cell.owner === null) cell.start()
    }
    const fresh = new SimulatedCell('fresh', this.#around)
    this.#cells.push(fresh)
    fresh.start()
    const caughtUp = (): boolean => {
      this.#readHistory()
      return this.#pending === 0 && this.#cells.every((cell) => this.#isAtHead(cell))
    }
    const inTime = await this.#time.until(caughtUp, HEAL_MS)
    if (!inTime)
      this.#violate(
        `not healed: ${this.#cells
          .filter((cell) => !this.#isAtHead(cell))
          .map((cell) => cell.name)
          .join()}, ${this.#pending} clients wait`,
      )
    await this.#check()
    await this.#checkManifests(this.#remote)
    for (const env of this.#existing()) {
      const hashes = new Set(this.#cells.flatMap((cell) => cell.environments.get(env)?.store.stateHash() ?? []))
      if (hashes.size > 1) this.#violate(`${env}: state hashes differ at the same revision`)
    }
    for (const [writeId, env] of this.#acknowledged)
      if (this.#models.get(env)?.tookEffect(writeId) !== true) this.#violate(`${env}: acknowledged write ${writeId} is lost`)
    const followed = await this.#time.until(() => {
      // What nobody waited for any more may still have come: a restore whose answer was lost.
      this.#readHistory()
      for (const follower of this.#edge()) void follower.refresh()
      return this.#edge().every(({ env, replica }) => replica?.store.revision() === this.#models.get(env)?.revision)
    }, HEAL_MS)
    if (!followed) this.#violate('the edge does not reach the head')
    await this.#check()
  }

  #isAtHead(cell: SimulatedCell): boolean {
    return this.#existing().every((env) => cell.environments.get(env)?.store.revision() === this.#models.get(env)?.revision)
  }

  /** It follows what the log says there is. */
  #edge(): readonly Follower[] {
    for (const env of this.#existing()) if (!this.#followers.has(env)) this.#followers.set(env, this.#follower(env))
    return [...this.#followers.values()]
  }

  #follower(env: string): Follower {
    return new Follower({
      env,
      objects: faultyStore({
        store: this.#remote,
        time: this.#time,
        random: this.#random,
        faults: this.#around.faults,
        down: this.#around.remoteDown,
      }),
      partition: () => this.#partitionOf(env),
      pool: instances,
      platform: simulatedPlatform(this.#around, 'edge'),
    })
  }

  #partitionOf(env: string): number | null {
    const partition = this.#broker.history.findIndex((entries) => entries.some((entry) => entry.env === env))
    return partition === -1 ? null : partition
  }

  /** Faults as long as nothing is healed. */
  #fading<F extends Readonly<Record<string, number>>>(faults: F): F {
    return new Proxy(faults, {
      get: (target, name) => (this.#healed && name !== 'delayMs' && name !== 'gaps' ? 0 : Reflect.get(target, name)),
    })
  }

  #count(what: string, work: () => unknown): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1
    if (what !== 'acknowledged' && what !== 'token read') this.#note(what)
    work()
  }

  #violate(what: string): void {
    this.#violations.add(what)
    this.#note(`VIOLATION ${what}`)
  }

  #note(line: string): void {
    if (this.#trace.length < MAX_TRACE) this.#trace.push(`${this.#time.nowMs} ${line}`)
  }
}

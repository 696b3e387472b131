/** The environments of an edge or fallback: loaded when they are asked for, dropped when memory is short, kept up to date. */

import { atMost } from '../snapshots/deadline.ts'
import type { Follower } from '../snapshots/follower.ts'
import type { Replica } from '../snapshots/replica.ts'
import { controlEnvironment, controlKeys, placedEnvironments, wasDeleted } from '../src/log/control.ts'
import { ApiError } from '../src/wire/api-error.ts'
import { EdgeEnvironment, type EdgeEnvironmentOptions } from './edge-environment.ts'
import { Elsewhere } from './elsewhere.ts'
import { Followed } from './followed.ts'
import type { KeyRing } from './keys.ts'
import type { Platform } from './platform.ts'
import type { Environments } from './service.ts'

export interface EdgeEnvironmentsOptions extends Omit<EdgeEnvironmentOptions, 'follower' | 'look'> {
  /** A follower that has not looked yet. */
  readonly follow: (env: string, partition: () => number | null) => Follower
  readonly keys: KeyRing
  /** The only environment that is served, or null. */
  readonly only: string | null
  /** Whether nothing is served before the keys of `control` are there. */
  readonly needsControl: boolean
  /** Not ready when an environment is older; null for never. */
  readonly readyStalenessMs: number | null
  /** Environments that look at the object store at the same time. */
  readonly looksAtOnce?: number
  /** Memory of the databases together: over it the least recently used go, all but one. */
  readonly maxBytes?: number
  readonly platform: Pick<Platform, 'log' | 'monotonicMs'>
}

interface Place {
  readonly followed: Followed
  environment: EdgeEnvironment | null
  /** Order of use. */
  used: number
  /** When a load was last begun, on the monotonic clock. */
  triedMs: number
}

const MAX_BYTES = 1024 ** 3
const LOOKS_AT_ONCE = 8

export class EdgeEnvironments implements Environments {
  readonly temporaryCount = 0
  readonly #options: EdgeEnvironmentsOptions
  readonly #control: Followed
  readonly #places = new Map<string, Place>()
  /** Numbers of the environments' partitions. */
  #partitions: ReadonlyMap<string, number> = new Map()
  /** Of the control replica that the keys were read from. */
  #controlPosition = ''
  #keysOf: Replica | null = null
  #uses = 0
  /** Uses when the last refresh began. */
  #usesBefore = 0

  constructor(options: EdgeEnvironmentsOptions) {
    this.#options = options
    this.#control = new Followed(() => options.follow(controlEnvironment, () => 0))
  }

  find(id: string): EdgeEnvironment | undefined {
    const place = this.#places.get(id)
    if (place === undefined || place.environment === null) return undefined
    place.used = ++this.#uses
    return place.environment
  }

  load(id: string): Promise<EdgeEnvironment> | undefined {
    return this.#isServed(id) ? this.#load(id) : undefined
  }

  createTemporary(): Promise<never> {
    return Promise.reject(new ApiError('not-found', 'test environments exist on development servers only'))
  }

  *all(): Iterable<EdgeEnvironment> {
    for (const { environment } of this.#places.values()) if (environment !== null) yield environment
  }

  /** Looks at the object store for `control` and every loaded environment, where requests do it for those that were asked for since the last time. Looks that are
   * under way are joined. Never rejects. */
  async refresh(): Promise<void> {
    await this.#control.look()
    this.#takeControl()
    const { onDemand, looksAtOnce = LOOKS_AT_ONCE } = this.#options
    const usesBefore = onDemand === undefined ? 0 : this.#usesBefore
    this.#usesBefore = this.#uses
    const places = [...this.#places.entries()].filter(([, { used }]) => used > usesBefore)
    for (let start = 0; start < places.length; start += looksAtOnce) {
      await Promise.all(places.slice(start, start + looksAtOnce).map(([id, place]) => this.#look(id, place)))
    }
    this.#dropOverMemory()
  }

  /** Whether a look is under way that somebody goes on with. */
  get isLooking(): boolean {
    return this.#control.isLooking || [...this.#places.values()].some(({ followed }) => followed.isLooking)
  }

  /** When the keys were last looked after, on the monotonic clock; null before that. */
  get lookedAtMs(): number | null {
    return this.#control.follower.lookedAtMs
  }

  /** Drops the environment that was asked for the longest ago, except the named one; false when there is none. */
  giveUp(except: string): boolean {
    const [oldest] = this.#byUse().filter(([id]) => id !== except)
    if (oldest === undefined) return false
    this.#options.platform.log('info', 'environment-dropped', { environment: oldest[0], reason: 'memory' })
    this.#drop(oldest[0])
    return true
  }

  /** Why this process should get no requests, or null. */
  problem(): string | null {
    const { only } = this.#options
    const ofKeys = this.problemOfKeys()
    if (ofKeys !== null) return ofKeys
    if (only !== null && this.find(only) === undefined) return 'the environment is not loaded'
    const counted = [this.#control, ...[...this.#places.values()].filter((place) => this.#isSettled(place)).map(({ followed }) => followed)]
    return counted.map(({ follower }) => this.#problemOf(follower)).find((problem) => problem !== null) ?? null
  }

  /** Why no key can be told good from bad yet, or null. */
  problemOfKeys(): string | null {
    return this.#options.needsControl && this.#control.follower.replica === null ? 'the keys are not loaded' : null
  }

  /** Why nothing could be loaded; null when it was. */
  loadProblem(id: string): string | null {
    const follower = id === controlEnvironment ? this.#control.follower : this.follower(id)
    return follower?.replica ? null : (follower?.problem ?? 'it was not tried')
  }

  follower(id: string): Follower | undefined {
    return this.#places.get(id)?.followed.follower
  }

  close(): void {
    this.#control.close()
    for (const { followed } of this.#places.values()) followed.close()
    this.#places.clear()
  }

  async #look(id: string, place: Place): Promise<void> {
    await place.followed.look()
    const { follower } = place.followed
    // It may have been dropped meanwhile.
    if (this.#places.get(id) !== place || follower.replica === null) return
    if (place.environment?.follower === follower) return
    place.environment = new EdgeEnvironment({ ...this.#options, follower, look: () => this.#look(id, place) })
  }

  async #load(id: string): Promise<EdgeEnvironment> {
    const place = this.#places.get(id) ?? this.#open(id)
    const { refreshMs, onDemand, platform } = this.#options
    // Whoever asks for what is not there must not make this process ask for it more often than it would by itself.
    if (place.triedMs + refreshMs <= platform.monotonicMs() || place.followed.isLooking) {
      place.triedMs = platform.monotonicMs()
      const looked = this.#look(id, place)
      await (onDemand === undefined ? looked : atMost(looked, onDemand.loadWaitMs))
    }
    const environment = this.find(id)
    if (environment === undefined) throw notLoaded(place.followed.follower)
    this.#dropOverMemory()
    return environment
  }

  #open(id: string): Place {
    const followed = new Followed(() => this.#options.follow(id, () => this.#partitions.get(id) ?? null))
    const place: Place = { followed, environment: null, used: ++this.#uses, triedMs: Number.NEGATIVE_INFINITY }
    this.#places.set(id, place)
    return place
  }

  /** Whoever comes this far has a key of it. */
  #isServed(id: string): boolean {
    const { only } = this.#options
    return id !== controlEnvironment && (only === null || only === id)
  }

  /** Keys and partitions, when `control` has changed; what was deleted goes. */
  #takeControl(): void {
    const { replica } = this.#control.follower
    if (replica === null || (replica === this.#keysOf && replica.position === this.#controlPosition)) return
    const { keys, only } = this.#options
    const { store } = replica
    keys.follow(
      controlKeys(store).filter(({ environment }) => only === null || environment === only),
      // Asked for every key that is presented for the first time; the store may be another one by then.
      (id) => wasDeleted((this.#control.follower.replica ?? replica).store, id),
    )
    this.#partitions = new Map(placedEnvironments(store).map(({ id, partition }) => [id, partition]))
    for (const id of this.#places.keys()) if (wasDeleted(store, id)) this.#drop(id)
    this.#controlPosition = replica.position
    this.#keysOf = replica
  }

  #dropOverMemory(): void {
    const { maxBytes = MAX_BYTES, platform } = this.#options
    const loaded = this.#byUse()
    let bytes = loaded.reduce((sum, [, { environment }]) => sum + (environment?.store.database.memoryBytes() ?? 0), 0)
    for (const [id, { environment }] of loaded.slice(0, -1)) {
      if (bytes <= maxBytes) return
      bytes -= environment?.store.database.memoryBytes() ?? 0
      platform.log('info', 'environment-dropped', { environment: id, reason: 'memory' })
      this.#drop(id)
    }
  }

  /** Those that are loaded, the one that was asked for the longest ago first. */
  #byUse(): readonly (readonly [string, Place])[] {
    return [...this.#places].filter(([, { environment }]) => environment !== null).toSorted(([, a], [, b]) => a.used - b.used)
  }

  /** Requests in flight end on it. */
  #drop(id: string): void {
    this.#places.get(id)?.followed.close()
    this.#places.delete(id)
  }

  /** An environment that somebody asked for a moment ago has not seen a heartbeat change: that is no reason to take the whole process out of service. */
  #isSettled({ followed: { follower }, triedMs }: Place): boolean {
    const { only, readyStalenessMs, platform } = this.#options
    return only !== null || follower.stalenessMs() !== null || platform.monotonicMs() - triedMs > (readyStalenessMs ?? 0)
  }

  #problemOf(follower: Follower): string | null {
    const { replica } = follower
    if (replica === null) return null
    if (replica.problem !== null) return replica.problem
    const { readyStalenessMs } = this.#options
    const stalenessMs = follower.stalenessMs()
    if (stalenessMs === null) return 'it is not known yet how old the state is'
    return readyStalenessMs !== null && stalenessMs > readyStalenessMs ? `the state is ${stalenessMs} ms old` : null
  }
}

const notLoaded = (follower: Follower): Elsewhere =>
  follower.lacksMemory
    ? new Elsewhere('memory', 'not-ready', 'the environment of this key needs more memory than this node has for it')
    : new Elsewhere('not-loaded', 'not-ready', 'the environment of this key cannot be loaded at the moment')

/** The environments of an edge or fallback: loaded when they are asked for, dropped when memory is short, kept up to date. */

import type { Follower } from '../snapshots/follower.ts'
import { controlEnvironment, controlKeys, placedEnvironments, wasDeleted } from '../src/log/control.ts'
import { ApiError } from '../src/wire/api-error.ts'
import { EdgeEnvironment, type EdgeEnvironmentOptions } from './edge-environment.ts'
import type { KeyRing } from './keys.ts'
import type { Platform } from './platform.ts'
import type { Environments } from './service.ts'

export interface EdgeEnvironmentsOptions extends Omit<EdgeEnvironmentOptions, 'follower'> {
  /** A follower that has not looked yet. */
  readonly follow: (env: string, partition: () => number | null) => Follower
  readonly keys: KeyRing
  /** The only environment that is served, or null. */
  readonly only: string | null
  /** Whether nothing is served before the keys of `control` are there. */
  readonly needsControl: boolean
  /** Not ready when an environment is older; null for never. */
  readonly readyStalenessMs: number | null
  /** Between two looks at the object store. */
  readonly refreshMs: number
  /** Memory of the databases together: over it the least recently used go, all but one. */
  readonly maxBytes?: number
  readonly platform: Pick<Platform, 'log' | 'monotonicMs'>
}

interface Place {
  readonly follower: Follower
  environment: EdgeEnvironment | null
  /** Order of use. */
  used: number
  /** When a load was last begun, on the monotonic clock. */
  triedMs: number
}

const MAX_BYTES = 1024 ** 3
/** Environments that look at the object store at the same time. */
const AT_ONCE = 8

export class EdgeEnvironments implements Environments {
  readonly temporaryCount = 0
  readonly #options: EdgeEnvironmentsOptions
  readonly #control: Follower
  readonly #places = new Map<string, Place>()
  /** Numbers of the environments' partitions. */
  #partitions: ReadonlyMap<string, number> = new Map()
  /** Of the control replica that the keys were read from. */
  #controlPosition = ''
  #uses = 0
  #refreshing: Promise<void> | null = null

  constructor(options: EdgeEnvironmentsOptions) {
    this.#options = options
    this.#control = options.follow(controlEnvironment, () => 0)
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

  /** Looks at the object store for `control` and every loaded environment; a look that is under way is joined. Never rejects. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  /** Why this process should get no requests, or null. */
  problem(): string | null {
    const { only } = this.#options
    const ofKeys = this.problemOfKeys()
    if (ofKeys !== null) return ofKeys
    if (only !== null && this.find(only) === undefined) return 'the environment is not loaded'
    const counted = [this.#control, ...[...this.#places.values()].filter((place) => this.#isSettled(place)).map(({ follower }) => follower)]
    return counted.map((follower) => this.#problemOf(follower)).find((problem) => problem !== null) ?? null
  }

  /** Why no key can be told good from bad yet, or null. */
  problemOfKeys(): string | null {
    return this.#options.needsControl && this.#control.replica === null ? 'the keys are not loaded' : null
  }

  /** Why nothing could be loaded; null when it was. */
  loadProblem(id: string): string | null {
    const follower = id === controlEnvironment ? this.#control : this.#places.get(id)?.follower
    return follower?.replica ? null : (follower?.problem ?? 'it was not tried')
  }

  follower(id: string): Follower | undefined {
    return this.#places.get(id)?.follower
  }

  close(): void {
    this.#control.close()
    for (const { follower } of this.#places.values()) follower.close()
    this.#places.clear()
  }

  async #refresh(): Promise<void> {
    await this.#control.refresh()
    this.#takeControl()
    const places = [...this.#places.entries()]
    for (let start = 0; start < places.length; start += AT_ONCE) {
      await Promise.all(places.slice(start, start + AT_ONCE).map(([id, place]) => this.#look(id, place)))
    }
    this.#dropOverMemory()
  }

  async #look(id: string, place: Place): Promise<void> {
    await place.follower.refresh()
    // It may have been dropped meanwhile.
    if (this.#places.get(id) !== place || place.follower.replica === null) return
    place.environment ??= new EdgeEnvironment({ ...this.#options, follower: place.follower })
  }

  async #load(id: string): Promise<EdgeEnvironment> {
    const place = this.#places.get(id) ?? this.#open(id)
    const { monotonicMs } = this.#options.platform
    // Whoever asks for what is not there must not make this process ask for it more often than it would by itself.
    if (place.triedMs + this.#options.refreshMs <= monotonicMs() || place.follower.isLooking) {
      place.triedMs = monotonicMs()
      await this.#look(id, place)
    }
    const environment = this.find(id)
    if (environment === undefined) throw new ApiError('not-ready', 'the environment of this key cannot be loaded at the moment')
    this.#dropOverMemory()
    return environment
  }

  #open(id: string): Place {
    const follower = this.#options.follow(id, () => this.#partitions.get(id) ?? null)
    const place: Place = { follower, environment: null, used: ++this.#uses, triedMs: Number.NEGATIVE_INFINITY }
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
    const { replica } = this.#control
    if (replica === null || replica.position === this.#controlPosition) return
    const { keys, only } = this.#options
    const { store } = replica
    keys.follow(
      controlKeys(store).filter(({ environment }) => only === null || environment === only),
      // Asked for every key that is presented for the first time; the replica may have been swapped by then.
      (id) => wasDeleted(replica.store, id),
    )
    this.#partitions = new Map(placedEnvironments(store).map(({ id, partition }) => [id, partition]))
    for (const id of this.#places.keys()) if (wasDeleted(store, id)) this.#drop(id)
    this.#controlPosition = replica.position
  }

  #dropOverMemory(): void {
    const { maxBytes = MAX_BYTES, platform } = this.#options
    const loaded = [...this.#places].filter(([, { environment }]) => environment !== null).toSorted(([, a], [, b]) => a.used - b.used)
    let bytes = loaded.reduce((sum, [, { environment }]) => sum + (environment?.store.database.memoryBytes() ?? 0), 0)
    for (const [id, { environment }] of loaded.slice(0, -1)) {
      if (bytes <= maxBytes) return
      bytes -= environment?.store.database.memoryBytes() ?? 0
      platform.log('info', 'environment-dropped', { environment: id, reason: 'memory' })
      this.#drop(id)
    }
  }

  /** Requests in flight end on it. */
  #drop(id: string): void {
    this.#places.get(id)?.follower.close()
    this.#places.delete(id)
  }

  /** An environment that somebody asked for a moment ago has not seen a heartbeat change: that is no reason to take the whole process out of service. */
  #isSettled({ follower, triedMs }: Place): boolean {
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

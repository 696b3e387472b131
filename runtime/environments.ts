/** Every environment of this process, each with its own database: while memory is short, those that nobody uses leave it until they are asked for. */
import type { StorePool } from '../snapshots/store-pool.ts'
import { Turns } from '../snapshots/turns.ts'
import { limits } from '../src/base/limits.ts'
import { controlEnvironment } from '../src/log/control.ts'
import { LogError } from '../src/log/log.ts'
import { ApiError } from '../src/wire/api-error.ts'
import { CellEnvironment, type CellEnvironmentOptions } from './environment.ts'
import { failureFields } from './failure-fields.ts'
import { leastUsed } from './least-used.ts'
import type { Environments } from './service.ts'

export interface EnvironmentsOptions extends Omit<CellEnvironmentOptions, 'id'> {
  readonly pool: StorePool
  /** Not ready when an environment is staler, or nobody knows how stale it is; 0: never for that. */
  readonly readyStalenessMs: number
  /** Of the databases together: over it those go that nobody uses. */
  readonly memoryMib: number
  /** Reads of an older state, or of one of unknown age, are refused; 0: none is. */
  readonly maxStalenessMs?: number
  /** How long nobody must have used one that goes. */
  readonly idleMs?: number
}

interface Loaded {
  readonly environment: CellEnvironment
  readonly isTemporary: boolean
  /** When it was last asked for, on the monotonic clock. */
  usedMs: number
}

type Starting = Partial<Pick<Loaded, 'isTemporary'>> & Pick<CellEnvironmentOptions, 'imageWaitMs'>

export class ReplicaSet implements Environments {
  readonly #options: EnvironmentsOptions
  readonly #open = new Map<string, Loaded>()
  /** Not there yet; whoever was dropped meanwhile is in here no more. */
  readonly #opening = new Map<string, Promise<CellEnvironment>>()
  /** Not in memory until somebody asks for them. */
  readonly #idle = new Set<string>()
  readonly #turns = new Turns(limits.environmentsOpening)
  #isClosed = false
  temporaryCount = 0
  /** How often one was loaded again. */
  reloads = 0

  constructor(options: EnvironmentsOptions) {
    this.#options = options
  }

  get idleCount(): number {
    return this.#idle.size
  }

  find(id: string): CellEnvironment | undefined {
    const loaded = this.#open.get(id)
    if (loaded === undefined) return undefined
    loaded.usedMs = this.#options.platform.monotonicMs()
    return loaded.environment
  }

  /** Whether it answers, now or as soon as it is asked. */
  serves(id: string): boolean {
    return this.#open.has(id) || this.#idle.has(id)
  }

  ids(): readonly string[] {
    return [...this.#open.keys(), ...this.#idle]
  }

  all(): Iterable<CellEnvironment> {
    return Array.from(this.#open.values(), ({ environment }) => environment)
  }

  /** Of the databases that are loaded. */
  memoryBytes(): number {
    return Array.from(this.all(), bytesOf).reduce((sum, bytes) => sum + bytes, 0)
  }

  /** Opens an environment of the log, made if it is missing; resolves when it has caught up, or without a replicator with what is stored. */
  async open(id: string): Promise<CellEnvironment> {
    await this.#create(id)
    return this.#start(id)
  }

  /** The same for one of many: while memory is short it is left to whoever asks for it. */
  async serve(id: string): Promise<void> {
    await this.#create(id)
    if (this.memoryBytes() <= this.#maxBytes()) await this.#start(id)
    else if (!this.#isClosed && !this.serves(id)) this.#idle.add(id)
  }

  load(id: string): Promise<CellEnvironment> | undefined {
    return this.#idle.has(id) ? this.#load(id) : undefined
  }

  async createTemporary(id: string): Promise<CellEnvironment> {
    // Counted before the first wait, so that requests at the same time cannot pass the bound together.
    this.temporaryCount++
    try {
      await this.#options.replicator.createEnvironment(id, { ephemeral: true })
      return await this.#start(id, { isTemporary: true })
    } catch (error) {
      this.temporaryCount--
      throw error
    }
  }

  /** None finds it from now on; requests in flight end on it. */
  drop(id: string): void {
    this.#opening.delete(id)
    this.#idle.delete(id)
    const loaded = this.#open.get(id)
    this.#open.delete(id)
    loaded?.environment.close()
  }

  /** Drops from memory what nobody uses, as far as memory is short. What cannot be had again at once stays. */
  dropIdle(): void {
    const { platform, idleMs = limits.environmentIdleMs } = this.#options
    const nowMs = platform.monotonicMs()
    const inMemory = Array.from(this.#open, ([id, { environment, isTemporary, usedMs }]) => ({
      id,
      usedAt: usedMs,
      bytes: bytesOf(environment),
      canGo: id !== controlEnvironment && !isTemporary && nowMs - usedMs >= idleMs && environment.isDispensable,
    }))
    for (const id of leastUsed(inMemory, this.#maxBytes())) {
      platform.log('info', 'environment-unloaded', { environment: id, reason: 'memory' })
      this.drop(id)
      this.#idle.add(id)
    }
  }

  /** Why this process should get no requests, or null. */
  problem(): string | null {
    const { readyStalenessMs } = this.#options
    for (const { environment } of this.#open.values()) {
      if (environment.problem !== null) return environment.problem
      const stalenessMs = environment.stalenessMs()
      if (readyStalenessMs === 0) continue
      if (stalenessMs === null) return 'an environment has not reached the head of the log yet'
      if (stalenessMs > readyStalenessMs) return `an environment is ${stalenessMs} ms behind the log`
    }
    return null
  }

  close(): void {
    this.#isClosed = true
    for (const id of this.ids()) this.drop(id)
  }

  #maxBytes(): number {
    return this.#options.memoryMib * 1024 ** 2
  }

  async #create(id: string): Promise<void> {
    try {
      await this.#options.replicator.createEnvironment(id)
    } catch (error) {
      if (this.#options.stored === undefined || !(error instanceof LogError) || error.code !== 'unavailable') throw error
    }
  }

  /** Rejects with ApiError 503; the next one who asks tries again. */
  async #load(id: string): Promise<CellEnvironment> {
    try {
      const environment = await this.#start(id, { imageWaitMs: limits.imageWaitMs })
      await this.#ageOf(environment)
      if (this.#open.get(id)?.environment === environment) return environment
    } catch (error) {
      this.#options.platform.log('error', 'environment-not-loaded', { ...failureFields(error), environment: id, automatic: true })
    }
    throw new ApiError('not-ready', 'the environment of this key cannot be loaded at the moment')
  }

  /** Behind a fence a state of unknown age answers nothing: its replicator tells the age a moment after the head was reached. */
  async #ageOf(environment: CellEnvironment): Promise<void> {
    const { maxStalenessMs = 0, platform } = this.#options
    const untilMs = platform.monotonicMs() + limits.ageWaitMs
    while (maxStalenessMs > 0 && environment.stalenessMs() === null && platform.monotonicMs() < untilMs)
      await new Promise((resolve) => {
        setTimeout(resolve, AGE_STEP_MS)
      })
  }

  async #start(id: string, { isTemporary = false, ...bounds }: Starting = {}): Promise<CellEnvironment> {
    const open = this.#open.get(id)?.environment ?? this.#opening.get(id)
    if (open !== undefined) return open
    const opening = this.#turns.run(() => CellEnvironment.open({ ...this.#options, ...bounds, id }))
    this.#opening.set(id, opening)
    try {
      const environment = await opening
      if (this.#isClosed || this.#opening.get(id) !== opening) environment.close()
      else {
        this.#open.set(id, { environment, isTemporary, usedMs: this.#options.platform.monotonicMs() })
        if (this.#idle.delete(id)) this.reloads++
      }
      return environment
    } finally {
      if (this.#opening.get(id) === opening) this.#opening.delete(id)
    }
  }
}

const AGE_STEP_MS = 10

const bytesOf = ({ store }: CellEnvironment): number => store.database.memoryBytes()

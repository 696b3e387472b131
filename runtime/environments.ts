/** Every environment of this process, each with its own database. */
import type { StorePool } from '../snapshots/store-pool.ts'
import { LogError } from '../src/log/log.ts'
import { CellEnvironment, type CellEnvironmentOptions } from './environment.ts'
import type { Environments } from './service.ts'

export interface EnvironmentsOptions extends Omit<CellEnvironmentOptions, 'id'> {
  readonly pool: StorePool
  /** Not ready when an environment is staler, or nobody knows how stale it is; 0: never for that. */
  readonly readyStalenessMs: number
}

export class ReplicaSet implements Environments {
  readonly #options: EnvironmentsOptions
  readonly #open = new Map<string, CellEnvironment>()
  /** Not there yet; whoever was dropped meanwhile is in here no more. */
  readonly #opening = new Map<string, Promise<CellEnvironment>>()
  #isClosed = false
  temporaryCount = 0

  constructor(options: EnvironmentsOptions) {
    this.#options = options
  }

  find(id: string): CellEnvironment | undefined {
    return this.#open.get(id)
  }

  all(): Iterable<CellEnvironment> {
    return this.#open.values()
  }

  /** Opens an environment of the log, made if it is missing; resolves when it has caught up, or without a replicator with what is stored. */
  async open(id: string): Promise<CellEnvironment> {
    try {
      await this.#options.replicator.createEnvironment(id)
    } catch (error) {
      if (this.#options.stored === undefined || !(error instanceof LogError) || error.code !== 'unavailable') throw error
    }
    return this.#start(id)
  }

  async createTemporary(id: string): Promise<CellEnvironment> {
    // Counted before the first wait, so that requests at the same time cannot pass the bound together.
    this.temporaryCount++
    try {
      await this.#options.replicator.createEnvironment(id, { ephemeral: true })
      return await this.#start(id)
    } catch (error) {
      this.temporaryCount--
      throw error
    }
  }

  /** None finds it from now on; requests in flight end on it. */
  drop(id: string): void {
    this.#opening.delete(id)
    const environment = this.#open.get(id)
    this.#open.delete(id)
    environment?.close()
  }

  /** Why this process should get no requests, or null. */
  problem(): string | null {
    const { readyStalenessMs } = this.#options
    for (const environment of this.#open.values()) {
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
    for (const id of this.#open.keys()) this.drop(id)
  }

  async #start(id: string): Promise<CellEnvironment> {
    const open = this.#open.get(id) ?? this.#opening.get(id)
    if (open !== undefined) return open
    const opening = CellEnvironment.open({ ...this.#options, id })
    this.#opening.set(id, opening)
    try {
      const environment = await opening
      if (this.#isClosed || this.#opening.get(id) !== opening) environment.close()
      else this.#open.set(id, environment)
      return environment
    } finally {
      if (this.#opening.get(id) === opening) this.#opening.delete(id)
    }
  }
}

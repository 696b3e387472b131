/** Every environment of this process, each with its own database. */
import type { InnerReplicator } from '../src/log/inner.ts'
import type { Store } from '../src/store/facts.ts'
import { Replica, type ReplicaOptions } from './environment.ts'
import type { Environments } from './service.ts'

export interface EnvironmentsOptions extends Pick<ReplicaOptions, 'replicator' | 'platform' | 'appliedWaitMs' | 'appendTimeoutMs'> {
  readonly replicator: InnerReplicator
  /** A store over an empty database of its own. */
  readonly createStore: () => Store
}

export class ReplicaSet implements Environments {
  readonly #options: EnvironmentsOptions
  readonly #replicas = new Map<string, Replica>()
  temporaryCount = 0

  constructor(options: EnvironmentsOptions) {
    this.#options = options
  }

  find(id: string): Replica | undefined {
    return this.#replicas.get(id)
  }

  all(): Iterable<Replica> {
    return this.#replicas.values()
  }

  /** Opens an environment of the log, made if it is missing; resolves when it has caught up. */
  async open(id: string): Promise<Replica> {
    await this.#options.replicator.createEnvironment(id)
    return this.#start(id)
  }

  async createTemporary(id: string): Promise<Replica> {
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

  /** Why this process should get no requests, or null. */
  problem(): string | null {
    for (const replica of this.#replicas.values()) {
      if (replica.tailProblem !== null) return 'an environment does not follow the log any more'
      if (replica.problem !== null) return replica.problem
    }
    return null
  }

  close(): void {
    for (const replica of this.#replicas.values()) replica.close()
    this.#replicas.clear()
  }

  async #start(id: string): Promise<Replica> {
    const { createStore, ...options } = this.#options
    const status = (await options.replicator.environments()).find(({ env }) => env === id)
    const replica = new Replica({ ...options, id, store: createStore() })
    await replica.start(status?.last ?? 0)
    this.#replicas.set(id, replica)
    return replica
  }
}

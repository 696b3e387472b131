/** An environment of an edge or fallback: answers from a replica that an object store feeds, and writes nothing. */
import type { Follower } from '../snapshots/follower.ts'
import type { Replica } from '../snapshots/replica.ts'
import { known } from '../src/base/assert.ts'
import type { CheckedPolicy } from '../src/check/core.ts'
import type { Engine } from '../src/engine/engine.ts'
import type { Store } from '../src/store/facts.ts'
import { ApiError } from '../src/wire/api-error.ts'
import type { Position } from '../src/wire/position.ts'
import type { Environment, Service, Written } from './service.ts'

export interface EdgeEnvironmentOptions {
  /** Has a replica. */
  readonly follower: Follower
  readonly kind: Exclude<Service['kind'], 'cell'>
  /** Whether reads that this replica is too old for have somewhere else to go. */
  readonly hasOrigin: boolean
}

export class EdgeEnvironment implements Environment {
  readonly id: string
  readonly #options: EdgeEnvironmentOptions
  readonly #replica: Replica

  constructor(options: EdgeEnvironmentOptions) {
    this.id = options.follower.env
    this.#options = options
    this.#replica = known(options.follower.replica, 'a follower that has loaded')
  }

  get store(): Store {
    return this.#replica.store
  }

  get policy(): CheckedPolicy {
    return this.#replica.policy
  }

  get engine(): Engine {
    return this.#replica.engine
  }

  get position(): string {
    return this.#replica.position
  }

  get through(): number {
    return this.#replica.through
  }

  get acknowledged(): string {
    return this.#replica.position
  }

  get problem(): string | null {
    return this.#replica.problem
  }

  stalenessMs(): number | null {
    return this.#options.follower.stalenessMs()
  }

  reach({ logId, revision }: Position, timeoutMs: number): true | Promise<boolean> {
    // A fallback is asked when nothing else answers: it gives what it has.
    if (this.#options.kind === 'fallback' || logId !== this.#replica.order) return true
    const reached = this.#replica.reach(revision, timeoutMs)
    return reached === true ? true : this.#reachByLooking(revision, reached)
  }

  expectPolicy(): void {
    // Policies come by the object store only.
  }

  write(): Promise<Written> {
    return Promise.reject(new ApiError('read-only', 'this process takes no writes'))
  }

  hold(): () => void {
    return this.#replica.enter()
  }

  /** Looks at the object store at once; where there is an origin, one look is all. */
  async #reachByLooking(revision: number, reached: Promise<boolean>): Promise<boolean> {
    const looked = this.#options.follower.refresh().then(() => this.#replica.revision >= revision)
    return this.#options.hasOrigin ? Promise.race([reached, looked]) : reached
  }
}

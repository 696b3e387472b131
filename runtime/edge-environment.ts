/** An environment of an edge or fallback: answers from a replica that an object store feeds, and writes nothing. */
import { atMost, wait } from '../snapshots/deadline.ts'
import type { Follower } from '../snapshots/follower.ts'
import { known } from '../src/base/assert.ts'
import { ApiError } from '../src/wire/api-error.ts'
import type { Position } from '../src/wire/position.ts'
import type { Platform } from './platform.ts'
import { ReplicaEnvironment } from './replica-environment.ts'
import type { Environment, Service, Written } from './service.ts'

/** Looks are made by requests, which may be cut off, and not by a loop of the process. */
export interface OnDemand {
  /** A state that nobody looked after for so long is looked after before it answers. */
  readonly idleMs: number
  /** Longest wait of a request for what it asks for to be loaded. */
  readonly loadWaitMs: number
  /** No more than this for all databases: what needs more is answered by the origin. */
  readonly hasLittleMemory: boolean
}

export interface EdgeEnvironmentOptions {
  /** Has a replica. */
  readonly follower: Follower
  /** Looks at the object store. Never rejects. */
  readonly look: () => Promise<void>
  readonly kind: Exclude<Service['kind'], 'cell'>
  /** Whether reads that this replica is too old for have somewhere else to go. */
  readonly hasOrigin: boolean
  /** Between two looks at the object store. */
  readonly refreshMs: number
  readonly onDemand?: OnDemand
  readonly platform: Pick<Platform, 'monotonicMs'>
}

export class EdgeEnvironment extends ReplicaEnvironment implements Environment {
  readonly #options: EdgeEnvironmentOptions
  /** When a request waited for a look in vain: the others need not. */
  #gaveUpMs = Number.NEGATIVE_INFINITY

  constructor(options: EdgeEnvironmentOptions) {
    super(known(options.follower.replica, 'a follower that has loaded'))
    this.#options = options
  }

  get follower(): Follower {
    return this.#options.follower
  }

  get acknowledged(): string {
    return this.position
  }

  stalenessMs(): number | null {
    return this.#options.follower.stalenessMs()
  }

  get isCramped(): boolean {
    return this.#options.follower.lacksMemory
  }

  get hasLittleMemory(): boolean {
    return this.#options.onDemand?.hasLittleMemory ?? false
  }

  reach({ logId, revision }: Position, timeoutMs: number): true | Promise<boolean> {
    // A fallback is asked when nothing else answers: it gives what it has.
    if (this.#options.kind === 'fallback' || logId !== this.replica.order) return true
    const reached = this.replica.reach(revision, timeoutMs)
    return reached === true ? true : this.#reachByLooking(revision, reached)
  }

  freshen(maxStalenessMs: number | null, timeoutMs: number): true | Promise<void> {
    const { follower, onDemand, refreshMs, platform } = this.#options
    if (onDemand === undefined) return true
    const nowMs = platform.monotonicMs()
    const unlookedMs = nowMs - (follower.lookedAtMs ?? Number.NEGATIVE_INFINITY)
    const stalenessMs = this.stalenessMs()
    const isYoung = maxStalenessMs === null || (stalenessMs !== null && stalenessMs <= maxStalenessMs)
    // What the look of a moment ago did not bring, another one does not bring either.
    if (unlookedMs < refreshMs || (unlookedMs <= onDemand.idleMs && isYoung) || nowMs - this.#gaveUpMs < onDemand.idleMs) return true
    return this.#waitForLook(timeoutMs)
  }

  async #waitForLook(timeoutMs: number): Promise<void> {
    const state = { isDone: false }
    await atMost(
      this.#options.look().finally(() => (state.isDone = true)),
      timeoutMs,
    )
    if (!state.isDone) this.#gaveUpMs = this.#options.platform.monotonicMs()
  }

  expectPolicy(): void {
    // Policies come by the object store only.
  }

  write(): Promise<Written> {
    return Promise.reject(new ApiError('read-only', 'this process takes no writes'))
  }

  hold(): () => void {
    return this.replica.enter()
  }

  /** Looks at the object store at once; where there is an origin, that is all. */
  async #reachByLooking(revision: number, reached: Promise<boolean>): Promise<boolean> {
    const looked = this.#lookAfresh().then(() => this.replica.revision >= revision)
    if (this.#options.hasOrigin) return Promise.race([reached, looked])
    const over = { yet: (): boolean => false }
    const end = reached.finally(() => {
      over.yet = () => true
    })
    // Where a loop looks too, these looks are the same.
    const look = async (): Promise<void> => {
      for (let found = await looked; !found && !over.yet(); found = this.replica.revision >= revision) {
        await Promise.race([end, wait(this.#options.refreshMs)])
        if (!over.yet()) await Promise.race([end, this.#options.look()])
      }
    }
    await Promise.race([end, look()])
    return reached
  }

  /** A look that is under way may have begun before there was anything to see. */
  async #lookAfresh(): Promise<void> {
    const { follower, look } = this.#options
    if (follower.isLooking) await look()
    await look()
  }
}

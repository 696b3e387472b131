/** One environment of a cell: answers from a replica that follows the replicator, and turns API writes into records. */
import type { CompiledPolicy } from '../snapshots/compiled-policies.ts'
import { atMost, within } from '../snapshots/deadline.ts'
import { InFlight } from '../snapshots/in-flight.ts'
import type { Received } from '../snapshots/prepare-next.ts'
import { receiveImage } from '../snapshots/receive-image.ts'
import { Replica } from '../snapshots/replica.ts'
import { ImageError, type StorePool } from '../snapshots/store-pool.ts'
import type { InnerReplicator } from '../src/log/inner.ts'
import { LogError } from '../src/log/log.ts'
import type { RecordBody } from '../src/log/record.ts'
import { ApiError } from '../src/wire/api-error.ts'
import { formatPosition, type Position } from '../src/wire/position.ts'
import { failureFields } from './failure-fields.ts'
import { Following } from './following.ts'
import type { Platform } from './platform.ts'
import type { PolicyChecker, PolicyReport } from './policy-checker.ts'
import { ReplicaEnvironment } from './replica-environment.ts'
import type { Environment, Written } from './service.ts'

export interface CellEnvironmentOptions {
  readonly id: string
  readonly pool: StorePool
  readonly replicator: InnerReplicator
  readonly platform: Platform
  /** Longest wait of a durable write until it is applied here. */
  readonly appliedWaitMs: number
  /** Longest wait for the log. */
  readonly appendTimeoutMs: number
  /** Compiles the policies of images away from this thread. */
  readonly policies?: PolicyChecker
  /** A state from elsewhere, for a start while the replicator does not answer; null when there is none. */
  readonly stored?: (id: string) => Promise<Received | null>
  /** Longest wait for the replicator's image, where a state from elsewhere can take its place; by default there is no such bound. */
  readonly imageWaitMs?: number
  /** Milliseconds from append to here, of each push that was applied. */
  readonly applied?: (lagMs: number) => void
}

/** Wait for the head, in ms, when the replicator did not give an image. */
const HEAD_WAIT_MS = 500

export class CellEnvironment extends ReplicaEnvironment implements Environment {
  readonly #options: CellEnvironmentOptions
  readonly #following: Following
  readonly #holders = new InFlight()
  /** Requests that are in flight on it. */
  #held = 0
  /** Last revision that a write here was told. */
  #told = -1

  /** Resolves when everything that the log holds is applied and its policy is active; without a replicator, when a state from elsewhere is. Rejects when there is
   * nothing to serve. */
  static async open(options: CellEnvironmentOptions): Promise<CellEnvironment> {
    const { state, failure } = await firstState(options)
    const environment = new CellEnvironment(options, state)
    if (failure !== null) environment.#following.suspect(failure)
    const waitMs = state === null ? null : headWaitMs(options, failure)
    const start = environment.#following.start()
    const ended = await (waitMs === null ? start : atMost(start, waitMs))
    if (ended !== null && state === null && environment.problem === null) {
      environment.close()
      throw ended
    }
    environment.replica.start()
    environment.#following.wantIndexes()
    return environment
  }

  private constructor(options: CellEnvironmentOptions, first: Received | null) {
    const { id, pool, platform, policies } = options
    const compile = policies === undefined ? {} : { compile: compileWith(policies) }
    super(new Replica({ id, pool, platform, ...first, ...compile }))
    this.#options = options
    this.#following = new Following({ ...options, replica: this.replica })
  }

  get acknowledged(): string {
    return formatPosition(this.replica.order, Math.max(this.#told, this.replica.revision))
  }

  override get problem(): string | null {
    return this.#following.problem ?? super.problem
  }

  expectPolicy(compiled: CompiledPolicy): void {
    this.replica.expectPolicy(compiled)
  }

  stalenessMs(): number | null {
    const stalenessMs = this.#following.stalenessMs()
    return stalenessMs === null ? null : Math.round(stalenessMs)
  }

  reach({ logId, revision }: Position, timeoutMs: number): true | Promise<boolean> {
    return logId === this.replica.order ? this.replica.reach(revision, timeoutMs) : true
  }

  async write(body: RecordBody, writeId: string): Promise<Written> {
    const { replicator, appendTimeoutMs, appliedWaitMs } = this.#options
    const unanswered = (): LogError => new LogError('unknown-outcome', 'the log did not answer in time')
    const { revision, applied } = await within(() => replicator.append(this.id, body, writeId), appendTimeoutMs, unanswered)
    this.#told = Math.max(this.#told, revision)
    const appliedHere = await this.replica.reach(revision, appliedWaitMs)
    return { offset: formatPosition(this.replica.order, revision), applied: applied && appliedHere }
  }

  /** Whether it can be dropped and had again at once: nobody holds it, and its replicator answers. */
  get isDispensable(): boolean {
    return this.#held === 0 && this.problem === null && this.#following.follows
  }

  hold(): () => void {
    const leave = this.#holders.enter()
    this.#held++
    return () => {
      this.#held--
      leave()
    }
  }

  enter(): () => void {
    return this.replica.enter()
  }

  /** Follows no more; who holds it is answered before its memory is given back. */
  close(): void {
    this.#following.close()
    this.#holders.whenLeft(() => this.replica.close())
  }
}

/** How long a state waits for the head of the log; null: as long as it takes. The tail of a replicator that was there a moment ago waits for it to come back. */
const headWaitMs = ({ imageWaitMs }: CellEnvironmentOptions, failure: Error | null): number | null => {
  if (imageWaitMs === undefined) return null
  return failure === null ? imageWaitMs : HEAD_WAIT_MS
}

interface FirstState {
  /** Null: begin at the log's first record. */
  readonly state: Received | null
  /** Why the replicator has no state for this environment that could be served. */
  readonly failure: Error | null
}

/** What the replicator holds, or else what is stored. An environment that cannot be served is there and says so; one that could not be asked for is not. */
const firstState = async (options: CellEnvironmentOptions): Promise<FirstState> => {
  const { id, replicator, pool, platform, stored, imageWaitMs } = options
  try {
    const ask = () => replicator.snapshot(id)
    const tooSlow = (): LogError => new LogError('unavailable', `the replicator has not given an image for ${imageWaitMs ?? 0} ms`)
    const snapshot = await (stored === undefined || imageWaitMs === undefined ? ask() : within(ask, imageWaitMs, tooSlow))
    return { state: snapshot === null ? null : await receiveImage(snapshot, { env: id, pool, platform }), failure: null }
  } catch (error) {
    const state = (await stored?.(id)) ?? null
    const isUnavailable = error instanceof LogError && error.code === 'unavailable'
    if (state === null && (isUnavailable || !(error instanceof LogError || error instanceof ImageError))) throw error
    platform.log('warn', 'started-without-snapshot', { ...failureFields(error), environment: id, automatic: true })
    return { state, failure: error instanceof LogError ? error : null }
  }
}

const compileWith =
  (policies: PolicyChecker) =>
  async (source: string, filename: string | null): Promise<CompiledPolicy | null> => {
    const report = await checkIfPossible(policies, source, filename)
    if (report === null || report.kind === 'over-budget') return null
    return report.kind === 'checked' ? { source, policy: report.policy, indexes: report.indexes } : { source, policy: null, indexes: [] }
  }

/** Null when there is no checker at the moment. */
const checkIfPossible = async (policies: PolicyChecker, source: string, filename: string | null): Promise<PolicyReport | null> => {
  try {
    return await policies.check({ source, filename, runTests: false, failFast: false })
  } catch (error) {
    if (error instanceof ApiError) return null
    throw error
  }
}

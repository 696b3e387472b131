/** The replica of one environment: follows the replicator's tail, answers from its store, and turns API writes into records. */
import { limits } from '../src/base/limits.ts'
import type { CheckedPolicy } from '../src/check/core.ts'
import type { Engine } from '../src/engine/engine.ts'
import { apply, turns } from '../src/log/apply.ts'
import type { InnerReplicator } from '../src/log/inner.ts'
import { LogError, type RevisedRecord } from '../src/log/log.ts'
import type { RecordBody } from '../src/log/record.ts'
import type { Store } from '../src/store/facts.ts'
import { formatPosition, type Position } from '../src/wire/position.ts'
import { ActivePolicy } from './active-policy.ts'
import { pause } from './pause.ts'
import type { Platform } from './platform.ts'
import { Progress } from './progress.ts'
import type { CompiledPolicy, Environment, Written } from './service.ts'

export interface ReplicaOptions {
  readonly id: string
  readonly store: Store
  readonly replicator: InnerReplicator
  readonly platform: Platform
  /** Longest wait of a durable write until it is applied here. */
  readonly appliedWaitMs: number
  /** Longest wait for the log. */
  readonly appendTimeoutMs: number
}

export class Replica implements Environment {
  readonly id: string
  readonly store: Store
  /** `<order>:<revision>`. */
  position: string
  /** Last revision that a write here was told. */
  #told = -1
  readonly #options: ReplicaOptions
  readonly #policy: ActivePolicy
  readonly #progress: Progress
  /** Identifies the order of this environment's revisions: a token of another environment is foreign, like one of another log. */
  #order: string
  /** Pushed and not yet applied, while a large push is applied in turns. */
  #queue: RevisedRecord[] = []
  #draining: Promise<void> | null = null
  /** When this replica fell behind what was pushed, on the monotonic clock; null at the head. */
  #behindSinceMs: number | null = null
  #tailProblem: string | null = null
  #endTail: () => void = () => {}

  constructor(options: ReplicaOptions) {
    const { id, store } = options
    this.id = id
    this.store = store
    this.#options = options
    this.#policy = new ActivePolicy(store)
    this.#progress = new Progress(store.revision())
    this.#order = this.#orderOf(store.logId())
    this.position = formatPosition(this.#order, store.revision())
  }

  get acknowledged(): string {
    return formatPosition(this.#order, Math.max(this.#told, this.#progress.revision))
  }

  get policy(): CheckedPolicy {
    return this.#policy.policy
  }

  get engine(): Engine {
    return this.#policy.engine
  }

  expectPolicy(compiled: CompiledPolicy): void {
    this.#policy.expect(compiled)
  }

  get problem(): string | null {
    return this.#policy.problem
  }

  get tailProblem(): string | null {
    return this.#tailProblem
  }

  /** Follows the log; resolves when everything up to `head` is applied and its policy is active. Rejects when the log cannot be followed. */
  async start(head: number): Promise<void> {
    const failed = new Promise<never>((_, reject) => {
      this.#endTail = this.#options.replicator.tail(this.id, this.#progress.revision, {
        push: (records) => this.#take(records),
        failed: (error) => {
          this.#fail(error)
          reject(error instanceof Error ? error : new Error(String(error)))
        },
      })
    })
    // Afterwards a failure is a state, not an error of this call.
    failed.catch(() => {})
    await Promise.race([this.#progress.reach(head, null), failed])
    this.#policy.start()
  }

  stalenessMs(): number {
    return this.#behindSinceMs === null ? 0 : Math.round(this.#options.platform.monotonicMs() - this.#behindSinceMs)
  }

  reach({ logId, revision }: Position, timeoutMs: number): true | Promise<boolean> {
    if (logId !== this.#order || revision <= this.#progress.revision) return true
    return this.#progress.reach(revision, timeoutMs)
  }

  async write(body: RecordBody, writeId: string): Promise<Written> {
    const { replicator, appendTimeoutMs, appliedWaitMs } = this.#options
    const revision = await appendWithin(replicator.append(this.id, body, writeId), appendTimeoutMs)
    this.#told = Math.max(this.#told, revision)
    return { offset: formatPosition(this.#order, revision), applied: await this.#progress.reach(revision, appliedWaitMs) }
  }

  close(): void {
    this.#endTail()
    this.#policy.close()
    this.store.database.close()
  }

  /** Applies what the tail pushed: a small push at once, a large one in turns between which requests are answered. */
  #take(records: readonly RevisedRecord[]): void | Promise<void> {
    // A later push must never overtake an earlier one: apply would take its records for skipped ones.
    if (this.#draining === null && records.length > 0 && turns(records, limits.applyChanges).length === 1) {
      this.#apply(records)
      return undefined
    }
    this.#queue.push(...records)
    this.#behindSinceMs ??= this.#options.platform.monotonicMs()
    this.#draining ??= this.#drain()
    return this.#draining
  }

  async #drain(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const records = this.#queue
        this.#queue = []
        for (const turn of turns(records, limits.applyChanges)) {
          this.#apply(turn)
          await pause()
        }
      }
      this.#behindSinceMs = null
    } finally {
      this.#draining = null
    }
  }

  #apply(records: readonly RevisedRecord[]): void {
    // Constants are interned when a policy becomes active: replay has no use for those of older ones.
    const { policyChanged } = apply(this.store, records, { constantsOf: () => [] })
    if (policyChanged) this.#policy.change()
    this.#order = this.#orderOf(this.store.logId())
    this.position = formatPosition(this.#order, this.store.revision())
    this.#progress.advance(this.store.revision())
  }

  #orderOf(logId: string | null): string {
    return `${logId ?? 'none'}.${this.id}`
  }

  #fail(error: unknown): void {
    const { platform } = this.#options
    this.#tailProblem = error instanceof Error ? error.message : String(error)
    this.#behindSinceMs ??= platform.monotonicMs()
    platform.log('error', 'tail-ended', { reason: this.#tailProblem, revision: this.#progress.revision })
  }
}

/** The revision of an append. Rejects with LogError `unknown-outcome` when it takes too long: it may still happen. */
const appendWithin = async (appending: Promise<{ readonly revision: number }>, timeoutMs: number): Promise<number> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LogError('unknown-outcome', 'the log did not answer in time')), timeoutMs)
  })
  try {
    return (await Promise.race([appending, late])).revision
  } finally {
    clearTimeout(timer)
  }
}

/** The replicator's own replica of an environment: applies what was published, a little behind the runtimes, and is what snapshots and deltas are made of. */

import { CompiledPolicies } from '../snapshots/compiled-policies.ts'
import type { Later } from '../snapshots/later.ts'
import type { SnapshotPlatform } from '../snapshots/platform.ts'
import { Progress } from '../snapshots/progress.ts'
import type { StorePool } from '../snapshots/store-pool.ts'
import { limits } from '../src/base/limits.ts'
import { constantsOf } from '../src/engine/question.ts'
import { ApplyError, apply, changesOf, type RestoreRecord, turns } from '../src/log/apply.ts'
import type { TailReader } from '../src/log/inner.ts'
import type { RevisedRecord } from '../src/log/log.ts'
import type { Store } from '../src/store/facts.ts'

export interface OwnReplicaOptions {
  readonly pool: StorePool
  readonly platform: Pick<SnapshotPlatform, 'monotonicMs' | 'nowMs' | 'pause'>
  readonly later: Later
  readonly events: OwnReplicaEvents
}

export interface OwnReplicaEvents {
  /** Records, all of them applied or skipped, and the position up to which nothing is missing now. */
  applied(records: readonly RevisedRecord[], through: number): void
  /** The state that a restore record asks for, at the position of that record. Rejects when it cannot be had at the moment. */
  restored(restore: RestoreRecord): Promise<Store>
  /** The state was replaced. */
  replaced(): void
}

interface Push {
  readonly records: readonly RevisedRecord[]
  /** In all of them. */
  readonly changes: number
  readonly through: number
  readonly sinceMs: number
  /** With what stopped it, or null. */
  readonly settle: (error: Error | null) => void
}

export class OwnReplica implements Pick<TailReader, 'push'> {
  readonly #options: OwnReplicaOptions
  readonly #policies = new CompiledPolicies()
  #store: Store
  /** As far as nothing is missing. */
  readonly #passed: Progress
  #queue: Push[] = []
  #draining = false
  /** While pushes are gathered. */
  #cancelGathering: (() => void) | null = null
  #open = true
  /** The active policy changed, and its indexes are not ensured. */
  #unprepared = true
  /** From append to apply, of the last record. */
  #appliedAfterMs = 0

  constructor(store: Store, through: number, options: OwnReplicaOptions) {
    this.#store = store
    this.#passed = new Progress(through, options.later)
    this.#options = options
  }

  get store(): Store {
    return this.#store
  }

  get revision(): number {
    return this.#store.revision()
  }

  /** Nothing up to here is missing. */
  get through(): number {
    return this.#passed.revision
  }

  /** Records that wait, since when the oldest does, and how long the last one took from its append. */
  lag(): { readonly records: number; readonly ms: number; readonly appliedAfterMs: number } {
    const records = this.#queue.reduce((sum, push) => sum + push.records.length, 0)
    const oldest = this.#queue[0]
    const ms = oldest === undefined ? 0 : Math.max(0, this.#options.platform.monotonicMs() - oldest.sinceMs)
    return { records, ms, appliedAfterMs: this.#appliedAfterMs }
  }

  push(records: readonly RevisedRecord[], through: number, isNew = false): void | Promise<void> {
    if (records.length === 0 && this.#queue.length === 0) {
      this.#advance([], through)
      return undefined
    }
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null): void => (error === null ? resolve() : reject(error))
      this.#queue.push({ records, changes: changesOf(records), through, sinceMs: this.#options.platform.monotonicMs(), settle })
      this.#drainInTime(!isNew)
    })
  }

  /** Whether nothing up to a position is missing within the time; false also when the replica stops before. */
  async reach(position: number, timeoutMs: number): Promise<boolean> {
    if (!this.#open && this.through < position) return false
    const reached = this.#passed.reach(position, timeoutMs)
    this.#drainInTime()
    return reached
  }

  /** Interns what the active policy compares with and builds every index that it needs, however long that takes. */
  prepare(): void {
    if (!this.#unprepared) return
    this.#unprepared = false
    const stored = this.#store.activePolicy()
    const { policy, indexes } = stored === null ? { policy: null, indexes: [] } : this.#policies.of(stored.source, stored.filename)
    // What does not compile stops the runtimes, which compile it too; its facts are still replicated.
    if (policy === null) return
    this.#store.transaction(() => {
      this.#store.intern(constantsOf(policy))
      for (const { signature, columns } of indexes) this.#store.ensureIndex(signature, columns)
    })
  }

  /** What is waited for does not come, for now. */
  giveUp(): void {
    this.#passed.giveUp()
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.giveUp()
    this.#options.pool.release(this.#store)
    if (!this.#draining) void this.#drain()
  }

  /** At once when a turn is full or somebody waits. */
  #drainInTime(isUrgent = false): void {
    if (this.#draining || this.#queue.length === 0) return
    const changes = this.#queue.reduce((sum, push) => sum + push.changes, 0)
    if (isUrgent || changes >= limits.ownApplyChanges || this.#passed.isAwaited) void this.#drain()
    else this.#cancelGathering ??= this.#options.later(limits.ownApplyWaitMs, () => void this.#drain())
  }

  async #drain(): Promise<void> {
    this.#cancelGathering?.()
    this.#cancelGathering = null
    this.#draining = true
    try {
      for (let gathered = this.#gathered(); gathered.length > 0 && this.#open; gathered = this.#gathered()) {
        const error = await this.#take(gathered)
        for (const { settle } of this.#queue.splice(0, gathered.length)) settle(error)
        if (error !== null) return
      }
    } finally {
      this.#draining = false
      for (const { settle } of this.#queue.splice(0)) settle(null)
    }
  }

  /** The pushes at the front of the queue that one turn takes, or one larger push. */
  #gathered(): readonly Push[] {
    let sum = 0
    const count = this.#queue.findIndex(({ changes }, index) => {
      sum += changes
      return index > 0 && sum > limits.ownApplyChanges
    })
    return count < 0 ? [...this.#queue] : this.#queue.slice(0, count)
  }

  /** What stopped it, or null. */
  async #take(pushes: readonly Push[]): Promise<Error | null> {
    const records = pushes.flatMap((push) => push.records)
    const through = pushes.at(-1)?.through ?? this.through
    try {
      for (const turn of turns(records, limits.ownApplyChanges)) {
        // Before each turn: appends and pushes that wait go first.
        await this.#options.platform.pause()
        if (!this.#open) return null
        await this.#apply(turn)
      }
      this.#advance([], through)
      return null
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  async #apply(turn: readonly RevisedRecord[]): Promise<void> {
    let rest = turn
    while (rest.length > 0) {
      const { restore, policyChanged } = this.#applied(rest)
      this.#unprepared ||= policyChanged
      const done = restore === null ? rest : rest.filter((record) => record.revision < restore.revision)
      const last = done.at(-1)
      if (last !== undefined) this.#advance(done, last.revision)
      if (restore === null) return this.#measure(rest)
      await this.#restore(restore)
      rest = rest.filter((record) => record.revision > restore.revision)
    }
  }

  #applied(records: readonly RevisedRecord[]): ReturnType<typeof apply> {
    const before = this.#store.revision()
    try {
      return apply(this.#store, records)
    } catch (error) {
      // What comes before the foreign record was applied.
      if (error instanceof ApplyError && this.#store.revision() > before) {
        const done = records.filter(({ revision }) => revision <= this.#store.revision())
        this.#advance(done, this.#store.revision())
      }
      throw error
    }
  }

  async #restore(restore: RestoreRecord): Promise<void> {
    const { events, pool } = this.#options
    const store = await events.restored(restore)
    if (!this.#open) {
      pool.release(store)
      return
    }
    const previous = this.#store
    this.#store = store
    this.#passed.advance(restore.revision)
    this.#unprepared = true
    pool.release(previous)
    events.replaced()
    this.#advance([restore], restore.revision)
  }

  #advance(records: readonly RevisedRecord[], through: number): void {
    this.#passed.advance(Math.max(this.through, through))
    this.#options.events.applied(records, this.through)
  }

  #measure(records: readonly RevisedRecord[]): void {
    const last = records.at(-1)
    // Between two clocks: only for people to look at.
    if (last !== undefined) this.#appliedAfterMs = Math.max(0, this.#options.platform.nowMs() - last.record.appendedAtMs)
  }
}

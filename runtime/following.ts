/** Keeps a replica at the head of its log: follows the replicator's tail, begins again when it breaks off, and takes a snapshot where the tail does not lead. */
import type { Received } from '../snapshots/prepare-next.ts'
import { receiveImage } from '../snapshots/receive-image.ts'
import type { Replica } from '../snapshots/replica.ts'
import { RestoreNeeded, SwapError } from '../snapshots/replica-error.ts'
import type { StorePool } from '../snapshots/store-pool.ts'
import { ApplyError } from '../src/log/apply.ts'
import type { InnerReplicator } from '../src/log/inner.ts'
import { LogError, type RevisedRecord } from '../src/log/log.ts'
import { failureFields } from './failure-fields.ts'
import type { Platform } from './platform.ts'

export interface FollowingOptions {
  readonly replica: Replica
  readonly replicator: InnerReplicator
  readonly pool: StorePool
  readonly platform: Pick<Platform, 'log' | 'pause' | 'monotonicMs' | 'nowMs'>
  /** Milliseconds from append to here, of each push that was applied. */
  readonly applied?: (lagMs: number) => void
}

/** Between two attempts: doubled each time up to the longest, short again after one that caught up. */
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 5000
/** Between two questions how far the log goes, while the replicator is away. */
const HEAD_RETRY_MS = 200
/** The same as the first two for a replica that is whole and only lacks an index: building one takes a while. */
const FIRST_INDEX_RETRY_MS = 500
const LONGEST_INDEX_RETRY_MS = 30_000

export class Following {
  readonly #options: FollowingOptions
  #endTail: () => void = () => {}
  readonly #waits = new Set<() => void>()
  #open = true
  #problem: string | null = null
  /** Since when the tail has not been at the head, and how stale the state was then; null while it follows. */
  #lost: { readonly atMs: number; readonly stalenessMs: number | null } | null
  #retryMs = FIRST_RETRY_MS
  /** As of when the state was the newest in front of the first push that is not applied: what is pushed is known to the replicator, and not yet here. */
  #wholeAsOfMs: number | null = null
  /** One replacement of the replica at a time. */
  #replacing: Promise<void> = Promise.resolve()
  #lacksIndexes = false

  constructor(options: FollowingOptions) {
    this.#options = options
    this.#lost = { atMs: options.platform.monotonicMs(), stalenessMs: null }
  }

  /** Why the state must not answer, or null. */
  get problem(): string | null {
    return this.#problem
  }

  /** Whether nothing came in between since the head was reached. */
  get follows(): boolean {
    return this.#lost === null
  }

  /** Time since this state was last known to be the newest; null: it never was. */
  stalenessMs(): number | null {
    const { replica, replicator, platform } = this.#options
    if (this.#lost !== null)
      return this.#lost.stalenessMs === null ? null : Math.round(this.#lost.stalenessMs + platform.monotonicMs() - this.#lost.atMs)
    if (!replica.isBehind) return replicator.stalenessMs(replica.id)
    return this.#wholeAsOfMs === null ? null : Math.round(platform.monotonicMs() - this.#wholeAsOfMs)
  }

  /** The state may be one that must not answer, until the head is reached. */
  suspect(failure: Error): void {
    this.#problem = problemOf(failure)
  }

  /** Follows until it is closed. Resolves with null when the head is reached, with what ended the first attempt when that comes before. */
  start(): Promise<Error | null> {
    return new Promise((resolve) => {
      void this.#follow(resolve)
    })
  }

  close(): void {
    this.#open = false
    this.#endTail()
    for (const end of this.#waits) end()
  }

  async #follow(settled: (failure: Error | null) => void): Promise<void> {
    while (this.#isOpen()) {
      const failure = await this.#session(() => {
        this.#reachedHead()
        settled(null)
      })
      if (!this.#isOpen()) break
      this.#lose(failure)
      settled(failure)
      await this.#mend(failure)
    }
    settled(new LogError('unavailable', 'the environment is closed'))
  }

  #isOpen(): boolean {
    return this.#open
  }

  /** One tail from where the replica stands; resolves with what ended it. */
  #session(caughtUp: () => void): Promise<Error> {
    const { replica, replicator } = this.#options
    return new Promise((resolve) => {
      const tail = { isOpen: true, stop: (): void => {} }
      const end = (failure: unknown): void => {
        if (!tail.isOpen) return
        tail.isOpen = false
        this.#endTail = () => {}
        tail.stop()
        resolve(failure instanceof Error ? failure : new Error(String(failure)))
      }
      this.#endTail = () => end(new LogError('unavailable', 'the environment is closed'))
      try {
        tail.stop = replicator.tail(replica.id, replica.through, {
          // A push that was on its way when the tail ended would leave a gap.
          push: (records, through) => (tail.isOpen ? this.#take(records, through) : undefined),
          failed: end,
        })
      } catch (error) {
        end(error)
      }
      if (tail.isOpen) this.#untilHead(tail).then((reached) => (tail.isOpen && reached ? caughtUp() : undefined), end)
      else tail.stop()
    })
  }

  /** Whether everything is there that the log holds now. A tail waits for a replicator that is away for a moment, and so does this. */
  async #untilHead(tail: { readonly isOpen: boolean }): Promise<boolean> {
    const { replica, replicator } = this.#options
    for (;;) {
      try {
        const status = (await replicator.environments()).find(({ env }) => env === replica.id)
        return await replica.pass(status?.last ?? 0, null)
      } catch (error) {
        if (!tail.isOpen || !(error instanceof LogError) || error.code !== 'unavailable') throw error
      }
      await this.#wait(HEAD_RETRY_MS)
    }
  }

  #take(records: readonly RevisedRecord[], through: number): void | Promise<void> {
    const { replica, replicator, platform } = this.#options
    if (!replica.isBehind) {
      const stalenessMs = replicator.stalenessMs(replica.id)
      this.#wholeAsOfMs = stalenessMs === null ? null : platform.monotonicMs() - stalenessMs
    }
    const taking = replica.take(records, through)
    if (taking !== undefined) return taking.then(() => this.#taken(records))
    this.#taken(records)
    return undefined
  }

  #taken(records: readonly RevisedRecord[]): void {
    const { platform, applied } = this.#options
    const last = records.at(-1)
    if (last === undefined) return
    // Between two clocks: for people to look at, nothing rests on it.
    applied?.(Math.max(0, platform.nowMs() - last.record.appendedAtMs))
    this.wantIndexes()
  }

  #reachedHead(): void {
    this.#lost = null
    this.#problem = null
    this.#retryMs = FIRST_RETRY_MS
  }

  #lose(failure: Error): void {
    const { platform, replica } = this.#options
    this.#lost ??= { atMs: platform.monotonicMs(), stalenessMs: this.stalenessMs() }
    this.#problem = problemOf(failure) ?? this.#problem
    const level = failure instanceof RestoreNeeded ? 'info' : 'warn'
    platform.log(level, 'tail-ended', { ...failureFields(failure), environment: replica.id, through: replica.through, automatic: true })
  }

  /** Resolves when it makes sense to follow again. */
  async #mend(failure: Error): Promise<void> {
    const { replica, platform } = this.#options
    let isDiverged = failure instanceof LogError && failure.code === 'diverged'
    while (this.#open) {
      if (needsSnapshot(failure)) {
        const before = replica.through
        try {
          await this.#replace(isDiverged)
          if (isDiverged) this.#problem = null
          // The replicator may lack the same records, until it has mended itself.
          if (replica.through === before) await this.#backOff()
          return
        } catch (error) {
          platform.log('warn', 'replica-not-replaced', { ...failureFields(error), environment: replica.id, automatic: true })
          isDiverged ||= await this.#isCutOff(error)
        }
      }
      if (isDiverged) this.#problem = DIVERGED
      await this.#backOff()
      // From a state that the log did not lead to, following on would be silently wrong.
      if (isDiverged) continue
      replica.resume()
      return
    }
  }

  /** Whether the log, seen just now, ends before what the replica holds. */
  async #isCutOff(failure: unknown): Promise<boolean> {
    const { replica, replicator } = this.#options
    if (!(failure instanceof SwapError && failure.code === 'behind') || replicator.stalenessMs(replica.id) === null) return false
    try {
      const status = (await replicator.environments()).find(({ env }) => env === replica.id)
      return status !== undefined && status.last < replica.revision
    } catch (error) {
      // Not seen, so nothing is known; the caller tries again.
      if (error instanceof LogError) return false
      throw error
    }
  }

  /** Fetches what the replica lacks for its policy, while it answers by slower plans. Called whenever that may have changed. */
  wantIndexes(): void {
    if (this.#lacksIndexes || this.#options.replica.missingIndexes.length === 0) return
    this.#lacksIndexes = true
    void this.#fetchIndexes()
  }

  async #fetchIndexes(): Promise<void> {
    const { replica, platform } = this.#options
    let retryMs = FIRST_INDEX_RETRY_MS
    while (this.#open && replica.missingIndexes.length > 0) {
      try {
        await this.#replace(false)
      } catch (error) {
        platform.log('warn', 'index-not-fetched', { ...failureFields(error), environment: replica.id, automatic: true })
      }
      if (replica.missingIndexes.length === 0) break
      await this.#wait(retryMs)
      retryMs = Math.min(retryMs * 2, LONGEST_INDEX_RETRY_MS)
    }
    this.#lacksIndexes = false
  }

  #replace(force: boolean): Promise<void> {
    const replaced = this.#replacing.then(() => this.#replaceNow(force))
    this.#replacing = replaced.catch(() => {})
    return replaced
  }

  async #replaceNow(force: boolean): Promise<void> {
    const { replica, platform } = this.#options
    const startedMs = platform.monotonicMs()
    await replica.replace(() => this.#receive(), { force })
    const durationMs = Math.round(platform.monotonicMs() - startedMs)
    platform.log('info', 'replica-replaced', { environment: replica.id, revision: replica.revision, durationMs })
  }

  async #receive(): Promise<Received> {
    const { replica, replicator, pool, platform } = this.#options
    const snapshot = await replicator.snapshot(replica.id)
    if (snapshot === null) throw new LogError('unavailable', `the replicator has no snapshot of environment \`${replica.id}\``)
    const received = await receiveImage(snapshot, { env: replica.id, pool, platform })
    const [found, expected] = [received.store.logId(), replica.store.logId()]
    if (expected === null || found === expected) return received
    pool.release(received.store)
    throw new SwapError('foreign', `the snapshot belongs to log \`${found ?? 'none'}\`, this replica follows log \`${expected}\``)
  }

  async #backOff(): Promise<void> {
    await this.#wait(this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS)
  }

  #wait(ms: number): Promise<void> {
    if (!this.#open) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#waits.delete(end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      this.#waits.add(end)
    })
  }
}

const DIVERGED = 'the log is not the one that this state comes from'

const needsSnapshot = (failure: unknown): boolean =>
  failure instanceof RestoreNeeded ||
  (failure instanceof LogError && (failure.code === 'out-of-range' || failure.code === 'diverged' || failure.code === 'unreadable'))

/** What waiting does not mend: the state may be wrong, or older than a policy that this version cannot read. */
const problemOf = (failure: unknown): string | null => {
  if (failure instanceof ApplyError) return 'the log holds records that are no continuation of this state'
  if (!(failure instanceof LogError)) return null
  if (failure.code === 'diverged') return DIVERGED
  return failure.code === 'unreadable' ? 'the log holds a record that this version cannot read' : null
}

/** One environment in the replicator: its stream, the replicator's own replica of it, and what is published of that. */

import type { Manifest } from '../snapshots/manifest.ts'
import type { ObjectStore } from '../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../snapshots/platform.ts'
import type { Publication, PublicationSettings } from '../snapshots/publication.ts'
import { Said } from '../snapshots/said.ts'
import type { StorePool } from '../snapshots/store-pool.ts'
import { known } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import { ApplyError, type RestoreRecord } from '../src/log/apply.ts'
import { isPartitioned, type Log, type LogBounds, LogError, type RevisedRecord } from '../src/log/log.ts'
import type { RecordBody } from '../src/log/record.ts'
import type { Store } from '../src/store/facts.ts'
import { bootstrapReplica, diverged, refusalOf } from './bootstrap.ts'
import { Channel } from './channel.ts'
import { isLastApplied, isMendable, problemOf } from './follow-problem.ts'
import { HostedPublication } from './hosted-publication.ts'
import type { Later } from './later.ts'
import { OwnReplica } from './own-replica.ts'
import type { RecentRecords } from './recent.ts'
import { restoredState } from './restore.ts'
import { StateHashes } from './state-hashes.ts'
import type { Tail } from './tail.ts'

export interface HostedOptions {
  readonly env: string
  readonly log: Log
  /** Of this cell. */
  readonly local: ObjectStore
  readonly remote: ObjectStore | null
  /** Made just now: its log begins with its genesis, and nothing of it is shared yet. */
  readonly isNew: boolean
  readonly pool: StorePool
  readonly platform: SnapshotPlatform
  readonly recent: RecentRecords
  readonly later: Later
  readonly engine: string
  readonly settings: PublicationSettings
  /** Has the log follow this environment, from its head on. */
  readonly assign: () => void
  /** After every turn of the own replica, and when its state was replaced. */
  readonly changed: (hosted: Hosted) => void
}

export class Hosted {
  readonly env: string
  readonly channel: Channel
  readonly hashes = new StateHashes()
  readonly #options: HostedOptions
  readonly #published: HostedPublication
  #own: OwnReplica | null = null
  #tail: Tail | null = null
  #problem: LogError | null = null
  #cancelRetry: (() => void) | null = null
  #retries = 0
  readonly #said = new Said()
  #begun: Promise<void> | null = null
  #isOpen = true
  #isAttached = false
  #opening: Promise<void> | null = null
  #seeksShared: boolean
  /** Its first replica was begun without a look at the shared objects. */
  #beganAsNew: boolean
  #first = 0
  /** Positions of the restore records that were read, by the key of their object, and the position from which on they were. */
  readonly #restorePoints = new Map<string, number>()
  #begunThrough = -1

  constructor(options: HostedOptions) {
    const { env, log, recent, platform, later } = options
    this.env = env
    this.#options = options
    this.#seeksShared = !options.isNew
    this.#beganAsNew = options.isNew
    const { local: objects, pool, engine, settings } = options
    this.#published = new HostedPublication({ objects, env, platform, pool, engine, settings, own: () => this.#own })
    this.channel = new Channel({ env, log, recent, monotonicMs: platform.monotonicMs, later })
  }

  get own(): OwnReplica | null {
    return this.#own
  }

  get publication(): Publication | null {
    return this.#published.current
  }

  /** Why the own replica does not follow the log, or null. */
  get problem(): LogError | null {
    return this.channel.problem ?? this.#problem
  }

  /** First retained revision of the log, as far as it was told. */
  get first(): number {
    return this.#first
  }

  /** No record of the environment is behind this position: its last one, when that is known, otherwise the head. */
  get lastRevision(): number {
    const own = this.#own
    return own !== null && own.through >= this.channel.head ? own.revision : this.channel.head
  }

  get isDirty(): boolean {
    return this.#published.isDirty
  }

  /** Loads what there is and follows the log. What comes in the way is tried again, or is a problem of this environment alone. */
  async open(): Promise<void> {
    this.#opening ??= this.#open()
    try {
      await this.#opening
    } finally {
      this.#opening = null
    }
  }

  async #open(): Promise<void> {
    if (this.#isClosed()) return
    try {
      this.attach()
      const bounds = await this.#connect()
      if (!this.#isOpen) return
      if (this.#own === null) await this.#bootstrap(bounds)
      if (bounds === null) this.#retry(new LogError('unavailable', 'the log does not answer'))
      else await this.#follow(bounds)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Appends the first record of the environment unless there is one. Of several the first wins, everywhere. */
  async begin(): Promise<void> {
    if (this.#hasGenesis()) return
    this.#begun ??= this.#appendGenesis()
    try {
      await this.#begun
    } catch (error) {
      this.#begun = null
      throw error
    }
  }

  async append(body: RecordBody, writeId: string): Promise<number> {
    const { log, platform } = this.#options
    if (this.channel.problem !== null) throw this.channel.problem
    return log.append(this.env, { format: 1, logId: log.logId, writeId, appendedAtMs: platform.nowMs(), body })
  }

  /** The own replica with everything that was published up to now. Rejects with LogError. */
  async current(): Promise<OwnReplica> {
    const { channel } = this
    if (this.#own === null) throw this.problem ?? this.#notLoaded()
    const own = this.#own
    // What never began is no state at all.
    if (this.problem !== null && !this.#hasGenesis()) throw this.problem
    // While the log cannot be followed, what is there is the newest.
    if (channel.isConnected && this.problem === null) await this.#reach(own, channel.head)
    own.prepare()
    return own
  }

  /** Resolves when the own replica has a revision that is in the log, whatever its problem was until then. Rejects with LogError `unavailable`. */
  async reach(revision: number): Promise<void> {
    if (this.#own === null) throw this.problem ?? this.#notLoaded()
    await this.#reach(this.#own, revision)
  }

  /** Of the log: it cannot be followed any more. */
  logFailed(error: LogError): void {
    this.channel.failed(error)
    this.#failed(error)
  }

  /** Of the log: what is forgotten now. */
  trimmed(through: number): void {
    this.#first = Math.max(this.#first, through + 1)
    for (const [key, revision] of this.#restorePoints) if (revision < this.#first) this.#restorePoints.delete(key)
  }

  /** Whether a record that the log still holds may name a restore point. */
  needsRestorePoint(key: string): boolean {
    // One that was read before this process began is older than what it began with.
    return (this.#restorePoints.get(key) ?? this.#begunThrough) >= this.#first
  }

  /** One step of publication, never two at once. Null when there is nothing to publish yet. */
  async publish(force: boolean): Promise<Manifest | null> {
    return this.#published.publish(force)
  }

  /** Tails end silently, or with the reason. */
  async close(reason?: LogError): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#cancelRetry?.()
    if (reason === undefined) this.channel.end()
    else this.channel.failed(reason)
    await this.#published.close()
    this.#own?.close()
  }

  #notLoaded(): LogError {
    return new LogError('unavailable', `environment \`${this.env}\` is still being loaded`)
  }

  #isClosed(): boolean {
    return !this.#isOpen
  }

  /** Again, when the log had lost it. */
  attach(): void {
    if (this.#isAttached && this.channel.problem === null) return
    this.#isAttached = true
    this.channel.reset()
    this.#options.assign()
  }

  /** Null when the log does not answer. */
  async #connect(): Promise<LogBounds | null> {
    try {
      const bounds = await this.#options.log.bounds(this.env)
      this.#first = bounds.first
      this.channel.connect(bounds.last)
      return bounds
    } catch (error) {
      if (error instanceof LogError && error.code === 'unavailable') return null
      throw error
    }
  }

  async #bootstrap(bounds: LogBounds | null): Promise<void> {
    const { env, log, local, remote, pool, platform } = this.#options
    const startedMs = platform.monotonicMs()
    const { store, through, source } = await bootstrapReplica({
      env,
      logId: log.logId,
      bounds,
      local,
      remote: (await this.#isWhole(bounds)) ? null : remote,
      pool,
      platform,
      isAlone: !isPartitioned(log),
    })
    try {
      await this.#published.begin(through)
    } catch (error) {
      pool.release(store)
      throw error
    }
    if (!this.#isOpen) {
      pool.release(store)
      return
    }
    const previous = this.#own
    // From now on others may have published more of it than is here.
    this.#seeksShared = true
    this.#begunThrough = through
    this.#own = new OwnReplica(store, through, { pool, platform, later: this.#options.later, events: this.#events() })
    previous?.close()
    if (previous !== null) this.#options.changed(this)
    this.hashes.note(store.revision(), store.stateHash())
    const tookMs = Math.round(platform.monotonicMs() - startedMs)
    platform.log('info', 'replica-loaded', { environment: env, source, revision: store.revision(), through, tookMs })
  }

  /** Of an environment that was made since this process began: whether the log still holds it from its genesis on. */
  async #isWhole(bounds: LogBounds | null): Promise<boolean> {
    if (this.#seeksShared || bounds === null) return false
    if (bounds.first === 0) return true
    const [first] = await this.#options.log.read(this.env, bounds.first - 1, 1)
    return first?.record.body.kind === 'genesis'
  }

  async #follow(bounds: LogBounds): Promise<void> {
    const loaded = known(this.#own, 'what follows the log was loaded')
    const refusal = refusalOf(loaded.through, bounds)
    if (refusal === 'diverged') throw diverged(this.env, loaded.through, bounds)
    if (refusal === 'too-old') await this.#bootstrap(bounds)
    const own = known(this.#own, 'what follows the log was loaded')
    await this.#checkLast(own, bounds)
    if (!this.#isOpen) return
    this.#problem = null
    this.#tail?.end()
    this.#tail = this.channel.tail(
      own.through,
      { push: (records, through) => own.push(records, through), failed: (error) => this.#failed(error) },
      null,
    )
    void this.#caughtUp(own, bounds.last)
  }

  async #caughtUp(own: OwnReplica, position: number): Promise<void> {
    if (!(await own.reach(position, limits.currentWaitMs))) return
    this.#retries = 0
    this.#said.clear()
  }

  async #checkLast(own: OwnReplica, bounds: LogBounds): Promise<void> {
    const { revision, store } = own
    if (revision < bounds.first) return
    const [last] = await this.#options.log.read(this.env, revision - 1, 1)
    if (!isLastApplied(store, last)) throw diverged(this.env, revision, bounds)
  }

  #failed(error: unknown): void {
    if (!this.#isOpen) return
    const problem = problemOf(error)
    this.#problem = problem
    this.#own?.giveUp()
    // It was not that new: the log does not begin where it does.
    if (error instanceof ApplyError && error.code === 'no-genesis' && this.#beganAsNew) return this.#seekShared(problem)
    if (isMendable(error)) return this.#retry(problem)
    this.#options.platform.log('error', 'environment-stopped', {
      environment: this.env,
      revision: this.#own?.revision ?? -1,
      code: problem.code,
      reason: problem.message,
    })
  }

  #seekShared(problem: LogError): void {
    this.#beganAsNew = false
    this.#seeksShared = true
    this.#own?.close()
    this.#own = null
    this.#retry(problem)
  }

  #retry(problem: LogError): void {
    this.#problem = problem
    const delayMs = Math.min(limits.answerRetryMaxMs, limits.retryMs * 2 ** Math.min(this.#retries++, 10))
    if (this.#said.isNews(problem.message))
      this.#options.platform.log(problem.code === 'diverged' ? 'error' : 'warn', 'environment-waits', {
        environment: this.env,
        revision: this.#own?.revision ?? -1,
        reason: problem.message,
        retryMs: delayMs,
      })
    this.#cancelRetry?.()
    this.#cancelRetry = this.#options.later(delayMs, () => void this.open())
  }

  #events(): ConstructorParameters<typeof OwnReplica>[2]['events'] {
    return {
      applied: (records, through) => this.#applied(records, through),
      restored: (restore) => this.#restored(restore),
      replaced: () => {
        this.#published.replaced()
        this.hashes.clear()
      },
    }
  }

  #applied(records: readonly RevisedRecord[], through: number): void {
    const own = known(this.#own, 'what applies is there')
    this.#published.add(records, through)
    if (records.length > 0) this.hashes.note(own.revision, own.store.stateHash())
    // Not for every policy that is replayed.
    if (through === this.channel.head) own.prepare()
    this.#options.changed(this)
  }

  async #restored(restore: RestoreRecord): Promise<Store> {
    const { env, local, remote, pool, platform } = this.#options
    const { revision, body } = restore
    this.#restorePoints.set(body.key, revision)
    platform.log('info', 'restore', { environment: env, revision, to: body.revision, key: body.key })
    return restoredState({ env, local, remote, pool, platform }, restore)
  }

  #hasGenesis(): boolean {
    return this.#own !== null && this.#own.store.logId() !== null
  }

  async #appendGenesis(): Promise<void> {
    const { log } = this.#options
    const own = this.#own
    // Otherwise every start would append one more.
    if (own !== null && this.channel.isConnected) await this.#reach(own, this.channel.head)
    if (!this.#hasGenesis()) await this.append({ kind: 'genesis' }, `genesis-${log.logId}`)
  }

  async #reach(own: OwnReplica, position: number): Promise<void> {
    if (await own.reach(position, limits.currentWaitMs)) return
    const lag = `environment \`${this.env}\` is applied up to ${own.through} of ${position}`
    throw this.problem ?? new LogError('unavailable', `${lag}; recovery is automatic`)
  }
}

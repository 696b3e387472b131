/** One environment in the replicator: its stream, the replicator's own replica of it, and what is published of that. */
import type { Manifest } from '../snapshots/manifest.ts'
import type { Publication } from '../snapshots/publication.ts'
import { known } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import { isPartitioned, type LogBounds, LogError, type RevisedRecord } from '../src/log/log.ts'
import type { RecordBody } from '../src/log/record.ts'
import { belongTo } from '../src/store/environment.ts'
import { bootstrapReplica } from './bootstrap.ts'
import { Channel } from './channel.ts'
import { CurrentReplica } from './current-replica.ts'
import { isMendable, problemOf } from './follow-problem.ts'
import { Genesis } from './genesis.ts'
import type { HostedOptions } from './hosted-options.ts'
import { HostedPublication } from './hosted-publication.ts'
import { checkLast, diverged, isWhole, refusalOf } from './log-continuity.ts'
import { OwnReplica } from './own-replica.ts'
import { RestorePoints } from './restore-points.ts'
import { Retry } from './retry.ts'
import { StateHashes } from './state-hashes.ts'
import type { Tail } from './tail.ts'

export class Hosted {
  readonly env: string
  readonly channel: Channel
  readonly hashes = new StateHashes()
  readonly #options: HostedOptions
  readonly #published: HostedPublication
  #own: OwnReplica | null = null
  #tail: Tail | null = null
  #problem: LogError | null = null
  readonly #retry: Retry
  readonly #current: CurrentReplica
  readonly #genesis: Genesis
  #isOpen = true
  #isAttached = false
  #opening: Promise<void> | null = null
  #seeksShared: boolean
  #first = 0
  readonly #restorePoints: RestorePoints

  constructor(options: HostedOptions) {
    const { env, log, recent, platform, later } = options
    this.env = env
    this.#options = options
    this.#seeksShared = !options.isNew
    this.#retry = new Retry(later, () => void this.open())
    const { local, remote, pool, engine, settings } = options
    this.#restorePoints = new RestorePoints({ env, local, remote, pool, platform })
    this.#published = new HostedPublication({ objects: local, env, platform, pool, engine, settings, own: () => this.#own })
    this.channel = new Channel({ env, log, recent, monotonicMs: platform.monotonicMs, later })
    this.#current = new CurrentReplica({ channel: this.channel, own: () => this.#own, problem: () => this.problem })
    this.#genesis = new Genesis({
      exists: () => this.#current.hasGenesis,
      known: () => this.#current.reachHead(),
      append: () => this.append({ kind: 'genesis' }, `genesis-${log.logId}`),
    })
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
      if (bounds === null) this.#tryAgain(new LogError('unavailable', 'the log does not answer'))
      else await this.#follow(bounds)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Appends the first record of the environment unless there is one. */
  async begin(): Promise<void> {
    await this.#genesis.ensure()
  }

  async append(body: RecordBody, writeId: string): Promise<number> {
    const { log, platform } = this.#options
    if (this.channel.problem !== null) throw this.channel.problem
    return log.append(this.env, { format: 1, logId: log.logId, writeId, appendedAtMs: platform.nowMs(), body })
  }

  /** The own replica with everything that was published up to now. Rejects with LogError. */
  async current(): Promise<OwnReplica> {
    return this.#current.get()
  }

  /** Resolves when the own replica has a revision that is in the log, whatever its problem was until then. Rejects with LogError `unavailable`. */
  async reach(revision: number): Promise<void> {
    await this.#current.reach(revision)
  }

  /** For good: who waits for the own replica is told that it does not come, now and later. */
  giveUp(): void {
    this.#current.giveUp()
  }

  /** Of the log: it cannot be followed any more. */
  logFailed(error: LogError): void {
    this.channel.failed(error)
    this.#failed(error)
  }

  /** Of the log: what is forgotten now. */
  trimmed(through: number): void {
    this.#first = Math.max(this.#first, through + 1)
    this.#restorePoints.trimmed(this.#first)
  }

  /** Whether a record that the log still holds may name a restore point. */
  needsRestorePoint(key: string): boolean {
    return this.#restorePoints.isNeeded(key, this.#first)
  }

  /** One step of publication, never two at once. Null when there is nothing to publish yet. */
  async publish(force: boolean): Promise<Manifest | null> {
    return this.#published.publish(force)
  }

  /** Tails end silently, or with the reason. */
  async close(reason?: LogError): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#retry.cancel()
    if (reason === undefined) this.channel.end()
    else this.channel.failed(reason)
    await this.#published.close()
    this.#own?.close()
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
    const { env, log, local, remote, pool, platform, bornAfter } = this.#options
    const startedMs = platform.monotonicMs()
    const whole = isWhole(bounds, bornAfter)
    const { store, through, source, refused } = await bootstrapReplica({
      env,
      logId: log.logId,
      bounds,
      local,
      remote: whole && !this.#seeksShared ? null : remote,
      pool,
      platform,
      isAlone: !isPartitioned(log),
      isWhole: whole,
    })
    try {
      belongTo(store.database, env)
      await this.#published.begin(through, refused)
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
    this.#restorePoints.begin(through)
    this.#own = new OwnReplica(store, through, { pool, platform, later: this.#options.later, events: this.#events() })
    previous?.close()
    if (previous !== null) this.#options.changed(this)
    this.hashes.note(store.revision(), store.stateHash())
    const tookMs = Math.round(platform.monotonicMs() - startedMs)
    platform.log('info', 'replica-loaded', { environment: env, source, revision: store.revision(), through, tookMs })
  }

  async #follow(bounds: LogBounds): Promise<void> {
    const loaded = known(this.#own, 'what follows the log was loaded')
    const refusal = refusalOf(loaded.through, bounds)
    if (refusal === 'diverged') throw diverged(this.env, loaded.through, bounds)
    if (refusal === 'too-old') await this.#bootstrap(bounds)
    const own = known(this.#own, 'what follows the log was loaded')
    await checkLast(this.#options.log, this.env, own.store, bounds)
    if (!this.#isOpen) return
    this.#problem = null
    this.#tail?.end()
    this.#tail = this.channel.tail(
      own.through,
      { push: (records, through, isNew) => own.push(records, through, isNew), failed: (error) => this.#failed(error) },
      null,
    )
    void this.#caughtUp(own, bounds.last)
  }

  async #caughtUp(own: OwnReplica, position: number): Promise<void> {
    if (!(await own.reach(position, limits.currentWaitMs))) return
    this.#retry.succeeded()
  }

  #failed(error: unknown): void {
    if (!this.#isOpen) return
    const problem = problemOf(error)
    this.#problem = problem
    this.#own?.giveUp()
    if (isMendable(error)) return this.#tryAgain(problem)
    this.#options.platform.log('error', 'environment-stopped', {
      environment: this.env,
      revision: this.#own?.revision ?? -1,
      code: problem.code,
      reason: problem.message,
    })
  }

  #tryAgain(problem: LogError): void {
    this.#problem = problem
    this.#retry.plan(problem.message, (retryMs) =>
      this.#options.platform.log(problem.code === 'diverged' ? 'error' : 'warn', 'environment-waits', {
        environment: this.env,
        revision: this.#own?.revision ?? -1,
        reason: problem.message,
        retryMs,
      }),
    )
  }

  #events(): ConstructorParameters<typeof OwnReplica>[2]['events'] {
    return {
      applied: (records, through) => this.#applied(records, through),
      restored: (restore) => this.#restorePoints.restored(restore),
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
}

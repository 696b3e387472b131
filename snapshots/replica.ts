/** The replica of one environment: takes records in turns, answers from one consistent state, and is replaced while it serves. */
import { assert } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import type { CheckedPolicy } from '../src/check/core.ts'
import type { PreparingEngine } from '../src/engine/engine.ts'
import type { NeededIndex } from '../src/engine/indexes.ts'
import { type RestoreRecord, turns } from '../src/log/apply.ts'
import type { RevisedRecord } from '../src/log/log.ts'
import type { Store } from '../src/store/facts.ts'
import { formatPosition } from '../src/wire/position.ts'
import { ActivePolicy } from './active-policy.ts'
import { applyToActive } from './apply-to-active.ts'
import { CompiledPolicies, type CompiledPolicy } from './compiled-policies.ts'
import { wait } from './deadline.ts'
import { InFlight } from './in-flight.ts'
import { prepareNext, type Received, type Successor } from './prepare-next.ts'
import { Progress } from './progress.ts'
import { Recording } from './recording.ts'
import { RestoreNeeded, SwapError } from './replica-error.ts'
import type { ReplicaOptions, SwapOptions } from './replica-options.ts'
import { warmDictionary } from './warm-dictionary.ts'

interface Push {
  readonly records: readonly RevisedRecord[]
  readonly through: number
}

/** Between two looks at whether what was replaced is given back. */
const RELEASED_LOOK_MS = 20

export class Replica {
  readonly id: string
  readonly #options: ReplicaOptions
  readonly #policies = new CompiledPolicies()
  readonly #progress: Progress
  /** As far as nothing is missing. */
  readonly #passed: Progress
  readonly #inFlight: InFlight
  #active: ActivePolicy
  #position: string
  #started = false
  #closed = false
  /** Why nothing can be taken until a swap or `resume`. */
  #failure: Error | null = null
  /** Pushed and not yet applied, while a large push is applied in turns. */
  #queue: Push[] = []
  #draining: Promise<void> | null = null
  /** Forced swaps: what was pushed before one does not follow what it brought. */
  #cuts = 0
  /** What was applied since a swap began. */
  #recording: Recording | null = null
  /** Stores that were replaced and that somebody may still hold. */
  #held = 0
  /** Tells the swap that waits for it that there is one less. */
  #tellReleased: () => void = () => {}

  constructor(options: ReplicaOptions) {
    const { id, pool, store = pool.create(), through = store.revision() } = options
    this.id = id
    this.#options = options
    this.#inFlight = new InFlight(options.platform.monotonicMs, options.holdMs)
    this.#active = this.#activeOver(store)
    this.#passed = new Progress(Math.max(through, store.revision()))
    this.#progress = new Progress(store.revision())
    this.#position = formatPosition(this.order, store.revision())
  }

  /** What it holds now. Never kept across an await, unless by someone who has entered. */
  get store(): Store {
    return this.#active.store
  }

  get engine(): PreparingEngine {
    return this.#active.engine
  }

  /** The active policy, or the empty one. */
  get policy(): CheckedPolicy {
    return this.#active.policy
  }

  /** Why it cannot answer, or null. */
  get problem(): string | null {
    return this.#active.problem
  }

  /** Needed on tables that are too large to be indexed here. */
  get missingIndexes(): readonly NeededIndex[] {
    return this.#active.missingIndexes
  }

  /** Identifies the order of its revisions: a token of another environment is foreign, like one of another log. */
  get order(): string {
    return `${this.store.logId() ?? 'none'}.${this.id}`
  }

  /** `<order>:<revision>` of what answers. */
  get position(): string {
    return this.#position
  }

  get revision(): number {
    return this.#progress.revision
  }

  /** Nothing up to here is missing: where a tail goes on. */
  get through(): number {
    return this.#passed.revision
  }

  /** Whether there is something that was pushed and is not applied. */
  get isBehind(): boolean {
    return this.#draining !== null
  }

  /** A policy that is about to be written, already compiled: it becomes active without compiling it again. */
  expectPolicy(compiled: CompiledPolicy): void {
    this.#policies.add(compiled)
  }

  /** Replay is over: the policy is compiled, and from now on every change of it becomes active at once. */
  start(): void {
    assert(!this.#started, 'a replica starts once')
    this.#started = true
    this.#active.start()
    this.#warm(this.#active)
  }

  /** Builds what `missingIndexes` tells, however long it takes. */
  buildIndexes(): void {
    this.#active.buildIndexes()
  }

  /** Applies what a tail pushed: a small push at once, a large one in turns between which others run. Throws or rejects with ApplyError, SqlError, and
   * RestoreNeeded; then nothing more is taken until a swap or `resume`. */
  take(records: readonly RevisedRecord[], through: number): void | Promise<void> {
    if (this.#closed) throw new SwapError('closed', `replica \`${this.id}\` is closed`)
    if (this.#failure !== null) throw this.#failure
    // A later push must never overtake an earlier one: apply would take its records for skipped ones.
    if (this.#draining === null && turns(records, limits.applyChanges).length <= 1) {
      this.#takeNow(records, through)
      return undefined
    }
    this.#queue.push({ records, through })
    this.#draining ??= this.#drain()
    return this.#draining
  }

  /** Forgets why taking failed: the next push follows `through`. */
  resume(): void {
    this.#failure = null
  }

  /** True when the revision is reached; a promise that tells so within the bound otherwise. Waiters survive swaps. */
  reach(revision: number, timeoutMs: number): true | Promise<boolean> {
    return revision <= this.#progress.revision ? true : this.#progress.reach(revision, timeoutMs)
  }

  /** Whether nothing up to a position is missing within the time; null waits as long as it takes. False when the replica closes. */
  pass(through: number, timeoutMs: number | null): Promise<boolean> {
    return this.#closed ? Promise.resolve(false) : this.#passed.reach(through, timeoutMs)
  }

  /** For work that holds the store or engine across an await: what it could hold is not given back before it leaves by the result. */
  enter(): () => void {
    return this.#inFlight.enter()
  }

  /** Serves from what `load` brings, built beside the present store while that one answers: records that arrive from now on are applied to both, then one
   * assignment makes the switch. Rejects with SwapError, ImageError, SqlError or what `load` rejects with, and everything stays as it was. */
  async replace(load: () => Promise<Received>, options: SwapOptions = {}): Promise<void> {
    const recording = this.#record()
    let next: ActivePolicy | null = null
    try {
      // Two stores at most: the one that was replaced before this is given back first.
      await this.#untilReleased()
      const received = await load()
      next = this.#activeOver(received.store)
      const successor: Successor = {
        next,
        through: received.through,
        present: this.#active,
        failure: this.#failure,
        force: options.force ?? false,
      }
      const preparation = { ...this.#options, policies: this.#policies, started: this.#started, isOpen: () => !this.#closed }
      await prepareNext(successor, recording, preparation, () => this.#switch(successor))
    } catch (error) {
      if (next !== null) this.#release(next)
      throw error
    } finally {
      this.#recording = null
    }
  }

  /** Waiters are told that nothing comes any more. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#progress.giveUp()
    this.#passed.giveUp()
    const last = this.#active
    this.#inFlight.whenLeft(() => this.#release(last))
  }

  #activeOver(store: Store): ActivePolicy {
    const { indexRows } = this.#options
    return new ActivePolicy(store, { policies: this.#policies, ...(indexRows !== undefined && { indexRows }) })
  }

  #record(): Recording {
    if (this.#closed) throw new SwapError('closed', `replica \`${this.id}\` is closed`)
    if (this.#recording !== null) throw new SwapError('busy', `replica \`${this.id}\` is being replaced already`)
    this.#recording = new Recording(this.revision)
    return this.#recording
  }

  #switch({ next, through, force }: Successor): void {
    const previous = this.#active
    this.#active = next
    const ahead = Math.max(through, next.store.revision())
    // A restore that came up meanwhile is still to be loaded.
    if (force || !(this.#failure instanceof RestoreNeeded && this.#failure.record.revision > ahead)) this.#failure = null
    this.#passed.advance(force ? ahead : Math.max(ahead, this.through))
    if (force) this.#cuts++
    this.#moved()
    this.#held++
    const release = (): void => {
      this.#held--
      this.#release(previous)
      this.#tellReleased()
    }
    this.#inFlight.whenLeft(release)
    if (this.#started) this.#warm(next)
  }

  /** Resolves when nobody holds on to what was replaced. */
  async #untilReleased(): Promise<void> {
    this.#inFlight.forget()
    const { holdMs } = this.#options
    while (this.#held > 0) {
      // What can be cut off waits by timers of its own: a promise that another request settles may tell it nothing, and then it waited for ever.
      if (holdMs !== undefined) await wait(RELEASED_LOOK_MS)
      else
        await new Promise<void>((resolve) => {
          this.#tellReleased = resolve
        })
      this.#inFlight.forget()
    }
  }

  #release(active: ActivePolicy): void {
    active.close()
    this.#options.pool.release(active.store)
  }

  #takeNow(records: readonly RevisedRecord[], through: number): void {
    try {
      if (records.length > 0) this.#apply(records)
      this.#passed.advance(Math.max(this.through, through))
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error))
      throw this.#failure
    }
  }

  async #drain(): Promise<void> {
    const cuts = this.#cuts
    try {
      for (let push = this.#queue.shift(); push !== undefined; push = this.#queue.shift()) {
        for (const turn of turns(push.records, limits.applyChanges)) {
          if (this.#closed || cuts !== this.#cuts) return
          this.#takeNow(turn, turn.at(-1)?.revision ?? this.through)
          await this.#options.platform.pause()
        }
        this.#takeNow([], push.through)
      }
    } finally {
      // What was pushed behind a failure has a gap in front of it.
      this.#queue = []
      this.#draining = null
    }
  }

  #apply(records: readonly RevisedRecord[]): void {
    const restore = this.#applied(records)
    if (restore === null) return
    // Whatever comes in front of the record is applied.
    this.#passed.advance(Math.max(this.through, restore.revision - 1))
    throw new RestoreNeeded(restore)
  }

  #applied(records: readonly RevisedRecord[]): RestoreRecord | null {
    try {
      return applyToActive(this.#active, records, this.#recording)
    } finally {
      this.#moved()
    }
  }

  #moved(): void {
    const revision = this.store.revision()
    this.#position = formatPosition(this.order, revision)
    this.#progress.advance(revision)
  }

  #warm(active: ActivePolicy): void {
    const { log, pause } = this.#options.platform
    void warmDictionary(this.id, active.store, { isServed: () => !this.#closed && this.#active === active, log, pause })
  }
}

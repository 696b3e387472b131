/** What one environment's log publishes, on its way to every reader. */
import type { Later } from '../snapshots/later.ts'
import { limits } from '../src/base/limits.ts'
import type { TailReader } from '../src/log/inner.ts'
import type { Log, LogError, RevisedRecord } from '../src/log/log.ts'
import type { Recent, RecentRecords } from './recent.ts'
import { Tail, type TailSource } from './tail.ts'
import { Waits } from './waits.ts'

export interface ChannelOptions {
  readonly env: string
  readonly log: Pick<Log, 'read' | 'bounds'>
  readonly recent: RecentRecords
  readonly monotonicMs: () => number
  readonly later: Later
}

export class Channel implements TailSource {
  readonly env: string
  readonly log: Pick<Log, 'read' | 'bounds'>
  readonly monotonicMs: () => number
  readonly #recentRecords: RecentRecords
  readonly #later: Later
  readonly #tails = new Map<Tail, string | null>()
  /** For what a runtime has applied. */
  readonly #progress: Waits
  #head = -1
  #isConnected = false
  #recent: Recent
  #cancelAdvance: (() => void) | null = null
  #problem: LogError | null = null

  constructor({ env, log, recent, monotonicMs, later }: ChannelOptions) {
    this.env = env
    this.log = log
    this.#recentRecords = recent
    this.#recent = recent.open(-1)
    this.monotonicMs = monotonicMs
    this.#later = later
    this.#progress = new Waits(later)
  }

  get head(): number {
    return this.#head
  }

  /** Whether the head of the log is known. Before, tails wait. */
  get isConnected(): boolean {
    return this.#isConnected
  }

  get recent(): Recent {
    return this.#recent
  }

  /** The head that the log tells: what is published from now on follows it without a gap. */
  connect(head: number): void {
    if (this.#isConnected) return
    this.#isConnected = true
    // Some of it may have been published before it was told.
    this.#head = Math.max(this.#head, head)
    this.#recent = this.#recentRecords.open(this.#head)
    for (const tail of this.#tails.keys()) tail.start()
  }

  get readers(): number {
    return this.#tails.size
  }

  /** Why nothing is published any more. */
  get problem(): LogError | null {
    return this.#problem
  }

  /** What follows is not known any more, until it is connected again. */
  reset(): void {
    this.#problem = null
    this.#isConnected = false
    this.#head = -1
  }

  /** Of the log: pushed to every reader that is at the head. */
  published(records: readonly RevisedRecord[], head: number): void {
    if (head <= this.#head) return
    const fresh = records.filter(({ revision }) => revision > this.#head)
    this.#head = head
    if (!this.#isConnected) return
    if (fresh.length === 0) {
      // The head moves with every record of the partition; that the environment is idle is not worth a push each time.
      this.#cancelAdvance ??= this.#later(limits.idleAdvanceMs, () => this.#advance())
      return
    }
    this.#recent.add(fresh)
    for (const tail of this.#tails.keys()) tail.publish(fresh, head)
  }

  /** Of the log: it ends here. */
  failed(error: LogError): void {
    this.#problem = error
    for (const tail of this.#tails.keys()) tail.fail(error)
  }

  /** `runtime` tells readers apart; null: the reader is part of this process, and no write waits for it. */
  tail(after: number, reader: TailReader, runtime: string | null): Tail {
    const tail = new Tail(this, after, reader, {
      ended: () => {
        this.#tails.delete(tail)
        this.#progress.wake()
      },
      progressed: () => this.#progress.wake(),
    })
    if (this.#problem !== null) {
      const problem = this.#problem
      queueMicrotask(() => tail.fail(problem))
      return tail
    }
    this.#tails.set(tail, runtime)
    if (this.#isConnected) tail.start()
    return tail
  }

  /** Whether every runtime but one has applied a revision, waiting so long at most. */
  async applied(revision: number, except: string, timeoutMs: number): Promise<boolean> {
    const deadlineMs = this.monotonicMs() + timeoutMs
    while (this.#isAwaited(revision, except)) {
      const leftMs = deadlineMs - this.monotonicMs()
      if (leftMs <= 0) return false
      await this.#progress.wait(leftMs)
    }
    return true
  }

  /** Tails end silently. */
  end(): void {
    this.#cancelAdvance?.()
    for (const tail of this.#tails.keys()) tail.end()
  }

  #advance(): void {
    this.#cancelAdvance = null
    for (const tail of this.#tails.keys()) tail.publish([], this.#head)
  }

  #isAwaited(revision: number, except: string): boolean {
    for (const [tail, runtime] of this.#tails) {
      if (runtime !== null && runtime !== except && tail.applied < revision && tail.follows) return true
    }
    return false
  }
}

/** Publishes deltas and snapshots of every environment at its time, a few at once, and lets the log forget what they cover. */

import type { Later } from '../snapshots/later.ts'
import type { Manifest } from '../snapshots/manifest.ts'
import type { SnapshotPlatform } from '../snapshots/platform.ts'
import { limits } from '../src/base/limits.ts'
import { messageOf } from '../src/base/message.ts'
import type { Log } from '../src/log/log.ts'
import type { Hosted } from './hosted.ts'
import { objectFailure } from './object-failure.ts'
import { WorkerFit } from './worker-fit.ts'

export interface PublisherOptions {
  readonly hosted: () => Iterable<Hosted>
  readonly log: Log
  readonly platform: SnapshotPlatform
  readonly later: Later
  /** Between deltas of an environment with records. */
  readonly deltaIntervalMs: number
  /** Between two looks at an environment that has none: its position may have moved, or a snapshot be due. */
  readonly idleIntervalMs: number
  /** Up to where a partition may be forgotten, -1 for nothing. */
  readonly trimmable: (partition: string) => number
  /** Whether every environment is known that has a record in the log by now. */
  readonly knowsEveryEnvironment: () => Promise<boolean>
}

interface Pace {
  dueMs: number
  failures: number
}

export class Publisher {
  readonly #options: PublisherOptions
  readonly #paces = new WeakMap<Hosted, Pace>()
  readonly #trimmed = new Map<string, number>()
  #cancel: (() => void) | null = null
  #round: Promise<void> = Promise.resolve()
  #open = true
  readonly #fit: WorkerFit
  publications = 0
  failures = 0

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#fit = new WorkerFit(options.platform.log)
    this.#schedule()
  }

  /** Environments whose snapshots are too large for Workers. */
  get tooLargeForWorkers(): number {
    return this.#fit.tooLarge
  }

  /** Of an environment that is gone. */
  forget(env: string): void {
    this.#fit.forget(env)
  }

  /** Now. Rejects with LogError `unavailable`: what was published before stays valid. */
  async publish(hosted: Hosted, force: boolean): Promise<Manifest | null> {
    try {
      const manifest = await hosted.publish(force)
      this.publications++
      const newest = manifest?.snapshots[0]
      if (newest !== undefined) this.#fit.see(hosted.env, newest.rawBytes)
      return manifest
    } catch (cause) {
      throw objectFailure(cause)
    }
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    this.#open = false
    this.#cancel?.()
    await this.#round
  }

  #schedule(): void {
    if (!this.#open) return
    this.#cancel = this.#options.later(this.#options.deltaIntervalMs, () => {
      this.#round = this.#publishDue().finally(() => this.#schedule())
    })
  }

  async #publishDue(): Promise<void> {
    const due = [...this.#options.hosted()].filter((hosted) => this.#isDue(hosted))
    const next = async (): Promise<void> => {
      for (let hosted = due.shift(); hosted !== undefined && this.#open; hosted = due.shift()) await this.#publishOne(hosted)
    }
    await Promise.all(Array.from({ length: limits.publications }, next))
    await this.#trim()
  }

  #isDue(hosted: Hosted): boolean {
    if (hosted.publication === null) return false
    const nowMs = this.#options.platform.monotonicMs()
    const pace = this.#paces.get(hosted) ?? { dueMs: nowMs + this.#options.idleIntervalMs, failures: 0 }
    this.#paces.set(hosted, pace)
    return nowMs >= pace.dueMs || (hosted.isDirty && pace.failures === 0)
  }

  async #publishOne(hosted: Hosted): Promise<void> {
    const { platform, idleIntervalMs, deltaIntervalMs } = this.#options
    const pace = { failures: this.#paces.get(hosted)?.failures ?? 0 }
    try {
      await this.publish(hosted, false)
      this.#paces.set(hosted, { dueMs: platform.monotonicMs() + idleIntervalMs, failures: 0 })
    } catch (error) {
      this.failures++
      const delayMs = Math.min(limits.retryMaxMs, Math.max(deltaIntervalMs, limits.retryMs) * 2 ** Math.min(pace.failures, 10))
      this.#paces.set(hosted, { dueMs: platform.monotonicMs() + delayMs, failures: pace.failures + 1 })
      platform.log('error', 'publish-failed', {
        operation: 'publish',
        environment: hosted.env,
        revision: hosted.own?.revision ?? -1,
        reason: messageOf(error),
        retryMs: delayMs,
        automatic: true,
      })
    }
  }

  async #trim(): Promise<void> {
    const { log, platform, trimmable } = this.#options
    const partitions = new Set([...this.#options.hosted()].map(({ env }) => log.partitionOf(env)))
    for (const partition of partitions) {
      const through = trimmable(partition)
      if (!this.#open || through <= (this.#trimmed.get(partition) ?? -1)) continue
      try {
        await this.#trimPartition(partition, through)
      } catch (error) {
        // The next round tries again.
        const reason = messageOf(error)
        platform.log('warn', 'trim-failed', { operation: 'trim', partition, revision: through, reason, automatic: true })
      }
    }
  }

  async #trimPartition(partition: string, through: number): Promise<void> {
    const { log, platform, trimmable, knowsEveryEnvironment } = this.#options
    // `control` may be behind: an environment that is not known here yet has records too. All of those up to `through` were there before this question.
    if (!(await knowsEveryEnvironment())) return
    const safe = Math.min(through, trimmable(partition))
    if (!this.#open || safe <= (this.#trimmed.get(partition) ?? -1)) return
    await log.trim(partition, safe)
    this.#trimmed.set(partition, safe)
    for (const hosted of this.#options.hosted()) if (log.partitionOf(hosted.env) === partition) hosted.trimmed(safe)
    platform.log('info', 'log-trimmed', { partition, through: safe })
  }
}

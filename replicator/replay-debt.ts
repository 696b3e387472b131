/** How much a start would have to replay behind the newest snapshot: it grows with the changes of records, which their number says nothing of. */
import { limits } from '../src/base/limits.ts'
import type { RevisedRecord } from '../src/log/log.ts'

export class ReplayDebt {
  /** Changes behind the newest snapshot, and when the last ones came. */
  #changes = 0
  #changedAtMs = Number.NEGATIVE_INFINITY

  get changes(): number {
    return this.#changes
  }

  add(records: readonly RevisedRecord[], nowMs: number): void {
    if (records.length === 0) return
    for (const { record } of records) this.#changes += record.body.kind === 'facts' ? record.body.changes.length : 1
    this.#changedAtMs = nowMs
  }

  /** A snapshot holds the first so many of them. */
  pay(changes: number): void {
    this.#changes -= changes
  }

  /** Whether a snapshot is worth its work: there is much to replay, or some and nothing new comes. `facts` tells what a snapshot costs. */
  isDue(facts: () => number, nowMs: number): boolean {
    if (this.#changes < limits.quietChanges) return false
    if (nowMs - this.#changedAtMs >= limits.idlePublicationMs) return true
    return this.#changes >= limits.replayChanges && this.#changes >= facts() / LARGE_SHARE
  }
}

/** While a database is being filled, the work of all its snapshots stays in proportion to it. */
const LARGE_SHARE = 8

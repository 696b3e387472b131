/** When a snapshot is due again: after so many records, so much time, or so much that a bootstrap would have to replay. */
import type { RevisedRecord } from '../src/log/log.ts'
import { snapshotLimits } from './bounds.ts'
import type { DeltaEntry } from './manifest.ts'

export interface SnapshotPaceSettings {
  /** A snapshot is cut after so many records, and so long after the first one. */
  readonly snapshotRecords: number
  readonly snapshotIntervalMs: number
}

/** What was seen since the newest snapshot, up to a moment. */
export interface Seen {
  readonly records: number
  readonly changes: number
  readonly atMs: number
}

export class SnapshotPace {
  readonly #settings: SnapshotPaceSettings
  readonly #monotonicMs: () => number
  /** Records since the newest snapshot, as far as they were seen here, and what they change. */
  #records: number
  #changes: number
  /** When the first of them was added. */
  #firstAtMs: number
  #takenAtMs: number
  /** How long the newest one took. */
  #tookMs = 0

  /** `behind`: what follows the newest snapshot. */
  constructor(settings: SnapshotPaceSettings, monotonicMs: () => number, behind: readonly DeltaEntry[]) {
    this.#settings = settings
    this.#monotonicMs = monotonicMs
    // How many records they hold is not known; each has one at least.
    this.#records = behind.length
    this.#changes = behind.reduce((sum, { storedBytes }) => sum + storedBytes / STORED_CHANGE_BYTES, 0)
    this.#takenAtMs = monotonicMs()
    this.#firstAtMs = this.#takenAtMs
  }

  /** When the newest snapshot was taken, or this began. */
  get takenAtMs(): number {
    return this.#takenAtMs
  }

  add(records: readonly RevisedRecord[]): void {
    if (this.#records === 0 && records.length > 0) this.#firstAtMs = this.#monotonicMs()
    this.#records += records.length
    this.#changes += changesOf(records)
  }

  isDue(): boolean {
    if (this.#records >= this.#settings.snapshotRecords || this.#isReplayLong()) return true
    return this.#records > 0 && this.#monotonicMs() - this.#firstAtMs >= this.#settings.snapshotIntervalMs
  }

  /** What a snapshot holds that is begun now. */
  seen(): Seen {
    return { records: this.#records, changes: this.#changes, atMs: this.#monotonicMs() }
  }

  /** There is a new snapshot, of what had been seen when it was begun. */
  taken({ records, changes, atMs }: Seen): void {
    this.#records -= records
    this.#changes -= changes
    this.#takenAtMs = this.#monotonicMs()
    this.#tookMs = this.#takenAtMs - atMs
    this.#firstAtMs = this.#takenAtMs
  }

  /** A bootstrap replays 20 µs per change; cutting a snapshot takes 1 µs per fact there is, and only a small part of the time shall go into that. */
  #isReplayLong(): boolean {
    if (this.#changes < snapshotLimits.replayedChanges) return false
    const restMs = Math.max(snapshotLimits.restMs, snapshotLimits.restTimes * this.#tookMs)
    return this.#monotonicMs() - this.#takenAtMs >= restMs
  }
}

/** Of a change in a delta, as seen with facts of two and three arguments. */
const STORED_CHANGE_BYTES = 10

const changesOf = (records: readonly RevisedRecord[]): number =>
  records.reduce((sum, { record: { body } }) => sum + (body.kind === 'facts' ? body.changes.length : 1), 0)

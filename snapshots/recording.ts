/** The records that a replica applied since a swap began, for the store that takes its place. */
import { limits } from '../src/base/limits.ts'
import { changesOf, turns } from '../src/log/apply.ts'
import type { RevisedRecord } from '../src/log/log.ts'
import { SwapError } from './replica-error.ts'

export class Recording {
  /** What the replica held when the recording began: an image that holds as much misses nothing. */
  readonly from: number
  #records: RevisedRecord[] = []
  #changes = 0
  #isFull = false

  constructor(from: number) {
    this.from = from
  }

  add(records: readonly RevisedRecord[]): void {
    this.#records.push(...records)
    this.#changes += changesOf(records)
    if (this.#changes <= limits.swapChanges) return
    this.#isFull = true
    this.#records = []
  }

  /** The oldest records, as many as are applied in one turn. Throws SwapError when there were too many to keep. */
  next(): readonly RevisedRecord[] {
    if (this.#isFull) throw new SwapError('overtaken', `more than ${limits.swapChanges} changes arrived while the next state was prepared`)
    const turn = turns(this.#records, limits.applyChanges)[0] ?? []
    this.#records = this.#records.slice(turn.length)
    this.#changes -= changesOf(turn)
    return turn
  }
}

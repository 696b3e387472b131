/** The newest records of every environment in memory, as bytes, so that readers who fell back a little are served without reading the log. */
import { at } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import { decodedRecord, encodedRecord } from '../src/log/encoded.ts'
import type { RevisedRecord } from '../src/log/log.ts'
import { nativeSha256 } from './native-hash.ts'

/** Of what holds a record, beside its bytes. */
const OVERHEAD_BYTES = 300

/** All environments share one bound: the oldest record of them all goes first. */
export class RecentRecords {
  readonly #maxBytes: number
  #kept: { readonly of: Recent; readonly sizeBytes: number }[] = []
  #gone = 0
  #sizeBytes = 0

  constructor(maxBytes: number = limits.recentBytes) {
    this.#maxBytes = maxBytes
  }

  /** For one environment; `head`: nothing up to there is in it. */
  open(head: number): Recent {
    return new Recent(head, (of, bytes) => this.#add(of, bytes))
  }

  #add(of: Recent, { length }: Uint8Array): void {
    const sizeBytes = OVERHEAD_BYTES + length
    this.#kept.push({ of, sizeBytes })
    this.#sizeBytes += sizeBytes
    while (this.#sizeBytes > this.#maxBytes) {
      const oldest = at(this.#kept, this.#gone++)
      this.#sizeBytes -= oldest.sizeBytes
      oldest.of.forgetOldest()
    }
    if (this.#gone > 1000 && this.#gone > this.#kept.length / 2) {
      this.#kept = this.#kept.slice(this.#gone)
      this.#gone = 0
    }
  }
}

/** As an object a record takes five times as much, in a heap that the garbage collector walks again and again while snapshots are made. */
interface Kept {
  readonly revision: number
  readonly bytes: Uint8Array
}

export class Recent {
  readonly #added: (of: Recent, bytes: Uint8Array) => void
  #records: Kept[] = []
  #gone = 0
  /** Everything of the environment behind this position is in here. */
  #from: number

  constructor(head: number, added: (of: Recent, bytes: Uint8Array) => void) {
    this.#from = head
    this.#added = added
  }

  /** Records right behind those that are in here. */
  add(records: readonly RevisedRecord[]): void {
    for (const { revision, record } of records) {
      const bytes = encodedRecord(record, nativeSha256)
      this.#records.push({ revision, bytes })
      this.#added(this, bytes)
    }
  }

  /** The first records that follow a position, as many as one turn reads, or null when some of what follows is not in here any more. */
  after(position: number, limit: number): readonly RevisedRecord[] | null {
    if (position < this.#from) return null
    const found: RevisedRecord[] = []
    let sizeBytes = 0
    for (let index = this.#firstAfter(position); index < this.#records.length && found.length < limit; index++) {
      const { revision, bytes } = at(this.#records, index)
      sizeBytes += bytes.length
      if (found.length > 0 && sizeBytes > limits.readChunkBytes) break
      found.push({ revision, record: decodedRecord(bytes, nativeSha256) })
    }
    return found
  }

  forgetOldest(): void {
    const oldest = this.#records[this.#gone]
    if (oldest === undefined) return
    this.#from = oldest.revision
    // Its place goes later, together with others; its bytes, of which there may be a million, go now.
    this.#records[this.#gone++] = { revision: oldest.revision, bytes: FORGOTTEN }
    if (this.#gone > 1000 && this.#gone > this.#records.length / 2) {
      this.#records = this.#records.slice(this.#gone)
      this.#gone = 0
    }
  }

  #firstAfter(position: number): number {
    let [low, high] = [this.#gone, this.#records.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (at(this.#records, middle).revision > position) high = middle
      else low = middle + 1
    }
    return low
  }
}

const FORGOTTEN = new Uint8Array()

/** The newest records of every environment in memory, so that readers who fell back a little are served without reading the log. */
import { at } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import type { RevisedRecord } from '../src/log/log.ts'
import type { LogRecord, RecordBody } from '../src/log/record.ts'

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
    return new Recent(head, (of, record) => this.#add(of, record))
  }

  #add(of: Recent, { record }: RevisedRecord): void {
    const sizeBytes = roughBytes(record)
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

export class Recent {
  readonly #added: (of: Recent, record: RevisedRecord) => void
  #records: RevisedRecord[] = []
  #gone = 0
  /** Everything of the environment behind this position is in here. */
  #from: number

  constructor(head: number, added: (of: Recent, record: RevisedRecord) => void) {
    this.#from = head
    this.#added = added
  }

  /** Records right behind those that are in here. */
  add(records: readonly RevisedRecord[]): void {
    for (const record of records) {
      this.#records.push(record)
      this.#added(this, record)
    }
  }

  /** What follows a position, or null when some of that is not in here any more. */
  after(position: number, limit: number): readonly RevisedRecord[] | null {
    if (position < this.#from) return null
    const start = this.#firstAfter(position)
    return this.#records.slice(start, start + limit)
  }

  forgetOldest(): void {
    const oldest = this.#records[this.#gone]
    if (oldest === undefined) return
    this.#from = oldest.revision
    // Its place goes later, together with others; its facts, of which there may be a thousand, go now.
    this.#records[this.#gone++] = { ...oldest, record: { ...oldest.record, body: FORGOTTEN } }
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

const FORGOTTEN: RecordBody = { kind: 'genesis' }

/** Of its texts, which are most of it, and of what holds them. */
const roughBytes = ({ body, writeId }: LogRecord): number => {
  let sizeBytes = 300 + 2 * writeId.length
  if (body.kind === 'policy') sizeBytes += 2 * body.source.length
  if (body.kind !== 'facts') return sizeBytes
  for (const change of body.changes) {
    const { args } = change.kind === 'insert' ? change.fact : change.pattern
    sizeBytes += 100
    for (const { type, id } of args) sizeBytes += 80 + 2 * ((type?.length ?? 0) + (id?.length ?? 0))
  }
  return sizeBytes
}

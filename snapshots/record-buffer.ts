/** Records that wait for the next delta: a bounded run without gap behind the last one, and the position from which only a snapshot leads on. */
import type { RevisedRecord } from '../src/log/log.ts'
import type { LogRecord } from '../src/log/record.ts'
import { snapshotLimits } from './bounds.ts'

export class RecordBuffer {
  /** Deltas reach up to here. */
  #after: number
  /** Every record behind `#after`, in order, up to the barrier if there is one. */
  #run: RevisedRecord[] = []
  /** Last position of the run. */
  #end: number
  /** No delta leads past it, a snapshot at this position or later has to. */
  #barrier: number | null = null
  /** Every record behind the barrier. */
  #rest: RevisedRecord[] = []
  #through: number
  #bytes = 0

  constructor(after: number) {
    this.#after = after
    this.#end = after
    this.#through = after
  }

  /** Deltas reach up to here, and the next one starts right behind. */
  get after(): number {
    return this.#after
  }

  /** Everything up to here was added. */
  get through(): number {
    return this.#through
  }

  get barrier(): number | null {
    return this.#barrier
  }

  /** Records that wait. */
  get size(): number {
    return this.#run.length + this.#rest.length
  }

  /** What the next delta can hold, up to a position. */
  upTo(position: number): { readonly first: number; readonly last: number; readonly records: readonly RevisedRecord[] } {
    const last = Math.max(this.#after, Math.min(position, this.#end))
    return { first: this.#after + 1, last, records: this.#run.filter(({ revision }) => revision <= last) }
  }

  /** What was added before is skipped. Over its bounds it forgets: then a snapshot is needed. */
  add(records: readonly RevisedRecord[], through: number): void {
    for (const revised of records) {
      if (revised.revision <= this.#through) continue
      this.#through = revised.revision
      if (revised.record.body.kind === 'restore') this.#cutAt(revised.revision)
      else {
        const waiting = this.#barrier === null ? this.#run : this.#rest
        waiting.push(revised)
        this.#bytes += weightOf(revised.record)
      }
    }
    this.#through = Math.max(this.#through, through)
    if (this.#barrier === null) this.#end = this.#through
    if (this.size > snapshotLimits.bufferedRecords || this.#bytes > snapshotLimits.bufferedBytes) this.forget(this.#through)
  }

  /** What happened up to a position is not known here, or no longer. */
  forget(position: number): void {
    const barrier = Math.max(position, this.#barrier ?? position)
    this.#rest = [...this.#run, ...this.#rest].filter(({ revision }) => revision > barrier)
    this.#run = []
    this.#end = this.#after
    this.#barrier = barrier
    this.#through = Math.max(this.#through, position)
    this.#weigh()
  }

  /** Deltas reach up to `after` now, whoever wrote them. */
  goOnFrom(after: number): void {
    const known = this.#barrier === null ? after >= this.#after : after >= this.#after && after <= this.#end
    if (this.#barrier !== null && after >= this.#barrier) {
      this.restart(after)
      return
    }
    this.#after = after
    if (known) {
      this.#run = this.#run.filter(({ revision }) => revision > after)
      this.#end = Math.max(this.#end, after)
      this.#through = Math.max(this.#through, after)
      this.#weigh()
    } else this.forget(this.#through)
  }

  /** A snapshot stands at a position at or behind the barrier: deltas go on from there. */
  restart(position: number): void {
    const published = this.#after
    this.#run = [...this.#run, ...this.#rest].filter(({ revision }) => revision > position)
    this.#rest = []
    this.#barrier = null
    this.#after = position
    this.#through = Math.max(this.#through, position)
    this.#end = this.#through
    this.#weigh()
    // What deltas had taken is here no more.
    if (position < published) this.forget(published)
  }

  /** A restore record: deltas lead up to it, and what waited behind an earlier barrier leads nowhere. */
  #cutAt(revision: number): void {
    if (this.#barrier === null) this.#end = Math.max(this.#after, revision - 1)
    this.#barrier = revision
    this.#rest = []
    this.#weigh()
  }

  #weigh(): void {
    this.#bytes = [...this.#run, ...this.#rest].reduce((sum, { record }) => sum + weightOf(record), 0)
  }
}

/** About the bytes of a record in a delta. */
const weightOf = ({ body }: LogRecord): number => {
  if (body.kind === 'policy') return RECORD_BYTES + body.source.length
  if (body.kind !== 'facts') return RECORD_BYTES
  let bytes = RECORD_BYTES
  for (const change of body.changes) {
    const { predicate, args } = change.kind === 'insert' ? change.fact : change.pattern
    bytes += CHANGE_BYTES + predicate.length
    for (const { type, id } of args) bytes += (type?.length ?? 0) + (id?.length ?? 0) + CHANGE_BYTES
  }
  return bytes
}

/** Headers, ids and brackets of a record; quotes and commas of a change. */
const RECORD_BYTES = 150
const CHANGE_BYTES = 6

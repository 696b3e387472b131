/** A delta: every record of a range of positions, each with its revision, in the log's own codec (docs/formats/delta.md). */
import { assert, at } from '../src/base/assert.ts'
import { decodeRecord, RecordError } from '../src/log/codec.ts'
import { encodedRecord } from '../src/log/encoded.ts'
import type { RevisedRecord } from '../src/log/log.ts'
import { snapshotLimits } from './bounds.ts'

/** First and last position, both included. */
export interface DeltaRange {
  readonly first: number
  readonly last: number
}

/** The bytes are no delta of this range. `format`: a newer version wrote it. */
export class DeltaError extends Error {
  override readonly name = 'DeltaError'
  readonly code: 'format' | 'damaged'
  constructor(code: DeltaError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const FORMAT = 1
/** `ARCD`. */
const MAGIC = [0x41, 0x52, 0x43, 0x44]
const FIRST_AT = 5
const LAST_AT = 13
const COUNT_AT = 21
export const HEADER_BYTES = 25
/** Of a record: its revision and its length. */
const ENTRY_BYTES = 12

/** Bytes of the records in a delta, each with what stands in front of it. `pause` lets others run between turns. */
export const encodeRecords = async (records: readonly RevisedRecord[], pause: () => Promise<void>): Promise<readonly Uint8Array[]> => {
  const parts: Uint8Array[] = []
  let turn = 0
  for (const { revision, record } of records) {
    const encoded = encodedRecord(record)
    const part = new Uint8Array(ENTRY_BYTES + encoded.length)
    const view = new DataView(part.buffer)
    view.setBigUint64(0, BigInt(revision))
    view.setUint32(8, encoded.length)
    part.set(encoded, ENTRY_BYTES)
    parts.push(part)
    turn += part.length
    if (turn < snapshotLimits.turnBytes) continue
    turn = 0
    await pause()
  }
  return parts
}

/** The raw bytes of a delta of so many records, of parts that `encodeRecords` or `partOf` made. Canonical: equal records of an equal range have equal bytes. */
export const joinDelta = ({ first, last }: DeltaRange, count: number, parts: readonly Uint8Array[]): Uint8Array => {
  assert(first >= 0 && last >= first, `positions ${first} to ${last} are a range`)
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, HEADER_BYTES))
  const view = new DataView(bytes.buffer)
  bytes.set(MAGIC)
  bytes[MAGIC.length] = FORMAT
  view.setBigUint64(FIRST_AT, BigInt(first))
  view.setBigUint64(LAST_AT, BigInt(last))
  view.setUint32(COUNT_AT, count)
  let end = HEADER_BYTES
  for (const part of parts) {
    bytes.set(part, end)
    end += part.length
  }
  return bytes
}

/** All records of an intact delta as one part of another. */
export const partOf = (bytes: Uint8Array): { readonly part: Uint8Array; readonly records: number } => ({
  part: bytes.subarray(HEADER_BYTES),
  records: new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(COUNT_AT),
})

/** The records of a delta that covers exactly this range, one by one, so that a large one is never decoded as a whole. Throws DeltaError, also while it is
 * walked: what came before is intact and in order. */
export const deltaRecords = (bytes: Uint8Array, range: DeltaRange): Iterable<RevisedRecord> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < HEADER_BYTES || MAGIC.some((byte, index) => bytes[index] !== byte)) throw damaged('it does not start like a delta')
  const format = at(bytes, MAGIC.length)
  if (format !== FORMAT) throw new DeltaError('format', `the delta has format ${format}, known is ${FORMAT}: a newer version wrote it`)
  const [first, last] = [view.getBigUint64(FIRST_AT), view.getBigUint64(LAST_AT)]
  if (first !== BigInt(range.first) || last !== BigInt(range.last)) {
    throw damaged(`it covers positions ${first} to ${last}, expected ${range.first} to ${range.last}`)
  }
  return walk(bytes, view, range)
}

function* walk(bytes: Uint8Array, view: DataView, { first, last }: DeltaRange): Generator<RevisedRecord> {
  const count = view.getUint32(COUNT_AT)
  let start = HEADER_BYTES
  let lowest = first
  for (let index = 0; index < count; index++) {
    if (bytes.length < start + ENTRY_BYTES) throw damaged(`it ends in front of record ${index} of ${count}`)
    const revision = Number(view.getBigUint64(start))
    const end = start + ENTRY_BYTES + view.getUint32(start + 8)
    if (revision < lowest || revision > last) throw damaged(`revision ${revision} is out of order or of its range`)
    if (bytes.length < end) throw damaged(`it ends in the record of revision ${revision}`)
    yield { revision, record: recordOf(bytes.subarray(start + ENTRY_BYTES, end), revision) }
    lowest = revision + 1
    start = end
  }
  if (start !== bytes.length) throw damaged(`it goes on behind its ${count} records`)
}

const recordOf = (bytes: Uint8Array, revision: number): RevisedRecord['record'] => {
  try {
    const record = decodeRecord(bytes)
    // A state that comes from an object and not from records cannot be replayed.
    if (record.body.kind === 'restore') throw damaged(`it holds the restore record of revision ${revision}`)
    return record
  } catch (error) {
    if (!(error instanceof RecordError)) throw error
    const reason = `the record of revision ${revision} cannot be read: ${error.message}`
    throw error.code === 'format' ? new DeltaError('format', reason, { cause: error }) : damaged(reason, error)
  }
}

const damaged = (reason: string, cause?: unknown): DeltaError =>
  new DeltaError('damaged', `the delta cannot be used: ${reason}`, cause === undefined ? undefined : { cause })

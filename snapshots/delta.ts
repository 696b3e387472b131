/** A delta: every record of a range of positions, each with its revision, in the log's own codec (docs/formats/delta.md). */
import { assert, at } from '../src/base/assert.ts'
import { decodeRecord, RecordError } from '../src/log/codec.ts'
import { encodedRecord } from '../src/log/encoded.ts'
import type { RevisedRecord } from '../src/log/log.ts'
import { foreignTo } from '../src/store/environment.ts'
import { snapshotLimits } from './bounds.ts'

/** An environment's positions from first to last, both included. */
export interface DeltaRange {
  readonly env: string
  readonly first: number
  readonly last: number
}

/** The bytes are no delta of this range. `format`: a newer version wrote it; `foreign`: it is another environment's. */
export class DeltaError extends Error {
  override readonly name = 'DeltaError'
  readonly code: 'format' | 'damaged' | 'foreign'
  constructor(code: DeltaError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const FORMAT = 2
/** Earlier versions wrote it: it does not say whose records they are. */
const UNNAMED_FORMAT = 1
/** `ARCD`. */
const MAGIC = [0x41, 0x52, 0x43, 0x44]
const FIRST_AT = 5
const LAST_AT = 13
const COUNT_AT = 21
/** In format 1 the records begin here, from then on the length of the environment's id and the id. */
const ENVIRONMENT_AT = 25
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
export const joinDelta = ({ env, first, last }: DeltaRange, count: number, parts: readonly Uint8Array[]): Uint8Array => {
  assert(first >= 0 && last >= first, `positions ${first} to ${last} are a range`)
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, headerBytes(env)))
  const view = new DataView(bytes.buffer)
  bytes.set(MAGIC)
  bytes[MAGIC.length] = FORMAT
  view.setBigUint64(FIRST_AT, BigInt(first))
  view.setBigUint64(LAST_AT, BigInt(last))
  view.setUint32(COUNT_AT, count)
  bytes[ENVIRONMENT_AT] = env.length
  bytes.set(new TextEncoder().encode(env), ENVIRONMENT_AT + 1)
  let end = headerBytes(env)
  for (const part of parts) {
    bytes.set(part, end)
    end += part.length
  }
  return bytes
}

/** In front of the records of a delta that is written now. An id is ASCII, and shorter than a byte tells. */
export const headerBytes = (env: string): number => ENVIRONMENT_AT + 1 + env.length

/** All records of an intact delta of exactly this range as one part of another. Throws DeltaError when its header is none of that. */
export const partOf = (bytes: Uint8Array, range: DeltaRange): { readonly part: Uint8Array; readonly records: number } => {
  const { count, end } = headerOf(bytes, range)
  return { part: bytes.subarray(end), records: count }
}

/** The records of a delta that covers exactly this range, one by one, so that a large one is never decoded as a whole. Throws DeltaError while it is walked: what
 * came before is intact and in order. */
export function* deltaRecords(bytes: Uint8Array, range: DeltaRange): Generator<RevisedRecord> {
  const { view, count, end: begin } = headerOf(bytes, range)
  let start = begin
  let lowest = range.first
  for (let index = 0; index < count; index++) {
    if (bytes.length < start + ENTRY_BYTES) throw damaged(`it ends in front of record ${index} of ${count}`)
    const revision = Number(view.getBigUint64(start))
    const end = start + ENTRY_BYTES + view.getUint32(start + 8)
    if (revision < lowest || revision > range.last) throw damaged(`revision ${revision} is out of order or of its range`)
    if (bytes.length < end) throw damaged(`it ends in the record of revision ${revision}`)
    yield { revision, record: recordOf(bytes.subarray(start + ENTRY_BYTES, end), revision) }
    lowest = revision + 1
    start = end
  }
  if (start !== bytes.length) throw damaged(`it goes on behind its ${count} records`)
}

interface Header {
  readonly view: DataView
  /** Of records. */
  readonly count: number
  /** Where they begin. */
  readonly end: number
}

const headerOf = (bytes: Uint8Array, { env, first, last }: DeltaRange): Header => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < ENVIRONMENT_AT || MAGIC.some((byte, index) => bytes[index] !== byte)) throw damaged('it does not start like a delta')
  const format = at(bytes, MAGIC.length)
  if (format !== FORMAT && format !== UNNAMED_FORMAT)
    throw new DeltaError('format', `the delta has format ${format}, known is ${FORMAT}: a newer version wrote it`)
  let end = ENVIRONMENT_AT
  if (format === FORMAT) {
    end += 1 + (bytes[end] ?? 0)
    if (bytes.length < end) throw damaged('it ends in its header')
    const foreign = foreignTo(new TextDecoder().decode(bytes.subarray(ENVIRONMENT_AT + 1, end)), env)
    if (foreign !== null) throw new DeltaError('foreign', `it ${foreign}`)
  }
  const [from, to] = [view.getBigUint64(FIRST_AT), view.getBigUint64(LAST_AT)]
  if (from !== BigInt(first) || to !== BigInt(last)) throw damaged(`it covers positions ${from} to ${to}, expected ${first} to ${last}`)
  return { view, count: view.getUint32(COUNT_AT), end }
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

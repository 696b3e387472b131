/** The bytes of records that a log holds, beside the records: whoever passes one on, to a runtime or into a delta, does not encode it again. */
import { recordText } from './body.ts'
import { decodeRecord, encodeRecord, HEADER_BYTES, type Sha256 } from './codec.ts'
import type { LogRecord } from './record.ts'

// Lives as long as the record: a seventh of what that takes itself.
const known = new WeakMap<LogRecord, Uint8Array>()
const encoder = new TextEncoder()

/** As `encodeRecord`; nobody may change the bytes. */
export const encodedRecord = (record: LogRecord, hash?: Sha256): Uint8Array => {
  const found = known.get(record)
  if (found !== undefined) return found
  const bytes = encodeRecord(record, hash)
  known.set(record, bytes)
  return bytes
}

/** As `decodeRecord`. The bytes may be a part of something larger, which is not held. */
export const decodedRecord = (bytes: Uint8Array, hash?: Sha256): LogRecord => {
  const record = decodeRecord(bytes, hash)
  known.set(record, bytes.slice())
  return record
}

/** The UTF-8 of `recordText`. */
export const encodedText = (record: LogRecord): Uint8Array =>
  known.get(record)?.subarray(HEADER_BYTES) ?? encoder.encode(recordText(record))

/** The bytes of a log record: a header with format, length and checksum, then the record's text (docs/formats/record.md). */
import { sha256 } from '@noble/hashes/sha2.js'
import { assert, at } from '../base/assert.ts'
import { parseRecordText, recordText, ShapeError } from './body.ts'
import type { LogRecord } from './record.ts'

/** Why bytes are no record: cut off, something else, damaged, of a format that a newer version wrote, or intact but of no known shape. */
export type RecordErrorCode = 'truncated' | 'not-a-record' | 'checksum' | 'format' | 'shape'

export class RecordError extends Error {
  override readonly name = 'RecordError'
  readonly code: RecordErrorCode
  constructor(code: RecordErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const FORMAT = 1
/** `ARCR`. */
const MAGIC = [0x41, 0x52, 0x43, 0x52]
const LENGTH_AT = 5
const CHECKSUM_AT = 9
const CHECKSUM_BYTES = 16
/** In front of the record's text. */
export const HEADER_BYTES = CHECKSUM_AT + CHECKSUM_BYTES

const encoder = new TextEncoder()
// A byte order mark is never dropped: it may be part of an id.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** SHA-256 of the parts, one after another. A platform's own implementation may stand in for speed. */
export type Sha256 = (parts: readonly [Uint8Array, Uint8Array]) => Uint8Array

/** Canonical: equal records have equal bytes. */
export const encodeRecord = (record: LogRecord, hash: Sha256 = portableSha256): Uint8Array => {
  const payload = encoder.encode(recordText(record))
  assert(payload.length < 2 ** 32, 'the length of a record fits into four bytes')
  const bytes = new Uint8Array(HEADER_BYTES + payload.length)
  bytes.set(MAGIC)
  bytes[MAGIC.length] = FORMAT
  new DataView(bytes.buffer).setUint32(LENGTH_AT, payload.length)
  bytes.set(payload, HEADER_BYTES)
  bytes.set(hash(checksummed(bytes)).subarray(0, CHECKSUM_BYTES), CHECKSUM_AT)
  return bytes
}

/** Inverse of `encodeRecord`. Throws RecordError. */
export const decodeRecord = (bytes: Uint8Array, hash: Sha256 = portableSha256): LogRecord => {
  const format = verifyRecord(bytes, hash)
  if (format !== FORMAT) throw new RecordError('format', `the record has format ${format}, known is ${FORMAT}: a newer version wrote it`)
  try {
    return parseRecordText(decoder.decode(bytes.subarray(HEADER_BYTES)))
  } catch (cause) {
    const reason = cause instanceof ShapeError ? cause.message : 'the text is no UTF-8'
    throw new RecordError('shape', `the record cannot be read: ${reason}`, { cause })
  }
}

/** Checks everything but the text and returns the format, which may be unknown here. Throws RecordError. */
export const verifyRecord = (bytes: Uint8Array, hash: Sha256 = portableSha256): number => {
  // Compared as far as there are bytes, so that a cut record is told from something else.
  for (let index = 0; index < Math.min(MAGIC.length, bytes.length); index++) {
    if (bytes[index] !== MAGIC[index]) throw new RecordError('not-a-record', 'the bytes do not start like a record')
  }
  if (bytes.length < HEADER_BYTES) throw new RecordError('truncated', `the record is cut off after ${bytes.length} bytes, in its header`)
  const expected = HEADER_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(LENGTH_AT)
  if (bytes.length < expected) throw new RecordError('truncated', `the record is cut off after ${bytes.length} of ${expected} bytes`)
  if (bytes.length > expected) throw new RecordError('checksum', `the record has ${bytes.length} bytes, its header says ${expected}`)
  // Before the format is looked at: a damaged format byte is damage, not a newer version. All formats share this header.
  const sum = hash(checksummed(bytes))
  for (let index = 0; index < CHECKSUM_BYTES; index++) {
    if (bytes[CHECKSUM_AT + index] !== sum[index]) throw new RecordError('checksum', 'the record does not match its checksum')
  }
  return at(bytes, MAGIC.length)
}

/** What the checksum covers: all but itself. */
const checksummed = (bytes: Uint8Array): readonly [Uint8Array, Uint8Array] => [bytes.subarray(0, CHECKSUM_AT), bytes.subarray(HEADER_BYTES)]

const portableSha256: Sha256 = ([head, payload]) => sha256.create().update(head).update(payload).digest()

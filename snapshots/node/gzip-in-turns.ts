/** Gzip in short turns of one thread, and back. It makes one member, which every reader takes for what it is. */
import { constants, crc32, deflateRawSync, inflateRawSync } from 'node:zlib'
import { at } from '../../src/base/assert.ts'

/** Of one turn: less than a millisecond. What repeats over longer distances is not found. */
const TURN_BYTES = 64 * 1024
/** Most that a turn becomes: what does not shrink is stored, in few blocks. */
const DEFLATED_BYTES = TURN_BYTES + 64
/** RFC 1952: magic, deflate, no flags, no time, fastest, unknown system. */
const header = new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255])
/** CRC-32 and size. */
const TRAILER_BYTES = 8

export interface TurnedGzip {
  readonly bytes: Uint8Array
  /** Where each turn ends in them; the first one begins behind the header. */
  readonly ends: readonly number[]
}

/** `rest` between the turns. */
export const gzipInTurns = (raw: Uint8Array, level: number, rest: () => void): TurnedGzip => {
  const turns = Math.max(1, Math.ceil(raw.length / TURN_BYTES))
  const bytes = new Uint8Array(header.length + turns * DEFLATED_BYTES + TRAILER_BYTES)
  bytes.set(header)
  const ends: number[] = []
  let end = header.length
  let sum = 0
  for (let turn = 0; turn < turns; turn++) {
    const part = raw.subarray(turn * TURN_BYTES, (turn + 1) * TURN_BYTES)
    // Each ends at a byte and looks back at none before it: one behind the other they are one stream.
    const finishFlush = turn === turns - 1 ? constants.Z_FINISH : constants.Z_SYNC_FLUSH
    const deflated = deflateRawSync(part, { level, chunkSize: DEFLATED_BYTES, finishFlush })
    bytes.set(deflated, end)
    end += deflated.length
    ends.push(end)
    sum = crc32(part, sum)
    rest()
  }
  bytes.set(trailerOf(sum, raw.length), end)
  return { bytes: bytes.slice(0, end + TRAILER_BYTES), ends }
}

/** Turn by turn. Throws at damaged bytes, what zlib throws or its own: header and trailer are compared too. */
export function* gunzipInTurns({ bytes, ends }: TurnedGzip): Generator<Uint8Array> {
  if (header.some((byte, index) => bytes[index] !== byte)) throw new Error('the header is another one')
  let sum = 0
  let size = 0
  for (const [turn, end] of ends.entries()) {
    const part = bytes.subarray(turn === 0 ? header.length : at(ends, turn - 1), end)
    const raw = inflateRawSync(part, { chunkSize: TURN_BYTES, maxOutputLength: TURN_BYTES, finishFlush: constants.Z_SYNC_FLUSH })
    sum = crc32(raw, sum)
    size += raw.length
    yield raw
  }
  const end = at(ends, ends.length - 1)
  if (Buffer.compare(bytes.subarray(end), trailerOf(sum, size)) !== 0) throw new Error('the trailer is another one')
}

const trailerOf = (sum: number, size: number): Uint8Array => {
  const trailer = new DataView(new ArrayBuffer(TRAILER_BYTES))
  trailer.setUint32(0, sum, true)
  trailer.setUint32(4, size % 2 ** 32, true)
  return new Uint8Array(trailer.buffer)
}

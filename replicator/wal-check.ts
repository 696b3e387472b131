/** Tells a damaged write-ahead log of SQLite from one whose last transaction was never finished (sqlite.org/fileformat2.html, section 4). */
import { closeSync, existsSync, fsyncSync, openSync, readSync } from 'node:fs'

const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24
/** The lowest bit says in which byte order the checksums read their input. */
const MAGIC = 0x377f0682

/** Says what is wrong, or null when no durable transaction is lost. SQLite itself ends the log at the first frame that does not fit, silently.
 *
 * A commit is durable before the next transaction begins. So a transaction that continues another one proves that the other was durable; when a frame
 * before that place does not fit, durable transactions would be lost. Whatever does not fit without such a proof behind it is a transaction that was
 * never finished, its remains, or frames of an earlier use of the file. No other process may write to the file. */
export const walDamage = (path: string): string | null => {
  if (!existsSync(path)) return null
  const file = openSync(path, 'r+')
  try {
    const damage = damageOf(file)
    // What a killed process wrote but did not sync is about to be read and continued, so it has to be durable too.
    if (damage === null) fsyncSync(file)
    return damage
  } finally {
    closeSync(file)
  }
}

const damageOf = (file: number): string | null => {
  const head = readAt(file, 0, HEADER_BYTES)
  // The header is synced before the first frame is written: without frames, a bad one is an unfinished one.
  const frames = readAt(file, HEADER_BYTES, 1)
  if (head === null || frames === null) return null
  const header = headerOf(head)
  return header === null ? 'the header of its `-wal` file does not match its checksum' : frameDamage(file, header)
}

type Checksum = readonly [number, number]

interface Header {
  readonly littleEndian: boolean
  readonly pageBytes: number
  readonly salts: Checksum
  readonly checksum: Checksum
}

const headerOf = (head: DataView): Header | null => {
  const magic = head.getUint32(0)
  const pageBytes = head.getUint32(8)
  const littleEndian = magic === MAGIC
  const checksum = pair(head, 24)
  const known = littleEndian || magic === MAGIC + 1
  if (!known || !same(checksum, sum([0, 0], head, [0, 24], littleEndian)) || pageBytes < 512 || pageBytes > 65_536) return null
  return { littleEndian, pageBytes, salts: pair(head, 16), checksum }
}

const frameDamage = (file: number, { littleEndian, pageBytes, salts, checksum }: Header): string | null => {
  const frameBytes = FRAME_HEADER_BYTES + pageBytes
  let before: { readonly commits: boolean; readonly seeds: readonly Checksum[] } = { commits: true, seeds: [checksum] }
  let firstBad: number | null = null
  for (let index = 0; ; index++) {
    const frame = readAt(file, HEADER_BYTES + index * frameBytes, frameBytes)
    if (frame === null) return null
    const stored = pair(frame, 16)
    const sums = before.seeds.map((seed) =>
      sum(sum(seed, frame, [0, 8], littleEndian), frame, [FRAME_HEADER_BYTES, frameBytes], littleEndian),
    )
    const current = frame.getUint32(0) !== 0 && same(pair(frame, 8), salts)
    const continues = current && sums.some((found) => same(found, stored))
    if (!continues) firstBad ??= index
    else if (firstBad !== null && before.commits) {
      return `frame ${firstBad + 1} of its \`-wal\` file does not match its checksum, and durable records follow it`
    }
    // Two seeds: either the checksum of a damaged frame is right, or the frame is.
    before = { commits: frame.getUint32(4) !== 0, seeds: [stored, ...sums.slice(0, 1).filter((found) => !same(found, stored))] }
  }
}

/** The bytes, or null when the file ends before them. */
const readAt = (file: number, position: number, length: number): DataView | null => {
  const bytes = new Uint8Array(length)
  for (let filled = 0; filled < length; ) {
    const count = readSync(file, bytes, filled, length - filled, position + filled)
    if (count === 0) return null
    filled += count
  }
  return new DataView(bytes.buffer)
}

const pair = (view: DataView, offset: number): Checksum => [view.getUint32(offset), view.getUint32(offset + 4)]

const same = (a: Checksum, b: Checksum): boolean => a[0] === b[0] && a[1] === b[1]

/** The checksum of SQLite, continued over a range of bytes. */
const sum = ([first, second]: Checksum, view: DataView, [from, to]: readonly [number, number], littleEndian: boolean): Checksum => {
  let [a, b] = [first | 0, second | 0]
  for (let offset = from; offset < to; offset += 8) {
    a = (a + view.getUint32(offset, littleEndian) + b) | 0
    b = (b + view.getUint32(offset + 4, littleEndian) + a) | 0
  }
  return [a >>> 0, b >>> 0]
}

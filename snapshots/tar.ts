/** Tar archives (POSIX ustar): entries that are files, with what follows each, and a reader of bytes. */
import { assert } from '../src/base/assert.ts'

/** The file is no archive of ours, or ends early. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError'
}

export const tarBlock = 512

/** The end of an archive. */
export const tarEnd = (): Uint8Array => new Uint8Array(2 * tarBlock)

/** What stands behind the content of an entry. */
export const tarPadding = (sizeBytes: number): number => (tarBlock - (sizeBytes % tarBlock)) % tarBlock

// Offsets and sizes of the fields: POSIX.1-2017, pax, "ustar Interchange Format".
const NAME = { start: 0, size: 100 }
const SIZE = { start: 124, size: 12 }
const CHECKSUM = { start: 148, size: 8 }
const KIND = { start: 156, size: 1 }
const PREFIX = { start: 345, size: 155 }

/** Eleven octal digits. */
export const tarEntryBytes = 8 ** 11 - 1

/** The block in front of a file's content. The two parts of its path around the last slash have at most 155 and 100 characters. */
export const tarHeader = (path: string, sizeBytes: number): Uint8Array => {
  const header = new Uint8Array(tarBlock)
  const put = (start: number, text: string): void => header.set(new TextEncoder().encode(text), start)
  const slash = path.lastIndexOf('/')
  const name = path.slice(slash + 1)
  assert(name.length <= NAME.size && slash <= PREFIX.size, 'the two parts of a path fit')
  assert(sizeBytes <= tarEntryBytes, 'the size of an entry fits')
  put(NAME.start, name)
  put(100, '0000644\0')
  put(108, '0000000\0')
  put(116, '0000000\0')
  put(SIZE.start, `${octal(sizeBytes, 11)}\0`)
  put(136, `${octal(0, 11)}\0`)
  put(KIND.start, '0')
  put(257, 'ustar\0')
  put(263, '00')
  put(PREFIX.start, path.slice(0, Math.max(0, slash)))
  put(CHECKSUM.start, `${octal(checksumOf(header), 6)}\0 `)
  return header
}

export interface TarEntry {
  readonly path: string
  readonly sizeBytes: number
  /** False: a folder, a link, or what else is no file. */
  readonly isFile: boolean
}

/** Null at the end of the archive. Throws ArchiveError. */
export const parseTarHeader = (header: Uint8Array): TarEntry | null => {
  if (header.every((byte) => byte === 0)) return null
  const sum = parseOctal(textAt(header, CHECKSUM))
  if (textAt(header, { start: 257, size: 5 }) !== 'ustar' || sum !== checksumOf(header))
    throw new ArchiveError('the file is no tar archive, or it is damaged')
  const prefix = textAt(header, PREFIX)
  const path = `${prefix === '' ? '' : `${prefix}/`}${textAt(header, NAME)}`.replace(/^\.\//, '')
  return { path, sizeBytes: parseOctal(textAt(header, SIZE)), isFile: ['0', ''].includes(textAt(header, KIND)) }
}

/** The sum of all bytes, the field of the sum itself as blanks. */
const checksumOf = (header: Uint8Array): number =>
  header.reduce((sum, byte, index) => sum + (index >= CHECKSUM.start && index < CHECKSUM.start + CHECKSUM.size ? 32 : byte), 0)

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0')

const parseOctal = (text: string): number => {
  const digits = /^ *([0-7]+) *$/.exec(text)?.[1]
  if (digits === undefined) throw new ArchiveError('the file is no tar archive, or it is damaged')
  return Number.parseInt(digits, 8)
}

const textAt = (header: Uint8Array, { start, size }: { readonly start: number; readonly size: number }): string => {
  const field = header.subarray(start, start + size)
  const end = field.indexOf(0)
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end))
}

/** Bytes of a stream, as many as are asked for. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest = new Uint8Array()

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Exactly so many. Rejects with ArchiveError when the stream ends before. */
  async take(sizeBytes: number): Promise<Uint8Array> {
    const taken = new Uint8Array(sizeBytes)
    let filled = 0
    for await (const part of this.stream(sizeBytes)) {
      taken.set(part, filled)
      filled += part.byteLength
    }
    return taken
  }

  /** The same in parts as they come. */
  async *stream(sizeBytes: number): AsyncGenerator<Uint8Array> {
    let left = sizeBytes
    for (;;) {
      const part = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(part.byteLength)
      left -= part.byteLength
      if (part.byteLength > 0) yield part
      if (left === 0) return
      const next = await this.#chunks.next()
      if (next.done === true) throw new ArchiveError('the archive ends early')
      this.#rest = new Uint8Array(next.value)
    }
  }
}

/** A copy of environments as one file: a tar archive (POSIX ustar) of their objects, each environment's manifest last. */
import { assert } from '../src/base/assert.ts'
import { snapshotLimits } from './bounds.ts'
import { manifestKey, parseManifest } from './manifest.ts'
import { objectBytes } from './object-bytes.ts'
import type { ObjectStore } from './object-store.ts'

/** The file is no archive of ours, or ends early. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError'
}

const BLOCK = 512
/** Environment, kind, and a name of positions and a hash: nothing that leads out of a folder. */
const KEY = /^[A-Za-z0-9-]{1,64}\/(?:manifest\.json|(?:snapshots|deltas)\/[A-Za-z0-9-]{1,120}(?:\.sqlite|\.log)\.gz)$/
/** Objects of one archive: two environments, twice over. */
const ENTRIES = 1000

/** The archive of what the manifests of these environments name. Environments without one are left out. */
export const writeArchive = async function* (objects: ObjectStore, environments: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const env of environments) {
    const bytes = await read(objects, manifestKey(env), snapshotLimits.manifestBytes)
    if (bytes === null) continue
    const { snapshots, deltas } = parseManifest(bytes)
    for (const { key, storedBytes } of [...snapshots, ...deltas]) {
      const object = await read(objects, key, storedBytes)
      if (object === null) throw new ArchiveError(`the object \`${key}\` is missing in ${objects.name}`)
      yield* entry(key, object)
    }
    yield* entry(manifestKey(env), bytes)
  }
  yield new Uint8Array(2 * BLOCK)
}

/** Stores every object of an archive. Rejects with ArchiveError; what was stored by then stays, and no manifest names what is missing. */
export const readArchive = async (chunks: AsyncIterable<Uint8Array>, to: ObjectStore): Promise<void> => {
  const reader = new ByteReader(chunks)
  for (let count = 0; count < ENTRIES; count++) {
    const header = parseHeader(await reader.take(BLOCK))
    if (header === null) return
    const content = await reader.take(header.sizeBytes)
    await reader.take(padding(header.sizeBytes))
    if (header.key !== null) await to.put(header.key, content)
  }
  throw new ArchiveError(`the archive has more than ${ENTRIES} entries`)
}

const entry = function* (key: string, content: Uint8Array): Generator<Uint8Array> {
  yield headerOf(key, content.byteLength)
  yield content
  yield new Uint8Array(padding(content.byteLength))
}

const padding = (sizeBytes: number): number => (BLOCK - (sizeBytes % BLOCK)) % BLOCK

// Offsets and sizes of the fields: POSIX.1-2017, pax, "ustar Interchange Format".
const NAME = { start: 0, size: 100 }
const SIZE = { start: 124, size: 12 }
const CHECKSUM = { start: 148, size: 8 }
const KIND = { start: 156, size: 1 }
const PREFIX = { start: 345, size: 155 }

const headerOf = (key: string, sizeBytes: number): Uint8Array => {
  const header = new Uint8Array(BLOCK)
  const put = (start: number, text: string): void => header.set(new TextEncoder().encode(text), start)
  const slash = key.lastIndexOf('/')
  const name = key.slice(slash + 1)
  assert(name.length <= NAME.size && slash <= PREFIX.size, 'the two parts of a key fit')
  put(NAME.start, name)
  put(100, '0000644\0')
  put(108, '0000000\0')
  put(116, '0000000\0')
  put(SIZE.start, `${octal(sizeBytes, 11)}\0`)
  put(136, `${octal(0, 11)}\0`)
  put(KIND.start, '0')
  put(257, 'ustar\0')
  put(263, '00')
  put(PREFIX.start, key.slice(0, slash))
  put(CHECKSUM.start, `${octal(checksumOf(header), 6)}\0 `)
  return header
}

/** Null at the end of the archive; a null key is an entry that is no object, such as a folder. */
const parseHeader = (header: Uint8Array): { readonly key: string | null; readonly sizeBytes: number } | null => {
  if (header.every((byte) => byte === 0)) return null
  const sum = parseOctal(textAt(header, CHECKSUM))
  if (textAt(header, { start: 257, size: 5 }) !== 'ustar' || sum !== checksumOf(header))
    throw new ArchiveError('the file is no tar archive, or it is damaged')
  const prefix = textAt(header, PREFIX)
  const path = `${prefix === '' ? '' : `${prefix}/`}${textAt(header, NAME)}`.replace(/^\.\//, '')
  const sizeBytes = parseOctal(textAt(header, SIZE))
  if (sizeBytes > snapshotLimits.storedBytes) throw new ArchiveError(`the entry \`${path}\` has ${sizeBytes} bytes, which no object has`)
  const isFile = ['0', ''].includes(textAt(header, KIND))
  if (isFile && !KEY.test(path)) throw new ArchiveError(`the entry \`${path}\` is no object of an environment`)
  return { key: isFile ? path : null, sizeBytes }
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

const read = async (objects: ObjectStore, key: string, maximum: number): Promise<Uint8Array | null> => {
  const found = await objects.get(key)
  return found === null || found === 'unchanged' ? null : objectBytes(key, found, maximum)
}

/** Bytes of a stream, as many as are asked for. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest = new Uint8Array()

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Exactly so many. Throws ArchiveError when the stream ends before. */
  async take(sizeBytes: number): Promise<Uint8Array> {
    const taken = new Uint8Array(sizeBytes)
    let filled = 0
    for (;;) {
      const part = this.#rest.subarray(0, sizeBytes - filled)
      taken.set(part, filled)
      filled += part.byteLength
      this.#rest = this.#rest.subarray(part.byteLength)
      if (filled === sizeBytes) return taken
      const next = await this.#chunks.next()
      if (next.done === true) throw new ArchiveError('the archive ends early')
      this.#rest = new Uint8Array(next.value)
    }
  }
}

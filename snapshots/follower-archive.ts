/** A copy of environments as one file: a tar archive (POSIX ustar) of their objects, each environment's manifest last. */
import { snapshotLimits } from './bounds.ts'
import { manifestKey, parseManifest } from './manifest.ts'
import { objectBytes } from './object-bytes.ts'
import type { ObjectStore } from './object-store.ts'
import { ArchiveError, ByteReader, parseTarHeader, tarBlock, tarEnd, tarHeader, tarPadding } from './tar.ts'

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
  yield tarEnd()
}

/** Stores every object of an archive. Rejects with ArchiveError; what was stored by then stays, and no manifest names what is missing. */
export const readArchive = async (chunks: AsyncIterable<Uint8Array>, to: ObjectStore): Promise<void> => {
  const reader = new ByteReader(chunks)
  for (let count = 0; count < ENTRIES; count++) {
    const header = parseHeader(await reader.take(tarBlock))
    if (header === null) return
    const content = await reader.take(header.sizeBytes)
    await reader.take(tarPadding(header.sizeBytes))
    if (header.key !== null) await to.put(header.key, content)
  }
  throw new ArchiveError(`the archive has more than ${ENTRIES} entries`)
}

const entry = function* (key: string, content: Uint8Array): Generator<Uint8Array> {
  yield tarHeader(key, content.byteLength)
  yield content
  yield new Uint8Array(tarPadding(content.byteLength))
}

/** Null at the end of the archive; a null key is an entry that is no object, such as a folder. */
const parseHeader = (header: Uint8Array): { readonly key: string | null; readonly sizeBytes: number } | null => {
  const parsed = parseTarHeader(header)
  if (parsed === null) return null
  const { path, sizeBytes, isFile } = parsed
  if (sizeBytes > snapshotLimits.storedBytes) throw new ArchiveError(`the entry \`${path}\` has ${sizeBytes} bytes, which no object has`)
  if (isFile && !KEY.test(path)) throw new ArchiveError(`the entry \`${path}\` is no object of an environment`)
  return { key: isFile ? path : null, sizeBytes }
}

const read = async (objects: ObjectStore, key: string, maximum: number): Promise<Uint8Array | null> => {
  const found = await objects.get(key)
  return found === null || found === 'unchanged' ? null : objectBytes(key, found, maximum)
}

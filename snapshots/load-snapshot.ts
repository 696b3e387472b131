/** One snapshot from an object store into a replica's memory, or not at all. */

import { environmentOf, foreignTo } from '../src/store/environment.ts'
import { type Store } from '../src/store/facts.ts'
import { isNoMemory } from '../src/store/instance.ts'
import { schemaVersion } from '../src/store/schema.ts'
import { ChunkCheck } from './chunk-hashes.ts'
import { type LoadErrorCode, loadFailure } from './load-error.ts'
import type { SnapshotEntry } from './manifest.ts'
import { environmentOfKey } from './object-keys.ts'
import type { ObjectStore } from './object-store.ts'
import type { SnapshotPlatform } from './platform.ts'
import type { DeltaBounds } from './replay.ts'
import { ImageError, type ImageWriter, type StorePool } from './store-pool.ts'
import { type Expected, readStored } from './stored-object.ts'

/** Where objects come from and images go to. */
export interface LoadFrom {
  readonly objects: ObjectStore
  readonly pool: StorePool
  readonly platform: SnapshotPlatform
  readonly deltaBounds?: DeltaBounds
}

/** What an image has to be. Objects that no manifest describes have no chunks. */
export type ExpectedImage = Pick<SnapshotEntry, 'key' | 'revision' | 'storedBytes' | 'rawBytes' | 'sha256' | 'stateHash'> &
  Partial<Pick<SnapshotEntry, 'chunks' | 'schemaVersion'>> & { readonly logId: string }

/** The caller gives the store back to the pool. Rejects with LoadError; the memory is given back then. */
export const loadImage = async (from: LoadFrom, image: ExpectedImage): Promise<Store> => {
  const expected: Expected = { operation: 'load snapshot', ...image }
  const { schemaVersion: version = schemaVersion } = image
  if (version !== schemaVersion) throw loadFailure(expected, 'format', `it has schema version ${version}, known is ${schemaVersion}`)
  const writer = reserve(from.pool, image.rawBytes, expected)
  try {
    await readStored(from, expected, (raw) => receive(raw, writer, { image, expected, platform: from.platform }))
  } catch (error) {
    writer.abort()
    throw error
  }
  const store = finish(writer, expected)
  try {
    const fault = contentFault(store, image)
    if (fault === null) return store
    throw loadFailure(expected, fault.code, fault.reason)
  } catch (error) {
    from.pool.release(store)
    throw memoryFailure(error, image.rawBytes, expected)
  }
}

/** Reads a snapshot to its end without a database. Rejects with LoadError. */
export const checkImage = (from: Pick<LoadFrom, 'objects' | 'platform'>, image: SnapshotEntry): Promise<void> => {
  const expected: Expected = { operation: 'check snapshot', ...image }
  return readStored(from, expected, (raw) => receive(raw, null, { image, expected, platform: from.platform }))
}

const receive = async (
  raw: AsyncIterable<Uint8Array>,
  writer: ImageWriter | null,
  {
    image,
    expected,
    platform,
  }: { readonly image: Pick<ExpectedImage, 'rawBytes' | 'chunks'>; readonly expected: Expected; readonly platform: SnapshotPlatform },
): Promise<void> => {
  const check = new ChunkCheck(image.rawBytes, image.chunks ?? null, platform.sha256)
  for await (const part of raw) {
    const fault = check.fault(part)
    if (fault !== null) throw loadFailure(expected, 'damaged', fault)
    writer?.write(part)
  }
  const missing = check.missing()
  if (missing !== null) throw loadFailure(expected, 'damaged', missing)
}

const reserve = (pool: StorePool, rawBytes: number, expected: Expected): ImageWriter => {
  try {
    return pool.receive(rawBytes)
  } catch (error) {
    throw memoryFailure(error, rawBytes, expected)
  }
}

const finish = (writer: ImageWriter, expected: Expected): Store => {
  try {
    return writer.finish()
  } catch (error) {
    if (error instanceof ImageError) throw loadFailure(expected, 'damaged', error.message, error)
    throw memoryFailure(error, expected.storedBytes, expected)
  }
}

const contentFault = (
  store: Store,
  { key, revision, stateHash, logId }: ExpectedImage,
): { readonly code: LoadErrorCode; readonly reason: string } | null => {
  if (store.logId() !== logId) return { code: 'foreign', reason: `it belongs to log \`${store.logId()}\`, expected \`${logId}\`` }
  const foreign = foreignTo(environmentOf(store.database), environmentOfKey(key))
  if (foreign !== null) return { code: 'foreign', reason: `it ${foreign}` }
  if (store.revision() !== revision)
    return { code: 'damaged', reason: `it is of revision ${store.revision()}, the manifest says ${revision}` }
  if (store.stateHash() !== stateHash)
    return { code: 'damaged', reason: `its state hash is ${store.stateHash()}, the manifest says ${stateHash}` }
  return null
}

const memoryFailure = (error: unknown, bytes: number, expected: Expected): unknown =>
  isNoMemory(error) ? loadFailure(expected, 'memory', `there is no memory for its ${bytes} bytes`, error) : error

/** Brings an immutable object from one store to another, never a damaged one. */
import { MirrorError } from './mirror-error.ts'
import type { ObjectStore } from './object-store.ts'
import type { SnapshotPlatform } from './platform.ts'

export interface NamedObject {
  readonly key: string
  readonly storedBytes: number
  /** Of the stored bytes. */
  readonly sha256: string
}

export interface Copying {
  readonly from: ObjectStore
  readonly to: ObjectStore
  readonly platform: Pick<SnapshotPlatform, 'sha256'>
}

/** False when there is no such object to copy. Rejects with StoreError, and with MirrorError `damaged` when the bytes are not the named ones. */
export const copyObject = async ({ from, to, platform }: Copying, { key, storedBytes, sha256 }: NamedObject): Promise<boolean> => {
  const object = await from.get(key)
  if (object === null || object === 'unchanged') return false
  const damaged = (): MirrorError =>
    new MirrorError('damaged', `copy of \`${key}\` from ${from.name}: the object is damaged; a new snapshot takes its place`)
  if (object.sizeBytes !== null && object.sizeBytes !== storedBytes) {
    await object.chunks[Symbol.asyncIterator]().return?.()
    throw damaged()
  }
  const hash = platform.sha256()
  const bytes = new Uint8Array(storedBytes)
  let sizeBytes = 0
  for await (const chunk of object.chunks) {
    sizeBytes += chunk.length
    if (sizeBytes > storedBytes) break
    hash.update(chunk)
    bytes.set(chunk, sizeBytes - chunk.length)
  }
  if (sizeBytes !== storedBytes || hash.digest() !== sha256) throw damaged()
  await to.put(key, bytes)
  return true
}

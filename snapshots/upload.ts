/** Writes immutable objects and reads each back before anything names it. */
import { at } from '../src/base/assert.ts'
import type { RevisedRecord } from '../src/log/log.ts'
import type { RestoreBody } from '../src/log/record.ts'
import { snapshotLimits } from './bounds.ts'
import { encodeRecords, headerBytes, joinDelta } from './delta.ts'
import { type ImagePress, type ProvenImage, packedBytes, pressHere } from './image-press.ts'
import { LoadError, loadFailure } from './load-error.ts'
import type { LoadFrom } from './load-snapshot.ts'
import type { DeltaEntry, SnapshotEntry } from './manifest.ts'
import { deltaKey, restoreKey, snapshotKey } from './object-keys.ts'
import { type ObjectStore, StoreError } from './object-store.ts'
import { PublishError } from './publish-error.ts'
import { readDelta } from './replay.ts'

/** A replica's database at one moment. */
export interface ReplicaImage {
  readonly bytes: Uint8Array
  /** Last record in it. */
  readonly revision: number
  /** Nothing up to here is missing in it; at least `revision`. */
  readonly through: number
  readonly logId: string
  readonly stateHash: string
  readonly policyHash: string | null
  readonly schemaVersion: number
}

export interface UploadTo extends LoadFrom {
  readonly env: string
}

export interface UploadedSnapshot extends ProvenImage {
  readonly entry: SnapshotEntry
}

/** Reads it back, and what its facts add up to when they are no more than `recomputedFacts`; the bytes of the image are given away. Rejects with PublishError. */
export const uploadSnapshot = async (to: UploadTo, image: ReplicaImage, recomputedFacts = -1): Promise<UploadedSnapshot> => {
  const rawBytes = image.bytes.length
  const press = pressFor(to, rawBytes)
  const { bytes, sha256, chunks } = await press.pack(image.bytes)
  const { revision, through, stateHash, policyHash, schemaVersion } = image
  const entry: SnapshotEntry = {
    revision,
    through,
    key: snapshotKey(to.env, revision, sha256),
    storedBytes: bytes.length,
    rawBytes,
    sha256,
    chunks,
    stateHash,
    policyHash,
    schemaVersion,
  }
  const what = { operation: 'publish snapshot', key: entry.key, revision }
  await putObject(to.objects, bytes, what)
  const proof = await proven(what, () => press.prove(to.objects, { ...entry, logId: image.logId }, recomputedFacts))
  return { entry, ...proof }
}

/** The bytes of the image are given away. Rejects with PublishError. */
export const uploadRestorePoint = async (to: UploadTo, image: ReplicaImage): Promise<RestoreBody> => {
  const rawBytes = image.bytes.length
  const press = pressFor(to, rawBytes)
  const { bytes, sha256 } = await press.pack(image.bytes)
  const { revision, stateHash, logId } = image
  const key = restoreKey(to.env, revision, sha256)
  const body: RestoreBody = { kind: 'restore', key, sha256, storedBytes: bytes.length, rawBytes, stateHash, revision }
  const what = { operation: 'publish restore point', key, revision }
  await putObject(to.objects, bytes, what)
  await proven(what, () => press.prove(to.objects, { ...body, logId }, -1))
  return body
}

/** Small images take less than it takes to hand them over. */
const pressFor = (to: UploadTo, rawBytes: number): ImagePress =>
  to.platform.press !== undefined && rawBytes >= snapshotLimits.pressedBytes ? to.platform.press : pressHere(to)

/** Deltas from `first` up to `last`, each as large as one may become. Rejects with PublishError. */
export const uploadDeltas = async (
  to: UploadTo,
  { first, last, records }: { readonly first: number; readonly last: number; readonly records: readonly RevisedRecord[] },
): Promise<readonly DeltaEntry[]> => {
  const parts = await encodeRecords(records, to.platform.pause)
  const deltas: DeltaEntry[] = []
  for (let start = 0, from = first; start < parts.length; ) {
    const next = fullAt(to.env, parts, start)
    const range = { first: from, last: next === parts.length ? last : at(records, next - 1).revision }
    const raw = joinDelta({ env: to.env, ...range }, next - start, parts.slice(start, next))
    deltas.push(await uploadRawDelta(to, { ...range, raw }))
    start = next
    from = range.last + 1
  }
  return deltas
}

/** Rejects with PublishError. */
export const uploadRawDelta = async (
  to: UploadTo,
  { first, last, raw }: { readonly first: number; readonly last: number; readonly raw: Uint8Array },
): Promise<DeltaEntry> => {
  const stored = await packedBytes(raw, to.platform)
  const entry: DeltaEntry = {
    first,
    last,
    key: deltaKey(to.env, first, last, stored.sha256),
    storedBytes: stored.bytes.length,
    sha256: stored.sha256,
  }
  const what = { operation: 'publish delta', key: entry.key, revision: last }
  await putObject(to.objects, stored.bytes, what)
  await proven(what, async () => {
    // Byte by byte, which says more than decoding its records does, and takes a tenth of the time.
    if (await areEqual(await readDelta(to, entry), raw, to.platform.pause)) return
    throw loadFailure({ ...what, operation: 'read delta back' }, 'damaged', 'it unpacks to other bytes than were compressed')
  })
  return entry
}

/** Rejects with PublishError. */
export const putObject = async (
  objects: ObjectStore,
  bytes: Uint8Array,
  what: { readonly operation: string; readonly key: string; readonly revision: number | null },
): Promise<void> => {
  try {
    // Whatever its condition: the key tells the content, so it can only be the same, or a damaged one that this mends.
    await objects.put(what.key, bytes)
  } catch (error) {
    throw publishFailure(error, what)
  }
}

/** A failure of the store or of loading, as one of publishing. */
export const publishFailure = (
  error: unknown,
  what: { readonly operation: string; readonly key: string; readonly revision: number | null },
): unknown => {
  if (error instanceof StoreError) {
    const code = error.code === 'unavailable' || error.code === 'precondition' ? 'unavailable' : 'denied'
    return new PublishError({ ...what, code, reason: error.message, cause: error })
  }
  if (!(error instanceof LoadError)) return error
  const code = error.code === 'unavailable' || error.code === 'memory' ? error.code : 'unverified'
  return new PublishError({ ...what, code, reason: `it cannot be read back: ${error.reason}`, cause: error })
}

const proven = async <T>(
  what: { readonly operation: string; readonly key: string; readonly revision: number },
  read: () => Promise<T>,
): Promise<T> => {
  try {
    return await read()
  } catch (error) {
    throw publishFailure(error, what)
  }
}

const areEqual = async (a: Uint8Array, b: Uint8Array, pause: () => Promise<void>): Promise<boolean> => {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index]) return false
    if (index % snapshotLimits.turnBytes === snapshotLimits.turnBytes - 1) await pause()
  }
  return true
}

/** Behind the parts from `start` on that one delta takes: one at least. */
const fullAt = (env: string, parts: readonly Uint8Array[], start: number): number => {
  let bytes = headerBytes(env)
  for (let index = start; index < parts.length; index++) {
    bytes += at(parts, index).length
    if (index > start && bytes > snapshotLimits.writtenDeltaBytes) return index
  }
  return parts.length
}

/** The manifest of an environment as a reader takes it: of this format, log and environment, and never older than what was seen before. */

import { snapshotLimits } from './bounds.ts'
import { type LoadErrorCode, loadFailure } from './load-error.ts'
import { type Manifest, ManifestError, manifestKey, parseManifest } from './manifest.ts'
import { objectBytes } from './object-bytes.ts'
import type { ObjectStore } from './object-store.ts'
import { storeFailure } from './stored-object.ts'

export interface SeenManifest {
  readonly epoch: number
  readonly coveredThrough: number
}

export interface ManifestQuery {
  readonly objects: ObjectStore
  readonly env: string
  /** The newest that this process has used: a lower one is refused. */
  readonly seen?: SeenManifest | undefined
  /** The log that this process follows, where it is known. */
  readonly logId?: string | undefined
}

export interface ReadManifest {
  readonly manifest: Manifest
  /** Of the object: for the next conditional get or put. */
  readonly version: string
}

/** Null when there is none; `unchanged` when its version is still `unless`. Rejects with LoadError. */
export const readManifest = async (query: ManifestQuery, unless?: string): Promise<ReadManifest | 'unchanged' | null> => {
  const key = manifestKey(query.env)
  const stored = await readSmall(query.objects, key, unless)
  if (stored === null || stored === 'unchanged') return stored
  const manifest = parsed(stored.bytes, key)
  const fault = faultOf(manifest, query)
  if (fault === null) return { manifest, version: stored.version }
  throw loadFailure({ operation: 'use manifest', key, revision: manifest.coveredThrough }, fault.code, fault.reason)
}

/** Whether a manifest is older than another one, as readers see it. */
export const isOlder = (manifest: SeenManifest, than: SeenManifest): boolean =>
  manifest.epoch < than.epoch || (manifest.epoch === than.epoch && manifest.coveredThrough < than.coveredThrough)

interface Small {
  readonly bytes: Uint8Array
  readonly version: string
}

const readSmall = async (objects: ObjectStore, key: string, unless: string | undefined): Promise<Small | 'unchanged' | null> => {
  try {
    const object = await objects.get(key, unless === undefined ? undefined : { unless })
    if (object === null || object === 'unchanged') return object
    return { bytes: await objectBytes(key, object, snapshotLimits.manifestBytes), version: object.version }
  } catch (error) {
    throw storeFailure(error, { operation: 'load manifest', key, revision: null })
  }
}

const parsed = (bytes: Uint8Array, key: string): Manifest => {
  try {
    return parseManifest(bytes)
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    throw loadFailure({ operation: 'use manifest', key, revision: null }, error.code, error.message, error)
  }
}

const faultOf = (
  manifest: Manifest,
  { env, seen, logId }: ManifestQuery,
): { readonly code: LoadErrorCode; readonly reason: string } | null => {
  if (manifest.env !== env) return { code: 'foreign', reason: `it is the manifest of environment \`${manifest.env}\`` }
  if (logId !== undefined && manifest.logId !== logId)
    return { code: 'foreign', reason: `it belongs to log \`${manifest.logId}\`, expected \`${logId}\`` }
  if (seen === undefined || !isOlder(manifest, seen)) return null
  const found = `it is of epoch ${manifest.epoch} and covers ${manifest.coveredThrough}`
  return { code: 'backwards', reason: `${found}, before it was epoch ${seen.epoch} and ${seen.coveredThrough}` }
}

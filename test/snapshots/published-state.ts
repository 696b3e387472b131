/** Published states of an environment with objects of random bytes, for what looks at names, sizes and hashes only. */
import { createHash } from 'node:crypto'
import {
  type DeltaEntry,
  type Manifest,
  manifestFormat,
  manifestKey,
  parseManifest,
  printManifest,
  type SnapshotEntry,
} from '../../snapshots/manifest.ts'
import { deltaKey, snapshotKey } from '../../snapshots/object-keys.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { contentOf, noise } from './object-store-conformance.ts'

export const env = 'shop'

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Puts a snapshot of each revision, newest first, a delta behind the newest, and the manifest. */
export const publishState = async (objects: ObjectStore, revisions: readonly number[], more: Partial<Manifest> = {}): Promise<Manifest> => {
  const snapshots: SnapshotEntry[] = []
  for (const revision of revisions) snapshots.push(await putSnapshot(objects, revision))
  const newest = revisions[0] ?? 0
  const deltas = [await putDelta(objects, newest + 1, newest + 2)]
  const manifest: Manifest = {
    format: manifestFormat,
    logId: 'log1',
    env,
    epoch: 0,
    coveredThrough: newest + 2,
    snapshots,
    deltas,
    engine: 'test',
    createdAtMs: 1,
    ...more,
  }
  await objects.put(manifestKey(env), printManifest(manifest))
  return manifest
}

const putSnapshot = async (objects: ObjectStore, revision: number): Promise<SnapshotEntry> => {
  const bytes = noise(1000 + revision)
  const key = snapshotKey(env, revision, sha256(bytes))
  await objects.put(key, bytes)
  const hashes = { sha256: sha256(bytes), chunks: ['0'.repeat(64)], stateHash: '0'.repeat(32), policyHash: null }
  return { revision, through: revision, key, storedBytes: bytes.length, rawBytes: 1, schemaVersion: 1, ...hashes }
}

const putDelta = async (objects: ObjectStore, first: number, last: number): Promise<DeltaEntry> => {
  const bytes = noise(100 + first)
  const key = deltaKey(env, first, last, sha256(bytes))
  await objects.put(key, bytes)
  return { first, last, key, storedBytes: bytes.length, sha256: sha256(bytes) }
}

export const manifestIn = async (objects: ObjectStore): Promise<Manifest | null> => {
  const bytes = await contentOf(objects, manifestKey(env))
  return bytes === null ? null : parseManifest(bytes)
}

/** What a manifest names and is not there as it says. */
export const faultsOf = async (objects: ObjectStore, manifest: Manifest): Promise<readonly string[]> => {
  const faults: string[] = []
  for (const { key, storedBytes, sha256: expected } of [...manifest.snapshots, ...manifest.deltas]) {
    const bytes = await contentOf(objects, key)
    if (bytes === null || bytes.length !== storedBytes || sha256(bytes) !== expected) faults.push(key)
  }
  return faults
}

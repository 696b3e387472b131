/** The manifest of an environment's objects (docs/formats/snapshot.md): written last, so that what it names is there. */
import { at } from '../src/base/assert.ts'
import { isEnvironmentId } from '../src/wire/api-key.ts'
import { chunkBytes, snapshotLimits } from './bounds.ts'
import { ManifestShape } from './manifest-shape.ts'
import { deltaKey, environmentFolder, snapshotKey } from './object-keys.ts'

export const manifestFormat = 1

export interface Manifest {
  readonly format: typeof manifestFormat
  readonly logId: string
  readonly env: string
  /** Of the lease under which it was written: readers refuse a manifest with a lower (epoch, coveredThrough) than they have seen. */
  readonly epoch: number
  /** Nothing of the environment up to this position is missing in the newest snapshot and the deltas. */
  readonly coveredThrough: number
  /** Newest first, at least one. */
  readonly snapshots: readonly SnapshotEntry[]
  /** Oldest first, back to the oldest listed snapshot. Without gap, unless a snapshot stands where records are missing: a restore, or more records than a
   * publisher could keep. Each run without gap goes on from a listed snapshot. */
  readonly deltas: readonly DeltaEntry[]
  /** Version of the engine that wrote it. */
  readonly engine: string
  readonly createdAtMs: number
}

export interface SnapshotEntry {
  /** Last record in the image. */
  readonly revision: number
  /** Nothing up to this position is missing in the image; at least `revision`. */
  readonly through: number
  readonly key: string
  /** Compressed. */
  readonly storedBytes: number
  readonly rawBytes: number
  /** Of the stored bytes. */
  readonly sha256: string
  /** SHA-256 of each 4 MiB of raw bytes. */
  readonly chunks: readonly string[]
  readonly stateHash: string
  readonly policyHash: string | null
  readonly schemaVersion: number
}

export interface DeltaEntry {
  /** First and last position that it covers: every record of the environment between them, both included, is in it. The next delta starts at `last + 1`. */
  readonly first: number
  readonly last: number
  readonly key: string
  readonly storedBytes: number
  readonly sha256: string
}

/** `format`: a newer version wrote it; `damaged`: it is no manifest, or one that contradicts itself. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError'
  readonly code: 'format' | 'damaged'
  constructor(code: ManifestError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export const manifestKey = (env: string): string => `${environmentFolder(env)}/manifest.json`

/** Canonical: equal manifests have equal bytes. */
export const printManifest = (manifest: Manifest): Uint8Array => {
  const { format, logId, env, epoch, coveredThrough, snapshots, deltas, engine, createdAtMs } = manifest
  return new TextEncoder().encode(
    JSON.stringify({
      format,
      logId,
      env,
      epoch,
      coveredThrough,
      snapshots: snapshots.map(
        ({ revision, through, key, storedBytes, rawBytes, sha256, chunks, stateHash, policyHash, schemaVersion }) => ({
          revision,
          through,
          key,
          storedBytes,
          rawBytes,
          sha256,
          chunks,
          stateHash,
          policyHash,
          schemaVersion,
        }),
      ),
      deltas: deltas.map(({ first, last, key, storedBytes, sha256 }) => ({ first, last, key, storedBytes, sha256 })),
      engine,
      createdAtMs,
    }),
  )
}

/** Inverse of `printManifest`; what it returns can be trusted to be consistent in itself. Throws ManifestError. */
export const parseManifest = (bytes: Uint8Array): Manifest => {
  if (bytes.length > snapshotLimits.manifestBytes)
    throw damaged(`it has ${bytes.length} bytes, at most ${snapshotLimits.manifestBytes} are read`)
  const shape = ManifestShape.parse(bytes, damaged)
  const format = shape.integer('format')
  // Before anything else is looked at: a newer format may mean anything by the same names.
  if (format !== manifestFormat) {
    const known = `the manifest has format ${format}, known is ${manifestFormat}`
    if (format < manifestFormat) throw damaged(known)
    throw new ManifestError('format', `${known}: a newer version wrote it`)
  }
  const manifest: Manifest = {
    format,
    logId: shape.text('logId'),
    env: shape.text('env'),
    epoch: shape.integer('epoch'),
    coveredThrough: shape.integer('coveredThrough', -1),
    snapshots: shape.list('snapshots').map(snapshotOf),
    deltas: shape.list('deltas').map(deltaOf),
    engine: shape.text('engine'),
    createdAtMs: shape.integer('createdAtMs'),
  }
  shape.end()
  const fault = snapshotsFault(manifest) ?? deltasFault(manifest)
  if (fault !== null) throw damaged(fault)
  return manifest
}

/** Keys of everything that it names, without itself. */
export const manifestObjects = ({ snapshots, deltas }: Manifest): readonly string[] => [...snapshots, ...deltas].map(({ key }) => key)

const snapshotOf = (shape: ManifestShape): SnapshotEntry => {
  const entry: SnapshotEntry = {
    revision: shape.integer('revision', -1),
    through: shape.integer('through', -1),
    key: shape.text('key'),
    storedBytes: shape.integer('storedBytes', 1, snapshotLimits.storedBytes),
    rawBytes: shape.integer('rawBytes', 1, snapshotLimits.rawBytes),
    sha256: shape.digits('sha256', 64),
    chunks: shape.hashes('chunks'),
    stateHash: shape.digits('stateHash', 32),
    policyHash: shape.digitsOrNull('policyHash'),
    schemaVersion: shape.integer('schemaVersion'),
  }
  shape.end()
  return entry
}

const deltaOf = (shape: ManifestShape): DeltaEntry => {
  const entry: DeltaEntry = {
    first: shape.integer('first'),
    last: shape.integer('last'),
    key: shape.text('key'),
    storedBytes: shape.integer('storedBytes', 1, snapshotLimits.deltaStoredBytes),
    sha256: shape.digits('sha256', 64),
  }
  shape.end()
  return entry
}

const snapshotsFault = ({ env, snapshots, coveredThrough }: Manifest): string | null => {
  if (!isEnvironmentId(env)) return `\`${env}\` is no environment id`
  if (snapshots.length === 0) return 'it names no snapshot'
  if (snapshots.length > snapshotLimits.snapshots)
    return `it names ${snapshots.length} snapshots, at most ${snapshotLimits.snapshots} are known`
  for (const [index, { revision, through, rawBytes, chunks, key, sha256 }] of snapshots.entries()) {
    if (key !== snapshotKey(env, revision, sha256)) return `\`${key}\` is not the key of snapshot ${revision} of \`${env}\``
    if (through < revision) return `snapshot \`${key}\` is of revision ${revision}, behind its position ${through}`
    if (chunks.length !== Math.ceil(rawBytes / chunkBytes)) return `snapshot \`${key}\` has ${chunks.length} chunks for ${rawBytes} bytes`
    const newer = index === 0 ? null : at(snapshots, index - 1)
    if (newer !== null && (newer.revision < revision || newer.through < through))
      return `snapshot \`${key}\` is newer than the one before it`
  }
  const newest = at(snapshots, 0)
  return newest.through > coveredThrough ? `snapshot \`${newest.key}\` is past position ${coveredThrough}, up to which it covers` : null
}

const deltasFault = ({ env, snapshots, deltas, coveredThrough }: Manifest): string | null => {
  if (deltas.length > snapshotLimits.deltas) return `it names ${deltas.length} deltas, at most ${snapshotLimits.deltas} are known`
  let start = 0
  let reached = false
  for (const [index, { first, last, key, sha256 }] of deltas.entries()) {
    if (key !== deltaKey(env, first, last, sha256)) return `\`${key}\` is not the key of delta ${first} to ${last} of \`${env}\``
    if (last < first) return `delta \`${key}\` ends at ${last}, before its first position ${first}`
    const previous = index === 0 ? null : at(deltas, index - 1)
    if (previous === null || first > previous.last + 1) {
      if (previous !== null && !reached) return runFault(previous)
      start = first
      reached = false
    } else if (first <= previous.last) return `delta \`${key}\` starts at ${first}, inside the one before it`
    reached ||= snapshots.some(({ through }) => through >= start - 1 && through <= last)
  }
  const newest = deltas.at(-1)
  if (newest === undefined) return null
  if (!reached) return runFault(newest)
  return newest.last > coveredThrough ? `delta \`${newest.key}\` is past position ${coveredThrough}` : null
}

const runFault = ({ key }: DeltaEntry): string => `the deltas up to \`${key}\` go on from no snapshot`

const damaged = (reason: string, cause?: unknown): ManifestError =>
  new ManifestError('damaged', `the manifest cannot be used: ${reason}`, cause === undefined ? undefined : { cause })

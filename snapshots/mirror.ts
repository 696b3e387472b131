/** Brings what is published locally to the store that everybody reads: objects first, then the manifest that names them. */
import { copyObject, type NamedObject } from './copy-object.ts'
import { LoadError } from './load-error.ts'
import { type ReadManifest, readManifest } from './load-manifest.ts'
import { type Manifest, manifestKey, printManifest } from './manifest.ts'
import { MirrorError } from './mirror-error.ts'
import { type ObjectStore, type PutCondition, StoreError } from './object-store.ts'
import type { SnapshotPlatform } from './platform.ts'

export interface MirrorOptions {
  /** The local store. */
  readonly from: ObjectStore
  /** The remote one. */
  readonly to: ObjectStore
  readonly env: string
  /** Of the lease that the caller holds. */
  readonly epoch: number
  readonly platform: Pick<SnapshotPlatform, 'sha256' | 'monotonicMs' | 'log'>
  /** What is known to be there, from earlier calls of the same caller: saves listing. */
  readonly known?: MirroredObjects
}

/** Objects of one environment that this process saw in the remote store. Begun empty, and anew whenever the lease was lost. */
export class MirroredObjects {
  keys: ReadonlySet<string> = new Set()
  listedAtMs = Number.NEGATIVE_INFINITY
}

/** After that the remote store is listed again: somebody may have deleted what is named. */
const LISTED_MS = 60_000
/** Times to begin again, because the local manifest was replaced, or the remote one. */
const ATTEMPTS = 3

/** The manifest that is in the remote store afterwards; null when there is none locally, or when the remote one covers more: then a later call will do.
 * A crash at any point leaves the previous manifest there valid. Rejects with StoreError, LoadError and MirrorError. */
export const mirror = async (options: MirrorOptions): Promise<Manifest | null> => {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const done = await attemptOf(options)
    if (done !== 'again') return done
  }
  const where = `mirror of \`${manifestKey(options.env)}\` to ${options.to.name}`
  throw new MirrorError('racing', `${where}: a manifest was replaced ${ATTEMPTS} times meanwhile; recovery is automatic, it is tried again`)
}

const attemptOf = async (options: MirrorOptions): Promise<Manifest | null | 'again'> => {
  const { from, to, env, epoch } = options
  const local = found(await readManifest({ objects: from, env }))
  if (local === null) return null
  const wanted: Manifest = { ...local.manifest, epoch }
  const remote = await readRemote(options)
  if (remote.manifest !== null) {
    checkRank(remote.manifest, wanted, options)
    if (remote.manifest.coveredThrough > wanted.coveredThrough) return tellAhead(remote.manifest, wanted, options)
  }
  if (!(await bringObjects(wanted, options))) {
    // Another manifest, and other objects, may have taken its place.
    if (found(await readManifest({ objects: from, env }))?.version !== local.version) return 'again'
    throw new MirrorError(
      'missing',
      `mirror of \`${manifestKey(env)}\` to ${to.name}: ${from.name} lacks what its manifest names; a new snapshot mends it`,
    )
  }
  if (remote.manifest !== null && isSame(remote.manifest, wanted)) return remote.manifest
  return (await putManifest(wanted, remote, options)) ? wanted : 'again'
}

const found = (manifest: ReadManifest | 'unchanged' | null): ReadManifest | null => (manifest === 'unchanged' ? null : manifest)

interface Remote {
  /** Null when there is none, or none that anybody could use. */
  readonly manifest: Manifest | null
  /** What has to hold for it to be replaced. */
  readonly condition: PutCondition
}

const readRemote = async ({ to, env, platform }: MirrorOptions): Promise<Remote> => {
  try {
    const remote = found(await readManifest({ objects: to, env }))
    if (remote === null) return { manifest: null, condition: { kind: 'absent' } }
    return { manifest: remote.manifest, condition: { kind: 'version', version: remote.version } }
  } catch (error) {
    // One of a newer format may be right; a damaged one is of no use, and whoever read it before refuses what is older.
    if (!(error instanceof LoadError) || error.code !== 'damaged') throw error
    platform.log('error', 'mirror-replaces-damaged', { environment: env, store: to.name, error: error.message })
    return { manifest: null, condition: await conditionOf(to, env) }
  }
}

const conditionOf = async (to: ObjectStore, env: string): Promise<PutCondition> => {
  const object = await to.get(manifestKey(env))
  if (object === null || object === 'unchanged') return { kind: 'absent' }
  await object.chunks[Symbol.asyncIterator]().return?.()
  return { kind: 'version', version: object.version }
}

/** A later epoch alone is not enough: readers would go back to what its holder has reached so far. */
const checkRank = (there: Manifest, wanted: Manifest, { to, env }: MirrorOptions): void => {
  const what = `mirror of \`${manifestKey(env)}\` to ${to.name}`
  if (there.logId !== wanted.logId) {
    const why = `the manifest there belongs to log \`${there.logId}\`, this one to \`${wanted.logId}\``
    throw new MirrorError('foreign', `${what}: ${why}; recovery is not automatic: use another prefix, or remove what is there`)
  }
  if (there.epoch <= wanted.epoch) return
  const why = `the manifest there is of epoch ${there.epoch}, this publisher has ${wanted.epoch}`
  throw new MirrorError('outranked', `${what}: ${why}; recovery is automatic, the lease is asked for again`, there.epoch)
}

const tellAhead = (remote: Manifest, wanted: Manifest, { to, env, epoch, platform }: MirrorOptions): null => {
  const { coveredThrough } = wanted
  platform.log('debug', 'mirror-behind', { environment: env, store: to.name, epoch, coveredThrough, there: remote.coveredThrough })
  return null
}

const isSame = (a: Manifest, b: Manifest): boolean => {
  const [left, right] = [printManifest(a), printManifest(b)]
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}

/** False when one of them is not in the local store. */
const bringObjects = async (manifest: Manifest, options: MirrorOptions): Promise<boolean> => {
  const { to, env, platform, known = new MirroredObjects() } = options
  const objects: readonly NamedObject[] = [...manifest.snapshots, ...manifest.deltas]
  const beginMs = platform.monotonicMs()
  if (beginMs - known.listedAtMs >= LISTED_MS) {
    known.keys = await presentOf(to, env, objects)
    known.listedAtMs = beginMs
  }
  const present = new Set(known.keys)
  for (const object of objects) {
    if (present.has(object.key)) continue
    if (!(await copyObject(options, object))) return false
    present.add(object.key)
    // At once: what follows may fail, and this need not be done again.
    known.keys = new Set(present)
  }
  // Others need not be remembered.
  known.keys = new Set(objects.map(({ key }) => key))
  return true
}

/** Those that are there whole. */
const presentOf = async (to: ObjectStore, env: string, objects: readonly NamedObject[]): Promise<ReadonlySet<string>> => {
  const sizes = new Map((await to.list(`${env}/`)).map(({ key, sizeBytes }) => [key, sizeBytes]))
  return new Set(objects.filter(({ key, storedBytes }) => sizes.get(key) === storedBytes).map(({ key }) => key))
}

/** False when another publisher was faster. */
const putManifest = async (manifest: Manifest, { condition }: Remote, { to, env }: MirrorOptions): Promise<boolean> => {
  try {
    await to.put(manifestKey(env), printManifest(manifest), condition)
    return true
  } catch (error) {
    if (error instanceof StoreError && error.code === 'precondition') return false
    throw error
  }
}

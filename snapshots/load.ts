/** Loads a replica from an object store: the newest snapshot that is intact, and the deltas that follow it. */
import { at, known } from '../src/base/assert.ts'
import { ApplyError } from '../src/log/apply.ts'
import type { RestoreBody } from '../src/log/record.ts'
import type { Store } from '../src/store/facts.ts'
import { isNoMemory } from '../src/store/instance.ts'
import { snapshotLimits } from './bounds.ts'
import { LoadError, type LoadErrorCode, loadFailure, logRefusal } from './load-error.ts'
import { type ManifestQuery, type ReadManifest, readManifest } from './load-manifest.ts'
import { type LoadFrom, loadImage } from './load-snapshot.ts'
import { type Manifest, manifestKey } from './manifest.ts'
import { chainFrom, replay, type TakeRecords, takeInto } from './replay.ts'

export interface LoadOptions extends LoadFrom, ManifestQuery {}

export interface Loaded {
  /** From the pool; the caller gives it back. */
  readonly store: Store
  /** Nothing of the environment up to this position is missing. Less than the manifest covers when something was refused on the way. */
  readonly through: number
  readonly manifest: Manifest
  /** Of the object `manifest.json`. */
  readonly manifestVersion: string
  /** What could not be used, each also in a log line. */
  readonly refused: readonly LoadError[]
}

/** Null when there is no manifest. A snapshot that fails any check is refused and the previous one used. Rejects with LoadError. */
export const loadNewest = async (options: LoadOptions): Promise<Loaded | null> => {
  let read = await readManifest(options)
  for (let attempt = 1; read !== null && read !== 'unchanged'; attempt++) {
    const loaded = await loadManifest(options, read)
    if (!(loaded instanceof LoadError)) return loaded
    // Objects go an hour after a newer manifest has stopped naming them; a slow reader meets that.
    const newer: ReadManifest | 'unchanged' | null = await readManifest(options, read.version)
    if (attempt === snapshotLimits.attempts || newer === 'unchanged') throw loaded
    read = newer
  }
  return null
}

/** The state at a position: everything up to it and nothing behind it. Rejects with LoadError, `not-retained` when nothing leads there. */
export const loadAt = async (options: LoadOptions, revision: number): Promise<Loaded> => {
  const read = await readManifest(options)
  const nothing = (reason: string): LoadError =>
    loadFailure({ operation: 'load revision', key: manifestKey(options.env), revision }, 'not-retained', reason)
  if (read === null || read === 'unchanged') throw nothing(`${options.objects.name} has no manifest`)
  const { manifest } = read
  if (revision > manifest.coveredThrough) throw nothing(`the manifest covers positions up to ${manifest.coveredThrough}`)
  const retained = manifest.snapshots.filter(
    (entry) => entry.revision <= revision && chainFrom(manifest, entry.through).through >= revision,
  )
  if (retained.length === 0) throw nothing('no snapshot and deltas that are retained lead there')
  const loaded = await loadManifest(options, { ...read, manifest: { ...manifest, snapshots: retained } }, revision)
  if (loaded instanceof LoadError) throw loaded
  if (loaded.through < revision) {
    options.pool.release(loaded.store)
    throw known(loaded.refused.at(-1), 'a delta was refused')
  }
  return { ...loaded, manifest }
}

/** What a restore record names, standing at the revision of that record. Rejects with LoadError. */
export const loadRestorePoint = async (
  from: LoadFrom,
  body: RestoreBody,
  position: { readonly logId: string; readonly revision: number },
): Promise<Store> => {
  const store = await loadImage(from, { ...body, logId: position.logId })
  store.transaction(() => store.setPosition(position.logId, position.revision))
  return store
}

export interface Followed {
  /** Nothing up to here is missing now. */
  readonly through: number
  /** False: the deltas do not go on from there, load a snapshot. */
  readonly complete: boolean
}

/** Hands a follower at position `from` every record behind it that the manifest leads to. Rejects with LoadError; what was taken until then stays. */
export const applyDeltas = async (
  options: Pick<LoadFrom, 'objects' | 'platform' | 'deltaBounds'>,
  { manifest, from }: { readonly manifest: Manifest; readonly from: number },
  take: TakeRecords,
): Promise<Followed> => {
  const { deltas, through } = chainFrom(manifest, from)
  await replay(options, deltas, take)
  // Also when only the position moved.
  if (through > (deltas.at(-1)?.last ?? from)) await take([], through)
  return { through, complete: through >= manifest.coveredThrough }
}

/** From the newest of its snapshots that is intact; the first refusal when none is. `last`: no record behind it. */
const loadManifest = async (options: LoadOptions, read: ReadManifest, last?: number): Promise<Loaded | LoadError> => {
  const { manifest, version } = read
  const refused: LoadError[] = []
  for (const entry of manifest.snapshots) {
    try {
      const store = await loadImage(options, { ...entry, logId: manifest.logId })
      const through = await advance(options, { store, manifest, from: entry.through, last, refused })
      return { store, through, manifest, manifestVersion: version, refused }
    } catch (error) {
      refuse(options, refused, error)
    }
  }
  return at(refused, 0)
}

/** Replays what follows a snapshot, as far as it is intact. Gives the store back when it throws. */
const advance = async (options: LoadOptions, { store, manifest, from, last, refused }: Start): Promise<number> => {
  const into = takeInto(store, options.platform.pause)
  let reached = from
  const take: TakeRecords = async (records, through) => {
    await into(last === undefined ? records : records.filter(({ revision }) => revision <= last), through)
    reached = Math.max(reached, through)
  }
  const chain = chainFrom(manifest, from)
  const needed = last === undefined ? chain.deltas : chain.deltas.filter(({ first }) => first <= last)
  try {
    await replay(options, needed, take)
    return Math.min(Math.max(reached, chain.through), last ?? Number.POSITIVE_INFINITY)
  } catch (error) {
    if (!(error instanceof LoadError)) {
      options.pool.release(store)
      throw error
    }
    // One that there is no room for ends it as a damaged one does: what is in front of it answers.
    note(options, refused, error)
    return Math.min(reached, last ?? Number.POSITIVE_INFINITY)
  }
}

interface Start {
  readonly store: Store
  readonly manifest: Manifest
  readonly from: number
  readonly last: number | undefined
  readonly refused: LoadError[]
}

/** Goes on without it, unless that is no answer to what happened. */
const refuse = (options: LoadOptions, refused: LoadError[], error: unknown): void => {
  const { env } = options
  let failure = error
  if (error instanceof ApplyError) failure = replayFailure(env, error, 'foreign', error.revision)
  else if (isNoMemory(error)) failure = replayFailure(env, error, 'memory', null)
  if (!(failure instanceof LoadError) || failure.code === 'memory') throw failure
  note(options, refused, failure)
}

const note = ({ platform, env }: LoadOptions, refused: LoadError[], failure: LoadError): void => {
  refused.push(failure)
  logRefusal(platform.log, env, failure)
}

const replayFailure = (env: string, cause: Error, code: LoadErrorCode, revision: number | null): LoadError =>
  loadFailure({ operation: 'replay deltas', key: manifestKey(env), revision }, code, cause.message, cause)

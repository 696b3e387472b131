/** Deletes objects of an environment that nothing names any more. */
import { readManifest } from './load-manifest.ts'
import { manifestKey, manifestObjects } from './manifest.ts'
import type { ObjectStore } from './object-store.ts'
import type { SnapshotPlatform } from './platform.ts'

export interface SweepOptions {
  readonly objects: ObjectStore
  readonly env: string
  /** Keys beside those of the manifest: what retained restore records name. */
  readonly keep: ReadonlySet<string>
  readonly platform: Pick<SnapshotPlatform, 'monotonicMs'>
  /** How long an object must have been unreferenced: a reader of an earlier manifest may still load it. */
  readonly unreferencedMs: number
  /** Since when each key was seen unreferenced, by earlier sweeps: the caller keeps it from one to the next, and begins with an empty one. */
  readonly unreferenced: Map<string, number>
  /** Asked before each deletion; false ends the sweep. By default always true. */
  readonly mayDelete?: () => boolean
}

export interface Swept {
  readonly deleted: readonly string[]
  /** What the manifest names and is not there. Never, unless somebody else deletes: the caller has to publish anew. */
  readonly missing: readonly string[]
}

/** Most deletions of one sweep. */
const DELETIONS = 1000

/** An object is deleted when sweeps of this process saw it unreferenced for `unreferencedMs`, by this process's own clock. Its modification time would not do: it
 * says when the object was made, by another machine's clock, not since when nothing names it. A new process waits anew. Rejects with StoreError and LoadError;
 * without a readable manifest nothing is deleted. */
export const sweep = async ({ objects, env, keep, platform, unreferencedMs, unreferenced, mayDelete }: SweepOptions): Promise<Swept> => {
  const nowMs = platform.monotonicMs()
  // Before the manifest is read: what is put meanwhile is not looked at.
  const listed = await keysOf(objects, env)
  const found = await readManifest({ objects, env })
  if (found === null || found === 'unchanged') return { deleted: [], missing: [] }
  const named = new Set(manifestObjects(found.manifest))
  const loose = [...listed].filter((key) => key !== manifestKey(env) && !named.has(key) && !keep.has(key))
  remember(unreferenced, new Set(loose), nowMs)
  const due = loose.filter((key) => nowMs - (unreferenced.get(key) ?? nowMs) >= unreferencedMs).slice(0, DELETIONS)
  const deleted: string[] = []
  for (const key of due) {
    if (mayDelete?.() === false) break
    await objects.delete(key)
    unreferenced.delete(key)
    deleted.push(key)
  }
  return {
    deleted,
    missing: await missingOf(
      objects,
      env,
      [...named].filter((key) => !listed.has(key)),
    ),
  }
}

const keysOf = async (objects: ObjectStore, env: string): Promise<ReadonlySet<string>> =>
  new Set((await objects.list(`${env}/`)).map(({ key }) => key))

/** Those that were not put after the first listing either. */
const missingOf = async (objects: ObjectStore, env: string, suspects: readonly string[]): Promise<readonly string[]> => {
  if (suspects.length === 0) return suspects
  const listed = await keysOf(objects, env)
  return suspects.filter((key) => !listed.has(key))
}

/** One that is named again, or gone, begins anew. */
const remember = (unreferenced: Map<string, number>, loose: ReadonlySet<string>, nowMs: number): void => {
  for (const key of unreferenced.keys()) if (!loose.has(key)) unreferenced.delete(key)
  for (const key of loose) if (!unreferenced.has(key)) unreferenced.set(key, nowMs)
}

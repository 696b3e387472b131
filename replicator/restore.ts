/** Brings an environment back to a retained revision: the state there becomes an immutable object, and a record that names it goes into the log. */

import { loadAt, loadRestorePoint } from '../snapshots/load.ts'
import { LoadError, loadFailure } from '../snapshots/load-error.ts'
import { objectBytes } from '../snapshots/object-bytes.ts'
import { environmentOfKey } from '../snapshots/object-keys.ts'
import type { ObjectStore } from '../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../snapshots/platform.ts'
import type { StorePool } from '../snapshots/store-pool.ts'
import { limits } from '../src/base/limits.ts'
import { ApplyError, apply, type RestoreRecord } from '../src/log/apply.ts'
import type { Appended } from '../src/log/inner.ts'
import { type Log, LogError } from '../src/log/log.ts'
import type { RestoreBody } from '../src/log/record.ts'
import type { Configuration } from '../src/ops/settings.ts'
import { belongTo } from '../src/store/environment.ts'
import type { Store } from '../src/store/facts.ts'
import type { Hosted } from './hosted.ts'
import { objectFailure } from './object-failure.ts'
import type { Publisher } from './publisher.ts'
import { replicaImage } from './replica-image.ts'

export interface RestoreParts {
  readonly env: string
  readonly log: Log
  readonly local: ObjectStore
  readonly remote: ObjectStore | null
  readonly pool: StorePool
  readonly platform: SnapshotPlatform
}

export interface RestoreOptions extends RestoreParts {
  readonly publisher: Publisher
  readonly settings: Pick<Configuration, 'appliedWaitMs'>
}

/** Rejects with LogError `out-of-range` when the revision is not retained. Without the object in the store that all cells share there is no record. */
export const restoreTo = async (hosted: Hosted, revision: number, options: RestoreOptions): Promise<Appended> => {
  const { env, local, remote, pool, platform, publisher, settings } = options
  const own = await hosted.current()
  if (hosted.publication === null) throw new LogError('unavailable', `environment \`${env}\` is still being loaded`)
  if (revision > own.through)
    throw new LogError('out-of-range', `environment \`${env}\` has no revision ${revision} yet: the last one is ${own.revision}`)
  // So that the objects reach as far.
  if (revision > (hosted.publication.manifest?.coveredThrough ?? -1)) await publisher.publish(hosted, false)
  const store = await stateAt(options, revision)
  try {
    belongTo(store.database, env)
    const body = await hosted.publication.putRestorePoint(replicaImage(store, revision))
    if (remote !== null) await shareRestorePoint(local, remote, body)
    const appended = await hosted.append(body, platform.newId())
    return { revision: appended, applied: await own.reach(appended, settings.appliedWaitMs) }
  } catch (error) {
    throw objectFailure(error)
  } finally {
    pool.release(store)
  }
}

/** The state at a revision, from objects or from the log; the caller gives it back to the pool. Rejects with LogError `out-of-range` when it is not retained. */
const stateAt = async (parts: RestoreParts, revision: number): Promise<Store> => {
  const refusals: string[] = []
  for (const objects of [parts.local, parts.remote]) {
    if (objects === null) continue
    try {
      const { env, pool, platform, log } = parts
      return (await loadAt({ objects, env, pool, platform, logId: log.logId }, revision)).store
    } catch (error) {
      if (!(error instanceof LoadError)) throw error
      refusals.push(error.message)
    }
  }
  const replayed = await replayTo(parts, revision)
  if (replayed !== null) return replayed
  throw new LogError('out-of-range', `revision ${revision} of environment \`${parts.env}\` cannot be restored: ${refusals.join('; ')}`)
}

/** The state that a restore record asks for, at the position of that record. The object is in the store of this cell or in the one that all cells share. */
export const restoredState = async (parts: Omit<RestoreParts, 'log'>, restore: RestoreRecord): Promise<Store> => {
  const store = await loadObject(parts, restore)
  try {
    belongTo(store.database, parts.env)
    // A repetition of the record comes to nothing, as one of any other.
    store.transaction(() => store.rememberWrite(restore.record.writeId, restore.revision))
    return store
  } catch (error) {
    parts.pool.release(store)
    throw error
  }
}

const loadObject = async (parts: Omit<RestoreParts, 'log'>, { body, record, revision }: RestoreRecord): Promise<Store> => {
  const { env, local, remote, pool, platform } = parts
  const position = { logId: record.logId, revision }
  if (environmentOfKey(body.key) !== env)
    throw loadFailure({ operation: 'restore', key: body.key, revision }, 'foreign', `the record is of environment \`${env}\``)
  try {
    return await loadRestorePoint({ objects: local, pool, platform }, body, position)
  } catch (error) {
    if (!(error instanceof LoadError) || remote === null) throw error
    platform.log('info', 'restore-from-remote', { environment: env, key: body.key, reason: error.reason })
  }
  return loadRestorePoint({ objects: remote, pool, platform }, body, position)
}

/** Before any cell reads the record that names it. */
const shareRestorePoint = async (local: ObjectStore, remote: ObjectStore, { key, storedBytes }: RestoreBody): Promise<void> => {
  const object = await local.get(key)
  if (object === null || object === 'unchanged') throw new LogError('unavailable', `object \`${key}\` is gone right after it was written`)
  await remote.put(key, await objectBytes(key, object, storedBytes))
}

/** Null when the log does not reach back to the beginning. */
const replayTo = async (parts: RestoreParts, revision: number): Promise<Store | null> => {
  const { env, log, pool, platform } = parts
  const { first, last } = await log.bounds(env)
  if (revision > last || revision < first) return null
  let store = pool.create()
  try {
    for (let position = first - 1; position < revision; ) {
      const records = (await log.read(env, position, limits.readRecords)).filter((found) => found.revision <= revision)
      const newest = records.at(-1)
      if (newest === undefined) break
      const outcome = apply(store, records)
      position = newest.revision
      if (outcome.restore !== null) {
        const restored = await restoredState(parts, outcome.restore)
        pool.release(store)
        store = restored
        position = outcome.restore.revision
      }
      await platform.pause()
    }
    if (store.logId() !== null) return store
  } catch (error) {
    pool.release(store)
    // Its first records are gone: there is no beginning to replay from.
    if (error instanceof ApplyError) return null
    throw error
  }
  pool.release(store)
  return null
}

/** The first state of the replicator's own replica: from its own objects, else from the remote ones, else from the first record of the log. */

import { type Loaded, loadNewest } from '../snapshots/load.ts'
import { LoadError } from '../snapshots/load-error.ts'
import type { ObjectStore } from '../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../snapshots/platform.ts'
import type { StorePool } from '../snapshots/store-pool.ts'
import { messageOf } from '../src/base/message.ts'
import { controlEnvironment } from '../src/log/control.ts'
import { type LogBounds, LogError } from '../src/log/log.ts'
import type { Store } from '../src/store/facts.ts'
import { diverged, refusalOf } from './log-continuity.ts'

export interface BootstrapOptions {
  readonly env: string
  readonly logId: string
  /** Of the log; null when it does not answer: then what is here is taken as it is. */
  readonly bounds: LogBounds | null
  readonly local: ObjectStore
  readonly remote: ObjectStore | null
  readonly pool: StorePool
  readonly platform: SnapshotPlatform
  /** The environment shares its revisions with no other, so that a log which does not begin at 0 was trimmed behind it. */
  readonly isAlone: boolean
  /** The log holds every record that there ever was of it. */
  readonly isWhole: boolean
}

export interface Bootstrapped {
  readonly store: Store
  readonly through: number
  readonly source: 'local' | 'remote' | 'log'
  /** Keys of local objects that are no good, although their hashes may be right. */
  readonly refused: readonly string[]
}

interface Refusals {
  readonly reasons: string[]
  readonly keys: string[]
}

/** Rejects with LogError: `diverged` when the log ends before what is known of it, `out-of-range` when nothing reaches what it retains,
 * `unavailable` when neither the log nor any object can be had. */
export const bootstrapReplica = async (options: BootstrapOptions): Promise<Bootstrapped> => {
  const { env, bounds, pool, platform } = options
  const refusals: Refusals = { reasons: [], keys: [] }
  const { reasons, keys } = refusals
  let isUnknown = false
  for (const source of ['local', 'remote'] as const) {
    const loaded = await load(options, source, refusals)
    if (loaded === 'unknown') isUnknown = true
    if (loaded === null || loaded === 'unknown') continue
    const refusal = refusalOf(loaded.through, bounds)
    if (refusal === null) return { store: loaded.store, through: loaded.through, source, refused: keys }
    pool.release(loaded.store)
    if (refusal === 'diverged') throw diverged(env, loaded.through, bounds)
    reasons.push(`the ${source} objects go to position ${loaded.through} only`)
  }
  if (bounds === null) {
    const why = reasons.length > 0 ? reasons.join('; ') : 'there are no objects'
    throw new LogError('unavailable', `environment \`${env}\` has no state yet: the log does not answer, and ${why}; it is tried again`)
  }
  if (!options.isWhole) checkForgotten(options, bounds, isUnknown, reasons)
  if (reasons.length > 0) platform.log('warn', 'replay-from-log', { environment: env, first: bounds.first, reason: reasons.join('; ') })
  return { store: pool.create(), through: bounds.first - 1, source: 'log', refused: keys }
}

/** The log does not begin at its first record any more, which is right for an environment that was made later, and for no other. */
const checkForgotten = (
  { env, isAlone }: BootstrapOptions,
  { first }: LogBounds,
  isUnknown: boolean,
  refusals: readonly string[],
): void => {
  // What is forgotten is in objects that cannot be looked at now: a replay would begin in the middle, and be taken for the whole.
  if (isUnknown) throw new LogError('unavailable', `environment \`${env}\` has no state yet: ${refusals.join('; ')}; it is tried again`)
  if (env === controlEnvironment || isAlone || refusals.length > 0) {
    throw new LogError(
      // An environment of its own cannot be mended from elsewhere.
      isAlone && env !== controlEnvironment ? 'diverged' : 'out-of-range',
      `the log goes back to revision ${first} only, and no objects hold what is before: name the object store of the other cells in ARCTOS_STORE` +
        `${refusals.length > 0 ? ` (${refusals.join('; ')})` : ''}; recovery is not automatic`,
    )
  }
  // Where records are missing at its start, `apply` refuses the first one that is not the genesis.
}

/** `unknown`: the objects could not be looked at. */
const load = async (
  options: BootstrapOptions,
  source: 'local' | 'remote',
  { reasons, keys }: Refusals,
): Promise<Loaded | 'unknown' | null> => {
  const { env, logId, pool, platform, local, remote } = options
  const objects = source === 'local' ? local : remote
  if (objects === null) return null
  try {
    const loaded = await loadNewest({ objects, env, pool, platform, logId })
    if (source === 'local' && loaded !== null) keys.push(...loaded.refused.flatMap(badKey))
    return loaded
  } catch (error) {
    if (source === 'local' && error instanceof LoadError) keys.push(...badKey(error))
    const reason = messageOf(error)
    platform.log('warn', 'objects-refused', { operation: 'bootstrap', environment: env, source, reason })
    reasons.push(reason)
    // Its log is gone, and another one was begun in its place: an empty state would be taken for the whole.
    if (env === controlEnvironment && error instanceof LoadError && error.code === 'foreign')
      throw new LogError('diverged', reason, { cause: error })
    return error instanceof LoadError && error.code === 'unavailable' ? 'unknown' : null
  }
}

/** One that does not answer now may be good, and one of a newer format is. */
const badKey = ({ code, key }: LoadError): readonly string[] => (code === 'foreign' || code === 'damaged' ? [key] : [])

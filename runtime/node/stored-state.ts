/** The state of an environment for a start without a replicator: from the objects in the data directory, else from the shared store. */

import { existsSync } from 'node:fs'
import { loadNewest } from '../../snapshots/load.ts'
import { folderObjectStore } from '../../snapshots/node/folder-store.ts'
import { nodeSnapshotPlatform } from '../../snapshots/node/platform.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import type { Received } from '../../snapshots/prepare-next.ts'
import type { StorePool } from '../../snapshots/store-pool.ts'
import { messageOf } from '../../src/base/message.ts'
import type { WriteLogLine } from '../../src/ops/log-line.ts'
import type { Configuration } from '../../src/ops/settings.ts'
import { objectsFolder, storePlace } from './cell-places.ts'

/** Resolves with null when nothing is there; what cannot be used is a log line. */
export const storedState = (
  configuration: Pick<Configuration, 'directory' | 'store' | 'secret'>,
  pool: StorePool,
  log: WriteLogLine,
): ((env: string) => Promise<Received | null>) => {
  const platform = nodeSnapshotPlatform(log)
  return async (env) => {
    for (const open of [ownObjects, sharedObjects]) {
      try {
        const objects = await open(configuration)
        const loaded = objects === null ? null : await loadNewest({ objects, env, pool, platform })
        if (loaded !== null) return { store: loaded.store, through: loaded.through }
      } catch (error) {
        log('warn', 'objects-refused', { operation: 'start without a replicator', environment: env, reason: messageOf(error) })
      }
    }
    return null
  }
}

type Places = Pick<Configuration, 'directory' | 'store' | 'secret'>

const ownObjects = async (configuration: Places): Promise<ObjectStore | null> => {
  const folder = objectsFolder(configuration)
  return existsSync(folder) ? folderObjectStore(folder, { create: false }) : null
}

const sharedObjects = async (configuration: Places): Promise<ObjectStore | null> => {
  const place = storePlace(configuration)
  if (place === null) return null
  // A runtime has no use for the clients of object stores as long as its replicator answers.
  const { objectStoreAt } = await import('../../snapshots/node/open-store.ts')
  return objectStoreAt(place, configuration.secret)
}

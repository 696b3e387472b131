/** Puts a replicator together from the places that the settings name: its log, the objects of its cell, and those that all cells share. */
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { LoadError } from '../snapshots/load-error.ts'
import { readManifest } from '../snapshots/load-manifest.ts'
import { folderObjectStore } from '../snapshots/node/folder-store.ts'
import { nodeSnapshotPlatform } from '../snapshots/node/platform.ts'
import { PressThread } from '../snapshots/node/press-thread.ts'
import { storePool } from '../snapshots/node/stores.ts'
import type { ObjectStore } from '../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../snapshots/platform.ts'
import type { WasmModules } from '../snapshots/pool.ts'
import { controlEnvironment } from '../src/log/control.ts'
import { type Log, LogError } from '../src/log/log.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import type { LogPlace, StorePlace } from '../src/ops/places.ts'
import { lockDirectory } from './directory-lock.ts'
import { openEmbeddedLog } from './embedded-log.ts'
import type { ReplicatorSettings } from './hosting.ts'
import { type Replicator, startReplicator } from './replicator.ts'

export interface OpenReplicatorOptions {
  /** Data directory of the cell: one process at a time. */
  readonly directory: string
  readonly place: LogPlace
  readonly kafkaUsername?: string | null
  readonly kafkaPassword?: string | null
  /** What all cells share; null, or the folder of this cell's own objects: nothing. */
  readonly store: StorePlace | null
  /** For a store behind a web server. */
  readonly secret?: string | null
  readonly settings: ReplicatorSettings
  /** Encoded bytes. */
  readonly maxRecordBytes: number
  /** Refuses appends that would make the file of the embedded log larger, as a full disk does. */
  readonly maxFileBytes?: number
  readonly modules: WasmModules
  /** Version of the engine. */
  readonly engine: string
  readonly log: WriteLogLine
}

/** Objects of a cell, in its data directory. */
export const objectsFolder = (directory: string): string => join(directory, 'objects')

/** Rejects with LogError when the log cannot be opened or another process has the directory, and with StoreError when the object store wants a person. */
export const openReplicator = async (options: OpenReplicatorOptions): Promise<Replicator> => {
  const { directory, settings, maxRecordBytes, engine } = options
  const unlock = lockDirectory(directory)
  const press = new PressThread(options.modules)
  const end = async (): Promise<void> => {
    // Before the thread that it belongs to ends.
    await press.close()
    unlock()
  }
  try {
    const platform: SnapshotPlatform = {
      ...nodeSnapshotPlatform(options.log),
      pause: nextTurn,
      press,
    }
    const objects = folderObjectStore(objectsFolder(directory))
    const remote = await sharedObjects(options)
    const log = await openLog(options, { objects, remote, platform })
    const parts = {
      log,
      objects,
      remote,
      platform,
      settings,
      maxRecordBytes,
      engine,
      pool: storePool(options.modules),
      holder: hostname(),
    }
    return endingWith(await startReplicator(parts), { begin: () => press.hurry(), end })
  } catch (error) {
    press.hurry()
    await end()
    throw error
  }
}

/** Lets appends and pushes go first, without the wait of a timer. */
const nextTurn = async (): Promise<void> =>
  new Promise((done) => {
    setImmediate(done)
  })

const sharedObjects = async ({ directory, store, secret = null, log }: OpenReplicatorOptions): Promise<ObjectStore | null> => {
  if (store === null || (store.kind === 'folder' && resolve(store.path) === resolve(objectsFolder(directory)))) return null
  if (store.kind === 'http')
    throw new LogError('unavailable', `a replicator publishes, which a web server does not take: name a folder or S3 in ARCTOS_STORE`)
  // Loaded where they are used: a cell without them starts faster and holds less.
  const { openObjectStore } = await import('../snapshots/node/open-store.ts')
  return openObjectStore(store, { secret, log })
}

interface Parts {
  readonly objects: ObjectStore
  readonly remote: ObjectStore | null
  readonly platform: SnapshotPlatform
}

const openLog = async (options: OpenReplicatorOptions, { objects, remote, platform }: Parts): Promise<Log> => {
  const { directory, place, kafkaUsername = null, kafkaPassword = null, maxRecordBytes, maxFileBytes } = options
  if (place.kind === 'embedded') return openEmbeddedLog({ directory, maxRecordBytes, ...(maxFileBytes !== undefined && { maxFileBytes }) })
  const logId = (await knownLogId(objects, platform)) ?? (remote === null ? null : await knownLogId(remote, platform))
  const { openKafkaLog } = await import('./kafka-log.ts')
  return openKafkaLog({ place, username: kafkaUsername, password: kafkaPassword, logId, platform, maxRecordBytes })
}

/** The log that objects belong to, null when there are none. */
const knownLogId = async (objects: ObjectStore, platform: SnapshotPlatform): Promise<string | null> => {
  try {
    const read = await readManifest({ objects, env: controlEnvironment })
    return read === null || read === 'unchanged' ? null : read.manifest.logId
  } catch (error) {
    if (!(error instanceof LoadError)) throw error
    // The log tells itself, when it answers.
    platform.log('warn', 'objects-refused', { operation: 'read log id', store: objects.name, reason: error.message })
    return null
  }
}

const endingWith = (
  replicator: Replicator,
  { begin, end }: { readonly begin: () => void; readonly end: () => Promise<void> },
): Replicator => {
  const close = replicator.close.bind(replicator)
  replicator.close = async () => {
    begin()
    try {
      await close()
    } finally {
      await end()
    }
  }
  return replicator
}

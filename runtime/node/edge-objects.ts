/** Where an edge or a fallback takes its objects from, and the copy on disk that a fallback starts from. */

import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { readArchive, writeArchive } from '../../snapshots/follower-archive.ts'
import { ObjectCopy } from '../../snapshots/follower-copy.ts'
import { LoadError } from '../../snapshots/load-error.ts'
import { readManifest } from '../../snapshots/load-manifest.ts'
import { folderObjectStore } from '../../snapshots/node/folder-store.ts'
import { objectStoreAt, openObjectStore } from '../../snapshots/node/open-store.ts'
import { type ObjectStore, StoreError } from '../../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../../snapshots/platform.ts'
import { messageOf } from '../../src/base/message.ts'
import { controlEnvironment } from '../../src/log/control.ts'
import { parseStorePlace, type StorePlace } from '../../src/ops/places.ts'
import type { Configuration } from '../../src/ops/settings.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { StartError } from './start.ts'

/** The store that the settings name; without one, what the origin serves. Throws StartError when there is neither. */
export const sourcePlace = ({ store, origin }: Configuration): StorePlace => {
  const objects = endpoints.objects.path.replace('/*', '')
  const parsed = parseStorePlace(store ?? (origin === null ? '' : `${origin.replace(/\/+$/, '')}${objects}`))
  if ('place' in parsed) return parsed.place
  throw new StartError('there is nothing to follow: name an object store in ARCTOS_STORE or a cell in ARCTOS_ORIGIN')
}

/** Rejects with StartError when the store wants a person, unless there is something else to start from. */
export const openSource = async (
  place: StorePlace,
  { secret, platform, orElse }: { readonly secret: string | null; readonly platform: SnapshotPlatform; readonly orElse: boolean },
): Promise<ObjectStore> => {
  try {
    return await openObjectStore(place, { secret, access: 'read', log: platform.log })
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause
    if (!orElse) throw new StartError(`the object store cannot be used: ${cause.message}`, { cause })
    platform.log('error', 'store-refused', { reason: cause.message, consequence: 'the copy on disk is served, as old as it is' })
    return objectStoreAt(place, secret)
  }
}

/** Environments that a fallback keeps a copy of: its own, and the one of the keys. */
export const copiedEnvironments = (env: string): readonly string[] => [controlEnvironment, env]

/** The folder of the copy, made if it is missing. Rejects with StartError. */
export const openCopy = async (directory: string): Promise<ObjectStore> => {
  const path = join(directory, 'copy')
  try {
    await mkdir(path, { recursive: true })
    return folderObjectStore(path)
  } catch (cause) {
    throw new StartError(`the copy in \`${path}\` cannot be written: ${messageOf(cause)}`, { cause })
  }
}

/** Whether there is a manifest that can be used. Rejects with what the store rejects with. */
export const hasCopy = async (objects: ObjectStore, env: string): Promise<boolean> => {
  try {
    return (await readManifest({ objects, env })) !== null
  } catch (error) {
    if (error instanceof LoadError && error.code !== 'unavailable') return false
    throw error
  }
}

/** Takes what an archive holds into the copy, unless that is newer. Rejects with StartError when the file cannot be read. */
export const importArchive = async (
  path: string,
  {
    copy,
    directory,
    env,
    platform,
  }: { readonly copy: ObjectStore; readonly directory: string; readonly env: string; readonly platform: SnapshotPlatform },
): Promise<void> => {
  // Beside the copy: what is imported is checked on its way there, like everything else.
  const folder = join(directory, `import-${platform.newId()}`)
  try {
    await mkdir(folder)
    const imported = folderObjectStore(folder)
    await readArchive(createReadStream(path), imported)
    for (const copied of copiedEnvironments(env)) {
      if ((await readManifest({ objects: imported, env: copied })) === null) continue
      await new ObjectCopy({ from: imported, to: copy, env: copied, platform }).update().catch(keepNewer)
    }
    platform.log('info', 'archive-imported', { file: path })
  } catch (cause) {
    throw new StartError(`the archive \`${path}\` cannot be imported: ${messageOf(cause)}`, { cause })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const keepNewer = (error: unknown): void => {
  if (!(error instanceof LoadError) || error.code !== 'backwards') throw error
}

/** Writes what the store holds for the environment to a file, all or nothing. Rejects with what the store, the archive and the file system do. */
export const exportArchive = async (path: string, objects: ObjectStore, env: string): Promise<void> => {
  const part = `${path}.part`
  try {
    await pipeline(Readable.from(writeArchive(objects, copiedEnvironments(env))), createWriteStream(part))
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

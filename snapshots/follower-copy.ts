/** Keeps a copy of an environment's objects in another store, so that a process starts from it with everything else down. */

import { LoadError, type LoadErrorCode, loadFailure } from './load-error.ts'
import { readManifest } from './load-manifest.ts'
import type { DeltaEntry, Manifest, SnapshotEntry } from './manifest.ts'
import { manifestKey, printManifest } from './manifest.ts'
import { objectBytes } from './object-bytes.ts'
import { type ObjectStore, StoreError } from './object-store.ts'
import type { SnapshotPlatform } from './platform.ts'

export interface CopyOptions {
  readonly from: ObjectStore
  /** Nothing else writes the environment's objects there. */
  readonly to: ObjectStore
  readonly env: string
  readonly platform: Pick<SnapshotPlatform, 'sha256' | 'log'>
}

/** The newest, and the one before it in case that the newest is refused. */
const KEPT_SNAPSHOTS = 2

export class ObjectCopy {
  readonly #options: CopyOptions
  /** Of the manifest that the copy holds, as its source told. */
  #version: string | undefined
  /** Objects whose stored bytes were checked by this process. */
  readonly #checked = new Set<string>()

  constructor(options: CopyOptions) {
    this.#options = options
  }

  /** Brings the copy up to date: objects first, the manifest last, then what nothing names is deleted. True when the copy has changed.
   * Rejects with LoadError and StoreError; the copy is as good as before then. */
  async update(): Promise<boolean> {
    const { from, to, env } = this.#options
    const before = await this.#copied()
    const read = await readManifest({ objects: from, env, seen: before ?? undefined, logId: before?.logId }, this.#version)
    if (read === 'unchanged') return false
    if (read === null) throw failure('load manifest', manifestKey(env), 'unavailable', `${from.name} has no such object`)
    const manifest = trimmed(read.manifest)
    const stored = await this.#stored()
    for (const entry of [...manifest.snapshots, ...manifest.deltas]) await this.#copy(entry, stored)
    await to.put(manifestKey(env), printManifest(manifest))
    this.#version = read.version
    await this.#sweep(manifest)
    return true
  }

  /** The manifest of the copy; null when there is none that can be read: it is replaced then. */
  async #copied(): Promise<Manifest | null> {
    const { to, env, platform } = this.#options
    try {
      const read = await readManifest({ objects: to, env })
      return read === null || read === 'unchanged' ? null : read.manifest
    } catch (error) {
      if (!(error instanceof LoadError) || error.code === 'unavailable') throw error
      platform.log('warn', 'copy-replaced', { env, reason: error.reason })
      return null
    }
  }

  async #stored(): Promise<ReadonlySet<string>> {
    const { to, env } = this.#options
    return new Set((await to.list(`${env}/`)).map(({ key }) => key))
  }

  async #copy(entry: SnapshotEntry | DeltaEntry, stored: ReadonlySet<string>): Promise<void> {
    const { from, to } = this.#options
    if (stored.has(entry.key) && (this.#checked.has(entry.key) || (await this.#isWhole(entry)))) return
    const found = await from.get(entry.key)
    if (found === null || found === 'unchanged') throw failure('copy object', entry.key, 'missing', `${from.name} has no such object`)
    const bytes = await objectBytes(entry.key, found, entry.storedBytes)
    if (!this.#matches(bytes, entry))
      throw failure('copy object', entry.key, 'damaged', 'its size or SHA-256 is not what the manifest says')
    await to.put(entry.key, bytes)
    this.#checked.add(entry.key)
  }

  /** Whether an object of an earlier process is still what it was. */
  async #isWhole(entry: SnapshotEntry | DeltaEntry): Promise<boolean> {
    const found = await this.#options.to.get(entry.key)
    if (found === null || found === 'unchanged') return false
    try {
      if (!this.#matches(await objectBytes(entry.key, found, entry.storedBytes), entry)) return false
    } catch (error) {
      if (error instanceof StoreError && error.code === 'too-large') return false
      throw error
    }
    this.#checked.add(entry.key)
    return true
  }

  #matches(bytes: Uint8Array, { storedBytes, sha256 }: SnapshotEntry | DeltaEntry): boolean {
    if (bytes.byteLength !== storedBytes) return false
    const hash = this.#options.platform.sha256()
    hash.update(bytes)
    return hash.digest() === sha256
  }

  async #sweep(manifest: Manifest): Promise<void> {
    const { to, env } = this.#options
    const named = new Set([manifestKey(env), ...[...manifest.snapshots, ...manifest.deltas].map(({ key }) => key)])
    for (const { key } of await to.list(`${env}/`)) {
      if (named.has(key)) continue
      await to.delete(key)
      this.#checked.delete(key)
    }
  }
}

const failure = (operation: string, key: string, code: LoadErrorCode, reason: string): LoadError =>
  loadFailure({ operation, key, revision: null }, code, reason)

/** The manifest of what is copied: fewer snapshots, and the deltas that they need. */
const trimmed = (manifest: Manifest): Manifest => {
  const snapshots = manifest.snapshots.slice(0, KEPT_SNAPSHOTS)
  const oldest = snapshots.at(-1)?.through ?? -1
  return { ...manifest, snapshots, deltas: manifest.deltas.filter(({ last }) => last > oldest) }
}

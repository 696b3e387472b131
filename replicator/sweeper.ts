/** Deletes objects that nothing needs: of deleted environments, restore points that the log forgot, what manifests of the shared store named once. */

import type { Later } from '../snapshots/later.ts'
import { environmentFolder, restorePrefix } from '../snapshots/object-keys.ts'
import type { ObjectStore } from '../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../snapshots/platform.ts'
import { sweep } from '../snapshots/retention.ts'
import { limits } from '../src/base/limits.ts'
import { messageOf } from '../src/base/message.ts'
import type { Hosted } from './hosted.ts'
import { Loop } from './loop.ts'

export interface SweptEnvironment extends Pick<Hosted, 'env' | 'problem' | 'needsRestorePoint'> {
  readonly channel: Pick<Hosted['channel'], 'isConnected'>
  /** Resolves when everything was read that the log held. */
  current(): Promise<unknown>
}

export interface SweeperOptions {
  readonly local: ObjectStore
  readonly remote: ObjectStore | null
  /** Whether this replicator publishes for all cells. */
  readonly mayWriteShared: () => boolean
  readonly hosted: () => Iterable<SweptEnvironment>
  /** Ids of environments that are gone for good. */
  readonly deleted: () => readonly string[]
  readonly platform: SnapshotPlatform
  readonly later: Later
  readonly intervalMs?: number
  /** How long nothing must have needed an object. */
  readonly unreferencedMs?: number
}

export class Sweeper {
  readonly #options: SweeperOptions
  readonly #loop: Loop
  readonly #places: readonly Place[]

  constructor(options: SweeperOptions) {
    this.#options = options
    const { local, remote, mayWriteShared, later, intervalMs = limits.sweepMs, unreferencedMs = limits.unreferencedMs } = options
    this.#places = [
      new Place(local, () => true, unreferencedMs),
      ...(remote === null ? [] : [new Place(remote, mayWriteShared, unreferencedMs)]),
    ]
    this.#loop = new Loop({
      intervalMs,
      later,
      work: () => this.#sweep(),
      failed: (error, retryMs) => this.#tell(error, retryMs),
    })
  }

  async close(): Promise<void> {
    await this.#loop.close()
  }

  async #sweep(): Promise<void> {
    const { hosted, deleted, platform } = this.#options
    const failures: unknown[] = []
    // What fails for one environment leaves its objects where they are, and is no reason to leave those of others.
    const attempt = async (place: Place, work: () => Promise<void>): Promise<void> => {
      if (!place.mayDelete()) return
      try {
        await work()
      } catch (error) {
        failures.push(error)
      }
    }
    for (const place of this.#places) {
      for (const environment of hosted()) await attempt(place, () => place.sweep(environment, platform))
      for (const env of deleted()) await attempt(place, () => place.empty(env, platform))
    }
    if (failures.length > 0) throw failures[0]
  }

  #tell(error: unknown, retryMs: number): void {
    const reason = messageOf(error)
    this.#options.platform.log('warn', 'sweep-failed', { operation: 'sweep', reason, retryMs, automatic: true })
  }
}

/** An object store, and since when each of its keys was not needed. */
class Place {
  readonly #objects: ObjectStore
  readonly mayDelete: () => boolean
  readonly #unreferencedMs: number
  readonly #unreferenced = new Map<string, Map<string, number>>()
  /** Since when each environment is known to be deleted; null: nothing of it is left. */
  readonly #deleted = new Map<string, number | null>()

  constructor(objects: ObjectStore, mayDelete: () => boolean, unreferencedMs: number) {
    this.#objects = objects
    this.mayDelete = mayDelete
    this.#unreferencedMs = unreferencedMs
  }

  async sweep(hosted: SweptEnvironment, platform: SnapshotPlatform): Promise<void> {
    const { env } = hosted
    // What the log still names is not known before the log was seen.
    if (!hosted.channel.isConnected || hosted.problem !== null) return
    const restores = await this.#objects.list(restorePrefix(env))
    // Whoever names one of them has been read then.
    await hosted.current()
    const keep = new Set(restores.map(({ key }) => key).filter((key) => hosted.needsRestorePoint(key)))
    const unreferenced = this.#unreferenced.get(env) ?? new Map<string, number>()
    this.#unreferenced.set(env, unreferenced)
    const [objects, unreferencedMs, mayDelete] = [this.#objects, this.#unreferencedMs, this.mayDelete]
    const { missing } = await sweep({ objects, env, keep, platform, unreferencedMs, unreferenced, mayDelete })
    for (const key of missing) {
      const hint = 'a later snapshot takes its place; find out who deletes objects'
      platform.log('error', 'object-missing', { operation: 'sweep', environment: env, store: objects.name, key, hint, automatic: true })
    }
  }

  /** Everything of a deleted environment, once its last readers had time to hear of it. */
  async empty(env: string, platform: SnapshotPlatform): Promise<void> {
    const since = this.#deleted.get(env)
    const nowMs = platform.monotonicMs()
    this.#unreferenced.delete(env)
    if (since === undefined) this.#deleted.set(env, nowMs)
    if (since === undefined || since === null || nowMs - since < this.#unreferencedMs) return
    for (const { key } of await this.#objects.list(`${environmentFolder(env)}/`)) {
      if (!this.mayDelete()) return
      await this.#objects.delete(key)
    }
    this.#deleted.set(env, null)
    platform.log('info', 'environment-swept', { environment: env, store: this.#objects.name })
  }
}

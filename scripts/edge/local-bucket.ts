/** The local bucket of `wrangler dev`, kept in step with a folder of objects. */

import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { getPlatformProxy } from 'wrangler'
import { ObjectCopy } from '../../snapshots/follower-copy.ts'
import { nodeSnapshotPlatform } from '../../snapshots/node/platform.ts'
import { objectBytes } from '../../snapshots/object-bytes.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { type R2Bucket, r2ObjectStore } from '../../snapshots/r2-store.ts'
import { messageOf } from '../../src/base/message.ts'

export interface LocalBucketOptions {
  /** What is copied. */
  readonly from: ObjectStore
  /** Of the dev edge. */
  readonly directory: string
  readonly environments: readonly string[]
  readonly say: (line: string) => void
}

const STEP_MS = 500
const HEARTBEATS = 'heartbeats/'
const HEARTBEAT_BYTES = 1024 * 1024

/** Where wrangler keeps what its local buckets hold. */
export const bucketDirectory = (directory: string): string => join(directory, 'wrangler')

export class LocalBucket {
  readonly #options: LocalBucketOptions
  readonly #to: ObjectStore
  readonly #dispose: () => Promise<void>
  readonly #copies: readonly ObjectCopy[]
  /** Versions of the heartbeats that the bucket has. */
  readonly #heartbeats = new Map<string, string>()
  #ended = false
  #running: Promise<void> = Promise.resolve()
  #said = ''

  private constructor(options: LocalBucketOptions, to: ObjectStore, dispose: () => Promise<void>) {
    this.#options = options
    this.#to = to
    this.#dispose = dispose
    const platform = nodeSnapshotPlatform(() => undefined)
    this.#copies = options.environments.map((env) => new ObjectCopy({ from: options.from, to, env, platform }))
  }

  /** Resolves when the bucket holds what the folder does. */
  static async open(options: LocalBucketOptions): Promise<LocalBucket> {
    const proxy = await getPlatformProxy<{ readonly OBJECTS: R2Bucket }>({
      configPath: fileURLToPath(new URL('../../wrangler.toml', import.meta.url)),
      persist: { path: `${bucketDirectory(options.directory)}/v3` },
    })
    const bucket = new LocalBucket(options, r2ObjectStore({ bucket: proxy.env.OBJECTS, name: 'the local bucket' }), () => proxy.dispose())
    try {
      await bucket.#step()
    } catch (error) {
      await proxy.dispose()
      throw error
    }
    bucket.#running = bucket.#follow()
    return bucket
  }

  async close(): Promise<void> {
    this.#ended = true
    await this.#running
    await this.#dispose()
  }

  async #follow(): Promise<void> {
    while (!this.#ended) {
      await pause(STEP_MS)
      try {
        await this.#step()
        this.#said = ''
      } catch (error) {
        await this.#tell(error)
      }
    }
  }

  /** Ctrl-C ends the process that keeps the bucket, too, and that may be seen here first: then it is no news. */
  async #tell(error: unknown): Promise<void> {
    await pause(STEP_MS)
    const said = messageOf(error)
    if (said !== this.#said && !this.#ended) this.#options.say(`the local bucket is behind the cell, and is tried again: ${said}`)
    this.#said = said
  }

  async #step(): Promise<void> {
    for (const copy of this.#copies) await copy.update()
    const { from } = this.#options
    for (const { key } of await from.list(HEARTBEATS)) {
      const unless = this.#heartbeats.get(key)
      const object = await from.get(key, unless === undefined ? {} : { unless })
      if (object === null || object === 'unchanged') continue
      await this.#to.put(key, await objectBytes(key, object, HEARTBEAT_BYTES))
      this.#heartbeats.set(key, object.version)
    }
  }
}

/** The process of an edge or a fallback: follows an object store, serves from it, and ends without losing a request. */
import { Follower } from '../../snapshots/follower.ts'
import { nodeSnapshotPlatform } from '../../snapshots/node/platform.ts'
import { compileModules, storePool } from '../../snapshots/node/stores.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import type { Configuration } from '../../src/ops/settings.ts'
import { createApp } from '../app.ts'
import { createEdge, edgeKeys } from '../edge.ts'
import type { EdgeEnvironments } from '../edge-environments.ts'
import { createOrigin, type Origin } from '../edge-origin.ts'
import type { KeyRing } from '../keys.ts'
import type { RunningServer } from '../node.ts'
import type { Platform } from '../platform.ts'
import type { Service } from '../service.ts'
import { openSource, sourcePlace } from './edge-objects.ts'
import { PolicyThread } from './policy-thread.ts'
import type { HttpServer } from './server.ts'
import { nodePlatform, openServer, readKeys } from './start.ts'

export type RunningEdge = Pick<RunningServer, 'url' | 'log' | 'stop'>

/** Resolves when it listens: it is ready when the keys of the cell have arrived. Rejects with StartError. */
export const startEdge = async (configuration: Configuration): Promise<RunningEdge> => {
  const platform = nodePlatform(configuration)
  const keys = await nodeEdgeKeys(configuration, platform, null)
  const place = sourcePlace(configuration)
  const objects = await openSource(place, { secret: configuration.secret, platform: nodeSnapshotPlatform(platform.log), orElse: false })
  const origin = configuration.origin === null ? null : createOrigin({ url: configuration.origin.replace(/\/+$/, ''), fetch })
  return serveEdge({ configuration, platform, keys, kind: 'edge', origin, only: null, followedBy: () => ({ objects }) })
}

export interface ServedEdge {
  readonly configuration: Configuration
  readonly platform: Platform
  readonly keys: KeyRing
  readonly kind: Exclude<Service['kind'], 'cell'>
  readonly origin: Origin | null
  readonly only: string | null
  /** Where the objects of an environment are, and how they come there. */
  readonly followedBy: (env: string) => {
    readonly objects: ObjectStore
    readonly heartbeats?: ObjectStore
    readonly fetch?: () => Promise<void>
  }
  /** After the first look: rejects when the process is not to start. */
  readonly looked?: (environments: EdgeEnvironments) => Promise<void>
}

/** Serves environments that followers feed. Resolves when it listens and, where `looked` is given, that has resolved. */
export const serveEdge = async (served: ServedEdge): Promise<RunningEdge> => {
  const { configuration, platform } = served
  const modules = await compileModules()
  const policies = new PolicyThread(modules, platform.log)
  const state: { unready: string | null; server?: HttpServer } = { unready: null }
  const [pool, snapshots] = [storePool(modules), nodeSnapshotPlatform(platform.log)]
  const edge = createEdge({
    ...served,
    policies,
    createApp,
    follow: (env, partition, counts) => new Follower({ env, partition, pool, platform: snapshots, counts, ...served.followedBy(env) }),
    unready: () => state.unready,
    url: () => state.server?.url ?? '',
  })
  const { environments } = edge
  const loop = new Loop(configuration.refreshMs, edge.look)
  const stop = async (): Promise<void> => {
    state.unready = 'the server is shutting down'
    await state.server?.drain(configuration.shutdownTimeoutMs)
    await loop.end()
    await policies.close()
    environments.close()
  }
  try {
    const server = await openServer(configuration, edge.app)
    state.server = server
    if (served.looked !== undefined) {
      await environments.refresh()
      await served.looked(environments)
    }
    loop.begin()
    return { url: server.url, log: platform.log, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Keys beside those of `control`: of a file, and on a development machine the well-known one. `only`: of this environment. */
export const nodeEdgeKeys = async (configuration: Configuration, platform: Platform, only: string | null): Promise<KeyRing> =>
  edgeKeys(platform, configuration, (await readKeys(configuration, platform)).records(), only)

const END_MS = 1000

/** Does something again and again, with a pause after each time; what it does never rejects. */
class Loop {
  readonly #pauseMs: number
  readonly #step: () => Promise<void>
  #running: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #ended = false

  constructor(pauseMs: number, step: () => Promise<void>) {
    this.#pauseMs = pauseMs
    this.#step = step
  }

  begin(): void {
    if (this.#ended) return
    this.#running = this.#step().then(() => {
      if (!this.#ended) this.#timer = setTimeout(() => this.begin(), this.#pauseMs)
    })
  }

  /** Resolves when the last one is done, or soon: an object store that hangs must not hold up the end of the process. */
  async end(): Promise<void> {
    this.#ended = true
    clearTimeout(this.#timer)
    const soon = new Promise<void>((resolve) => {
      setTimeout(resolve, END_MS).unref()
    })
    await Promise.race([this.#running, soon])
  }
}

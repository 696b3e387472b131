/** The Node process: opens the log, bootstraps the environments, serves, and ends without losing a request. */
import { setTimeout as delay } from 'node:timers/promises'
import { replicatorMetrics } from '../replicator/measurements.ts'
import { readManifest } from '../snapshots/load-manifest.ts'
import type { Manifest } from '../snapshots/manifest.ts'
import { folderObjectStore } from '../snapshots/node/folder-store.ts'
import { compileModules, storePool } from '../snapshots/node/stores.ts'
import { limits } from '../src/base/limits.ts'
import { LogError } from '../src/log/log.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import type { Configuration } from '../src/ops/settings.ts'
import { createApp } from './app.ts'
import { createStartingApp } from './app-core.ts'
import { type Bootstrapped, bootstrap } from './bootstrap.ts'
import type { Control } from './control.ts'
import { Admin } from './control-admin.ts'
import { createService } from './create-service.ts'
import { type EnvironmentsOptions, ReplicaSet } from './environments.ts'
import type { Route } from './exchange.ts'
import { AdminKey } from './keys.ts'
import { objectsFolder } from './node/cell-places.ts'
import { type CellReplicator, openCellReplicator } from './node/cell-replicator.ts'
import { PolicyThread } from './node/policy-thread.ts'
import type { HttpServer } from './node/server.ts'
import { nodePlatform, openServer, readKeys, requireKeys } from './node/start.ts'
import { storedState } from './node/stored-state.ts'
import type { Platform } from './platform.ts'
import { processMetrics } from './process-metrics.ts'
import { serveObjects } from './routes/objects.ts'

export interface RunningServer {
  readonly url: string
  /** Whether the example environment is served. */
  readonly hasExample: boolean
  readonly log: WriteLogLine
  /** Drains requests and ends the log. */
  stop(): Promise<void>
}

/** Resolves when the process is ready to answer; `routes` go through the same steps as the API's own. Rejects with StartError when it cannot be. */
export const startServer = async (configuration: Configuration, routes: readonly Route[] = []): Promise<RunningServer> => {
  const platform = nodePlatform(configuration)
  const keys = await readKeys(configuration, platform)
  const modules = await compileModules()
  const state: { unready: string | null } = { unready: 'the server is starting' }
  const policies = new PolicyThread(modules, platform.log)
  let app = createStartingApp(platform)
  const opened: { server?: HttpServer; cell?: CellReplicator; environments?: ReplicaSet; control?: Control; memory?: NodeJS.Timeout } = {}
  const stop = async (): Promise<void> => {
    state.unready = 'the server is shutting down'
    await opened.server?.drain(configuration.shutdownTimeoutMs)
    await policies.close()
    opened.control?.close()
    clearInterval(opened.memory)
    await opened.cell?.close()
    opened.environments?.close()
  }

  try {
    const server = await openServer(configuration, () => app)
    opened.server = server
    const cell = await openCellReplicator(configuration, platform, modules)
    opened.cell = cell
    const { replicator } = cell
    const environments = openEnvironments(configuration, { replicator, platform, policies, pool: storePool(modules) })
    opened.environments = environments
    opened.memory = setInterval(() => environments.dropIdle(), limits.memoryLookMs).unref()
    const development = configuration.mode === 'development'
    const { example } = configuration
    const begin = () => bootstrap({ environments, keys, platform, development, example })
    const { hasExample, control } = configuration.replicator === null ? await begin() : await persistently(begin, platform)
    opened.control = control
    requireKeys(configuration, keys)
    const { adminKey, appliedWaitMs } = configuration
    const key = new AdminKey(platform.sha256, adminKey)
    const admin = new Admin({ key, control, keys, environments, replicator, platform, appliedWaitMs, development })
    const unready = (): string | null => state.unready ?? environments.problem() ?? control.problem()
    processMetrics(platform.metrics, environments, replicator)
    if (configuration.replicator === null) replicatorMetrics(platform.metrics, () => cell.measure())
    const objects = folderObjectStore(objectsFolder(configuration), { create: false })
    const published = async (env: string): Promise<Manifest | null> => manifestOf(await readManifest({ objects, env }))
    app = createApp(createService({ configuration, platform, keys, policies, environments, unready, admin, published }), routes)
    serveObjects(app, {
      objects,
      secret: configuration.secret,
      platform,
    })
    state.unready = null
    platform.log('info', 'ready', { url: server.url, mode: configuration.mode })
    return { url: server.url, hasExample, log: platform.log, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Only a question with a condition is answered by `unchanged`. */
const manifestOf = (read: Awaited<ReturnType<typeof readManifest>>): Manifest | null =>
  read === null || read === 'unchanged' ? null : read.manifest

type EnvironmentParts = Pick<EnvironmentsOptions, 'replicator' | 'platform' | 'policies' | 'pool'>

/** Beside a replicator process, environments are there without it, too. */
const openEnvironments = (configuration: Configuration, parts: EnvironmentParts): ReplicaSet => {
  const { log, metrics } = parts.platform
  const lag = metrics.histogram(appendToApply, [])
  const stored = configuration.replicator === null ? {} : { stored: storedState(configuration, parts.pool, log) }
  return new ReplicaSet({ ...configuration, ...parts, ...stored, applied: (lagMs) => lag.observe(lagMs / 1000) })
}

const appendToApply = {
  name: 'arctos_append_to_apply_seconds',
  help: 'From append to apply of the last record of each push, by the clocks of two machines',
  labels: [],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
} as const

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2000

/** Without a replicator and without anything stored there is nothing to serve yet: the process is alive, and not ready, until there is. */
const persistently = async (begin: () => Promise<Bootstrapped>, { log }: Platform): Promise<Bootstrapped> => {
  let last: string | null = null
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    try {
      return await begin()
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'unavailable') throw error
      if (error.message !== last) log('warn', 'waiting-for-replicator', { reason: error.message, recovery: 'automatic' })
      last = error.message
      await delay(pauseMs)
    }
  }
}

/** The Node process: opens the log, bootstraps the environments, serves, and ends without losing a request. */
import { createHash } from 'node:crypto'
import { access, constants, mkdir, readFile } from 'node:fs/promises'
import { startReplicatorWorker } from '../replicator/worker-client.ts'
import { limits } from '../src/base/limits.ts'
import type { InnerReplicator } from '../src/log/inner.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import type { Configuration } from '../src/ops/settings.ts'
import { createApp, createStartingApp } from './app.ts'
import { bootstrap } from './bootstrap.ts'
import { createService } from './create-service.ts'
import { ReplicaSet } from './environments.ts'
import type { Route } from './exchange.ts'
import { KeyRing, parseKeyFile } from './keys.ts'
import { pinoLogLines } from './node/log-lines.ts'
import { PolicyThread } from './node/policy-thread.ts'
import { prometheusRegistry } from './node/prometheus.ts'
import { type HttpServer, listen } from './node/server.ts'
import { compileModules, storeFactory } from './node/stores.ts'
import { type Platform, webPlatform } from './platform.ts'
import { processMetrics } from './process-metrics.ts'

export interface RunningServer {
  readonly url: string
  /** Whether the example environment is served. */
  readonly hasExample: boolean
  readonly log: WriteLogLine
  /** Drains requests and ends the log. */
  stop(): Promise<void>
}

/** Why a server cannot start: a sentence for the operator. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

/** Resolves when the process is ready to answer; `routes` go through the same steps as the API's own. Rejects with StartError when it cannot be. */
export const startServer = async (configuration: Configuration, routes: readonly Route[] = []): Promise<RunningServer> => {
  const platform = nodePlatform(configuration)
  const keys = await readKeys(configuration, platform)
  const modules = await compileModules()
  const state: { unready: string | null } = { unready: 'the server is starting' }
  const policies = new PolicyThread(modules, platform.log)
  let app = createStartingApp(platform)
  const opened: { server?: HttpServer; replicator?: InnerReplicator; environments?: ReplicaSet } = {}
  const stop = async (): Promise<void> => {
    state.unready = 'the server is shutting down'
    await opened.server?.drain(configuration.shutdownTimeoutMs)
    await policies.close()
    await opened.replicator?.close()
    opened.environments?.close()
  }

  try {
    const server = await openServer(configuration, () => app)
    opened.server = server
    const replicator = await openReplicator(configuration)
    opened.replicator = replicator
    const environments = new ReplicaSet({ ...configuration, replicator, platform, createStore: storeFactory(modules) })
    opened.environments = environments
    const development = configuration.mode === 'development'
    const { hasExample } = await bootstrap({ replicator, environments, keys, platform, development, example: configuration.example })
    const unready = (): string | null => state.unready ?? environments.problem()
    processMetrics(platform.metrics, environments, replicator)
    app = createApp(createService({ configuration, platform, keys, policies, environments, unready }), routes)
    state.unready = null
    platform.log('info', 'ready', { url: server.url, mode: configuration.mode })
    return { url: server.url, hasExample, log: platform.log, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const nodePlatform = ({ logLevel }: Configuration): Platform => ({
  ...webPlatform(pinoLogLines(logLevel), prometheusRegistry()),
  sha256: (text) => createHash('sha256').update(text, 'utf8').digest(),
})

const readKeys = async ({ mode, keys: path }: Configuration, platform: Platform): Promise<KeyRing> => {
  const ring = new KeyRing(platform.sha256)
  if (path === null) {
    if (mode === 'production')
      throw new StartError('production mode needs keys: make some with `arctos key generate` and name their file in ARCTOS_KEYS')
    return ring
  }
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new StartError(`the key file \`${path}\` cannot be read: ${reasonOf(cause)}`, { cause })
  })
  const { records, problems } = parseKeyFile(text)
  if (problems.length > 0) throw new StartError(`the key file \`${path}\` has mistakes:\n${problems.join('\n')}`)
  if (mode === 'production' && records.length === 0) throw new StartError(`the key file \`${path}\` holds no key`)
  for (const record of records) ring.add(record)
  return ring
}

const openServer = async (
  { host, port, requestTimeoutMs }: Configuration,
  app: () => ReturnType<typeof createApp>,
): Promise<HttpServer> => {
  try {
    return await listen({ host, port, requestTimeoutMs, app })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : ''
    const reason = code === 'EADDRINUSE' ? 'another process uses it: stop that one or choose another with OSO_PORT' : reasonOf(cause)
    throw new StartError(`cannot listen on ${host}:${port}: ${reason}`, { cause })
  }
}

const openReplicator = async ({ directory, mode }: Configuration): Promise<InnerReplicator> => {
  const maxRecordBytes = mode === 'production' ? limits.recordBytes : limits.developmentRecordBytes
  try {
    await mkdir(directory, { recursive: true })
    await access(directory, constants.W_OK)
  } catch (cause) {
    throw new StartError(`the data directory \`${directory}\` cannot be written: ${reasonOf(cause)}`, { cause })
  }
  try {
    return await startReplicatorWorker({ directory, maxRecordBytes })
  } catch (cause) {
    throw new StartError(`the log in \`${directory}\` cannot be opened: ${reasonOf(cause)}`, { cause })
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

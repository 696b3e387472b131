/** The process of a replicator: opens its log and its stores, serves the runtimes of its cell, and ends without losing a write. */

import { type ReplicatorServer, serveReplicator } from '../../replicator/http-server.ts'
import { replicatorMetrics } from '../../replicator/measurements.ts'
import { openReplicator } from '../../replicator/open-replicator.ts'
import type { Replicator } from '../../replicator/replicator.ts'
import { folderObjectStore } from '../../snapshots/node/folder-store.ts'
import { compileModules } from '../../snapshots/node/stores.ts'
import { messageOf } from '../../src/base/message.ts'
import type { WriteLogLine } from '../../src/ops/log-line.ts'
import { gauge, type MetricRegistry } from '../../src/ops/metrics.ts'
import type { ReplicatorPlace } from '../../src/ops/places.ts'
import type { Configuration } from '../../src/ops/settings.ts'
import { logGauges } from '../log-gauges.ts'
import {
  defaultReplicatorPlace,
  logPlace,
  maxRecordBytes,
  objectsFolder,
  printPlace,
  replicatorPlace,
  requireSecret,
  storePlace,
} from './cell-places.ts'
import { openDirectory, replicatorSettings } from './cell-replicator.ts'
import { nodePlatform, StartError } from './start.ts'
import { packageVersion } from './version.ts'

export interface RunningReplicator {
  readonly place: ReplicatorPlace
  readonly log: WriteLogLine
  /** Answers what is under way and ends the log. */
  stop(): Promise<void>
}

/** Resolves when runtimes can connect. Rejects with StartError when the process cannot start. */
export const startReplicatorProcess = async (configuration: Configuration): Promise<RunningReplicator> => {
  const place = replicatorPlace(configuration) ?? defaultReplicatorPlace(configuration)
  requireSecret(configuration, place)
  const { log, metrics } = nodePlatform(configuration)
  await openDirectory(configuration)
  const state: { unready: string | null; replicator: Replicator | null } = { unready: 'the replicator is starting', replicator: null }
  const server = await serve(configuration, place, {
    replicator: () => state.replicator,
    unready: () => state.unready ?? state.replicator?.problem() ?? null,
    metrics,
    log,
  })
  const stop = async (): Promise<void> => {
    state.unready = 'the replicator is shutting down'
    await server.close(configuration.shutdownTimeoutMs)
    await state.replicator?.close()
  }
  try {
    state.replicator = await open(configuration, log)
    processMetrics(metrics, state.replicator, server)
    state.unready = null
    log('info', 'ready', { place: printPlace(server.place), mode: configuration.mode })
    return { place: server.place, log, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

type ServerParts = Pick<Parameters<typeof serveReplicator>[0], 'replicator' | 'unready' | 'metrics' | 'log'>

const serve = async (configuration: Configuration, place: ReplicatorPlace, parts: ServerParts): Promise<ReplicatorServer> => {
  try {
    const objects = folderObjectStore(objectsFolder(configuration), { create: false })
    return await serveReplicator({ place, secret: configuration.secret, objects, ...parts })
  } catch (cause) {
    throw new StartError(messageOf(cause), { cause })
  }
}

const open = async (configuration: Configuration, log: WriteLogLine): Promise<Replicator> => {
  const { directory, kafkaUsername, kafkaPassword, secret } = configuration
  try {
    return await openReplicator({
      directory,
      kafkaUsername,
      kafkaPassword,
      secret,
      log,
      place: logPlace(configuration),
      store: storePlace(configuration),
      settings: replicatorSettings(configuration),
      maxRecordBytes: maxRecordBytes(configuration),
      modules: await compileModules(),
      engine: await packageVersion(),
    })
  } catch (cause) {
    throw new StartError(`the replicator cannot start: ${messageOf(cause)}`, { cause })
  }
}

const processMetrics = (metrics: MetricRegistry, replicator: Replicator, server: ReplicatorServer): void => {
  replicatorMetrics(metrics, () => replicator.measure())
  const runtimes = gauge(metrics, 'arctos_replicator_runtimes', 'runtimes that are connected to the replicator')
  metrics.beforeExport(() => runtimes.set(server.runtimes))
  logGauges(metrics, replicator)
}

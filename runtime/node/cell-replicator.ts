/** The replicator of this process: a thread of its own, or a client of the cell's replicator process. */

import { access, constants, mkdir } from 'node:fs/promises'
import type { Measurements } from '../../replicator/measurements.ts'
import { startReplicatorWorker } from '../../replicator/worker-client.ts'
import { innerClient } from '../../snapshots/inner-client.ts'
import type { WasmModules } from '../../snapshots/pool.ts'
import { messageOf } from '../../src/base/message.ts'
import type { InnerReplicator } from '../../src/log/inner.ts'
import type { ReplicatorPlace } from '../../src/ops/places.ts'
import type { Configuration } from '../../src/ops/settings.ts'
import type { Platform } from '../platform.ts'
import { logPlace, maxRecordBytes, replicatorPlace, requireSecret, storePlace } from './cell-places.ts'
import { StartError } from './start.ts'
import { placeFetch } from './unix-fetch.ts'
import { packageVersion } from './version.ts'

export interface CellReplicator {
  readonly replicator: InnerReplicator
  /** Of a replicator in this process, as of a moment ago; null: it is another process, or has not told yet. */
  measure(): Measurements | null
  close(): Promise<void>
}

/** Rejects with StartError. One that is another process need not be there. */
export const openCellReplicator = async (
  configuration: Configuration,
  platform: Platform,
  modules: WasmModules,
): Promise<CellReplicator> => {
  const place = replicatorPlace(configuration)
  return place === null ? openThread(configuration, platform, modules) : connectTo(place, configuration, platform)
}

/** Makes the data directory. Rejects with StartError when it cannot be written. */
export const openDirectory = async ({ directory }: Pick<Configuration, 'directory'>): Promise<void> => {
  try {
    await mkdir(directory, { recursive: true })
    await access(directory, constants.W_OK)
  } catch (cause) {
    throw new StartError(`the data directory \`${directory}\` cannot be written: ${messageOf(cause)}`, { cause })
  }
}

const openThread = async (configuration: Configuration, platform: Platform, modules: WasmModules): Promise<CellReplicator> => {
  const { directory, kafkaUsername, kafkaPassword } = configuration
  await openDirectory(configuration)
  const options = {
    directory,
    place: logPlace(configuration),
    kafkaUsername,
    kafkaPassword,
    store: storePlace(configuration),
    settings: replicatorSettings(configuration),
    maxRecordBytes: maxRecordBytes(configuration),
    modules,
    engine: await packageVersion(),
  }
  try {
    const replicator = await startReplicatorWorker(options, { log: platform.log })
    return { replicator, measure: () => replicator.measure(), close: () => replicator.close() }
  } catch (cause) {
    const log = configuration.log === 'embedded' ? `the log in \`${directory}\`` : `the log \`${configuration.log}\``
    throw new StartError(`${log} cannot be opened: ${messageOf(cause)}`, { cause })
  }
}

/** Those of the replicator alone: a thread takes no functions. */
export const replicatorSettings = ({
  appliedWaitMs,
  deltaIntervalMs,
  heartbeatMs,
  retainedSnapshots,
  snapshotIntervalMs,
  snapshotRecords,
  trim,
}: Configuration) => ({ appliedWaitMs, deltaIntervalMs, heartbeatMs, retainedSnapshots, snapshotIntervalMs, snapshotRecords, trim })

const connectTo = async (place: ReplicatorPlace, configuration: Configuration, platform: Platform): Promise<CellReplicator> => {
  requireSecret(configuration, place)
  const { url, fetch, close } = placeFetch(place)
  const { secret } = configuration
  const { monotonicMs, log, afterArrived } = platform
  const replicator = innerClient({ url, fetch, secret, monotonicMs, log, beforeTaking: afterArrived })
  const closeAll = async (): Promise<void> => {
    await replicator.close()
    close()
  }
  return { replicator, measure: () => null, close: closeAll }
}

/** In which partition of the log a new environment is, and from where on it is there. */
import type { Later } from '../snapshots/later.ts'
import { limits } from '../src/base/limits.ts'
import { controlEnvironment, type PlacedEnvironment } from '../src/log/control.ts'
import { isPartitioned, type Log, LogError, type PartitionedLog } from '../src/log/log.ts'
import { settledWithin } from './settled-within.ts'

/** Where the fewest environments are. */
export const emptiestPartition = (log: Log | PartitionedLog, placed: readonly PlacedEnvironment[]): number => {
  if (!isPartitioned(log)) return 0
  const counts = new Array<number>(log.partitions).fill(0)
  const control: PlacedEnvironment = { id: controlEnvironment, partition: 0 }
  for (const { partition } of [control, ...placed]) counts[partition] = (counts[partition] ?? 0) + 1
  return counts.indexOf(Math.min(...counts))
}

/** Of a partition; null where none is shared. Rejects with LogError. */
export const lastRevision = async (log: Log | PartitionedLog, partition: number, later: Later): Promise<number | null> => {
  if (!isPartitioned(log)) return null
  // The log tells it of an environment only. This one is none: the name is no id.
  const nobody = `.${partition}`
  log.assign(nobody, partition)
  try {
    const bounds = log.bounds(nobody)
    if (!(await settledWithin(bounds, limits.boundsWaitMs, later)))
      throw new LogError('unavailable', `partition ${partition} of the log does not answer; nothing was written`)
    return (await bounds).last
  } finally {
    log.unassign(nobody)
  }
}

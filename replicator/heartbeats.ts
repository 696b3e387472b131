/** What is known of the head of each partition, for those that follow the object store. */

import { type Heartbeat, writeHeartbeat } from '../snapshots/heartbeat.ts'
import type { ObjectStore } from '../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../snapshots/platform.ts'
import type { Log } from '../src/log/log.ts'
import type { Configuration } from '../src/ops/settings.ts'
import type { Hosted } from './hosted.ts'

export interface HeartbeatParts {
  readonly hosted: Iterable<Hosted>
  readonly log: Log
  readonly platform: Pick<SnapshotPlatform, 'nowMs'>
  readonly settings: Pick<Configuration, 'heartbeatMs'>
}

/** Tells them to whoever follows a store. Rejects with StoreError. */
export const writeHeartbeats = async (objects: ObjectStore, parts: HeartbeatParts): Promise<void> => {
  for (const [partition, heartbeat] of partitionHeartbeats(parts)) await writeHeartbeat(objects, partition, heartbeat)
}

/** Of every partition whose head was seen within a few intervals: a heartbeat never says more than was seen. */
export const partitionHeartbeats = ({ hosted, log, platform, settings }: HeartbeatParts): ReadonlyMap<string, Heartbeat> => {
  const members = Map.groupBy(hosted, ({ env }) => log.partitionOf(env))
  const heartbeats = new Map<string, Heartbeat>()
  for (const [partition, environments] of members) {
    const ages = environments.map(({ env, channel }) => (channel.isConnected ? log.stalenessMs(env) : null))
    const ageMs = ages.includes(null) ? null : Math.max(...ages.map((age) => age ?? 0))
    if (ageMs === null || ageMs > settings.heartbeatMs * MISSED) continue
    heartbeats.set(partition, {
      head: Math.max(...environments.map(({ channel }) => channel.head)),
      seenAtMs: platform.nowMs(),
      // The head was seen so long ago; readers add it to what they measure.
      intervalMs: settings.heartbeatMs + Math.ceil(ageMs),
      environments: Object.fromEntries(environments.map((found) => [found.env, found.lastRevision])),
    })
  }
  return heartbeats
}

/** After so many intervals without a look at the head there is nothing to tell. */
const MISSED = 3

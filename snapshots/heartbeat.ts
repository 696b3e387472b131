/** Heartbeats: how those that follow the object store tell an idle log from a stale copy of it. */
import { ManifestShape } from './manifest-shape.ts'
import { objectBytes } from './object-bytes.ts'
import type { ObjectStore } from './object-store.ts'

export interface Heartbeat {
  /** Of the partition's log: last position. */
  readonly head: number
  /** When it was looked at, by the clock of the writer: no reader compares it with its own. */
  readonly seenAtMs: number
  readonly intervalMs: number
  /** Last revision of every environment in the partition. */
  readonly environments: Readonly<Record<string, number>>
}

export class HeartbeatError extends Error {
  override readonly name = 'HeartbeatError'
}

/** Thousands of environments fit. */
const HEARTBEAT_BYTES = 8 * 1024 * 1024

export const heartbeatKey = (partition: string): string => `heartbeats/${encodeURIComponent(partition)}.json`

/** `heartbeat` is made just before: what it says must not be old when it arrives. Rejects with StoreError. */
export const writeHeartbeat = async (objects: ObjectStore, partition: string, heartbeat: Heartbeat): Promise<void> => {
  await objects.put(heartbeatKey(partition), printHeartbeat(heartbeat))
}

export interface ReadHeartbeat {
  readonly heartbeat: Heartbeat
  readonly version: string
}

/** Null when there is none. Rejects with StoreError and HeartbeatError. */
export const readHeartbeat = async (
  objects: ObjectStore,
  partition: string,
  unless?: string,
): Promise<ReadHeartbeat | 'unchanged' | null> => {
  const key = heartbeatKey(partition)
  const object = await objects.get(key, unless === undefined ? {} : { unless })
  if (object === null || object === 'unchanged') return object
  return { heartbeat: parseHeartbeat(await objectBytes(key, object, HEARTBEAT_BYTES)), version: object.version }
}

export const printHeartbeat = ({ head, seenAtMs, intervalMs, environments }: Heartbeat): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ head, seenAtMs, intervalMs, environments }))

/** Inverse of `printHeartbeat`. Throws HeartbeatError. */
export const parseHeartbeat = (bytes: Uint8Array): Heartbeat => {
  const shape = ManifestShape.parse(bytes, (reason, cause) => new HeartbeatError(`the heartbeat cannot be read: ${reason}`, { cause }))
  const heartbeat = {
    head: shape.integer('head', -1),
    seenAtMs: shape.integer('seenAtMs'),
    intervalMs: shape.integer('intervalMs'),
    environments: shape.integers('environments', -1),
  }
  shape.end()
  return heartbeat
}

/** The inner interface: all that a runtime sees of its cell's replicator, in the same process, behind a message port or over HTTP. */
import type { LogBounds, LogError, RevisedRecord } from './log.ts'
import type { RecordBody } from './record.ts'

export interface InnerReplicator {
  /** Appends one record. Durable when it resolves; readers of the environment's tail that are at the head have been pushed the record before.
   * Rejects with LogError; after `unknown-outcome`, append again with the same write id. */
  append(env: string, body: RecordBody, writeId: string): Promise<Appended>
  /** Pushes every record after a position, then each new one right after its commit; in order, without gap or repetition. Returns how to end it. */
  tail(env: string, after: number, reader: TailReader): () => void
  /** The newest state of the replicator's own replica, with every index that the active policy needs. Null for an environment that has no replica there:
   * an ephemeral one, which is read from its first record. Rejects with LogError. */
  snapshot(env: string): Promise<InnerSnapshot | null>
  /** Makes an environment, its genesis appended and its partition in the `control` environment, unless it exists. An ephemeral one lives in memory until the
   * replicator closes. Rejects with LogError `unknown-environment` when the id was deleted: ids are never used again. */
  createEnvironment(env: string, options?: CreateOptions): Promise<void>
  /** Takes an environment and its keys out of `control`; every cell drops it when it has applied that. */
  deleteEnvironment(env: string): Promise<void>
  /** Cuts a snapshot now and publishes it; resolves with what the manifest says afterwards. */
  publish(env: string): Promise<Published>
  /** Brings an environment back to a retained revision, by a record that every cell follows. Rejects with LogError `out-of-range` when it is not retained. */
  restore(env: string, revision: number): Promise<Appended>
  environments(): Promise<readonly EnvironmentStatus[]>
  /** How long ago the log's head was last seen with everything up to it pushed to this process; null: never. */
  stalenessMs(env: string): number | null
  status(): ReplicatorStatus
  /** Refuses new appends, waits for the accepted ones, ends every tail silently. */
  close(): Promise<void>
}

export interface Appended {
  readonly revision: number
  /** False when another runtime of the cell had not applied the record within the bound. */
  readonly applied: boolean
}

export interface CreateOptions {
  readonly ephemeral?: boolean
  /** Of the log; without it the replicator chooses one. */
  readonly partition?: number
}

export interface InnerSnapshot {
  /** Last record that the image holds. */
  readonly revision: number
  /** Nothing of the environment up to this position is missing: where the tail goes on. At least `revision`. */
  readonly through: number
  readonly rawBytes: number
  readonly stateHash: string
  readonly schemaVersion: number
  /** The database image, `rawBytes` of it. Breaks off with an error when the other side is gone. */
  readonly chunks: AsyncIterable<Uint8Array>
}

export interface Published {
  readonly revision: number
  readonly coveredThrough: number
  readonly key: string
}

export interface TailReader {
  /** Records, and the position up to which nothing is missing now; without records only that moved. A promise holds further pushes back, with a bound, until it
   * settles: the records are applied then. `isNew`: published just now; otherwise they were read, and nothing more is before that promise settles. */
  push(records: readonly RevisedRecord[], through: number, isNew?: boolean): void | Promise<void>
  /** The tail ended: the position is out of range, the log cannot be read or is another one, the environment is gone, the replicator is gone, or `push` threw.
   * `LogError` codes tell which: after `unavailable` follow again, after `out-of-range` or `diverged` load a snapshot. */
  failed(error: unknown): void
}

export interface EnvironmentStatus extends LogBounds {
  readonly env: string
  readonly ephemeral: boolean
}

export interface ReplicatorStatus {
  /** `failed` is final: nothing can be appended or read any more. `unreachable` is not: the replicator is another process that does not answer. */
  readonly state: 'running' | 'failed' | 'closed' | 'unreachable'
  readonly logId: string
  /** Why the last append failed or the replicator is gone; null when writes work. */
  readonly problem: LogError | null
  /** Appends not answered yet. */
  readonly pending: number
}

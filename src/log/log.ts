/** The totally ordered log of an environment. Revisions are monotone per environment; gaps are allowed. */
import type { LogRecord } from './record.ts'

export interface RevisedRecord {
  readonly revision: number
  readonly record: LogRecord
}

export interface LogBounds {
  /** First retained revision, and the last one; last is first - 1 when empty. */
  readonly first: number
  readonly last: number
}

/** Why a log call failed. `unknown-outcome`: the record may have been written; append again with the same write id. `diverged`: the log is not the one
 * that was followed (cut off behind its reader, or made anew). `unreadable`: a record of a format that this version does not know. */
export type LogErrorCode =
  | 'too-large'
  | 'unavailable'
  | 'unknown-outcome'
  | 'out-of-range'
  | 'corrupted'
  | 'overloaded'
  | 'diverged'
  | 'unreadable'
  | 'unknown-environment'

export class LogError extends Error {
  override readonly name = 'LogError'
  readonly code: LogErrorCode
  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Hears what becomes durable, whoever appended it. Never throws. */
export interface LogListener {
  /** Records in order per environment, each before its append is answered. Nothing of the environment up to `head` is missing; without records only the head
   * moved, because environments that share a partition share its revisions. */
  published(env: string, records: readonly RevisedRecord[], head: number): void
  /** This environment cannot be followed any more: `diverged`, `unreadable`, `corrupted`. What can be mended by waiting is not reported, `stalenessMs` grows. */
  failed(env: string, error: LogError): void
}

export interface Log {
  /** Random id of this log's generation. */
  readonly logId: string
  /** Durable when it resolves. Concurrent appends may be grouped. Rejects with LogError. */
  append(env: string, record: LogRecord): Promise<number>
  /** Records after a revision in order, at most `limit` and about `limits.readChunkBytes` of them; none only at the head.
   * Rejects with LogError `out-of-range` when `after` is below `first - 1` or past the head. */
  read(env: string, after: number, limit: number): Promise<readonly RevisedRecord[]>
  bounds(env: string): Promise<LogBounds>
  environments(): Promise<readonly string[]>
  /** Publications that follow from now on: `published` starts behind the head that `bounds` tells right after this call. Returns how to end it. */
  subscribe(listener: LogListener): () => void
  /** How long ago the head was last seen with everything up to it published; 0 where only this process appends; null: never. */
  stalenessMs(env: string): number | null
  /** The unit of trimming: environments of one partition share their revisions. */
  partitionOf(env: string): string
  /** Forgets the records of a partition up to a revision, this one included. Snapshots that cover them are the caller's business. */
  trim(partition: string, through: number): Promise<void>
  close(): Promise<void>
}

/** A log whose environments share partitions, by an explicit map that is kept elsewhere. */
export interface PartitionedLog extends Log {
  /** How many there are, from 0 on; 0: every environment is its own. */
  readonly partitions: number
  /** From now on this environment is read from and appended to that partition. */
  assign(env: string, partition: number): void
  /** The environment is not followed any more. */
  unassign(env: string): void
}

/** Whether environments share partitions. */
export const isPartitioned = (log: Log | PartitionedLog): log is PartitionedLog => 'partitions' in log && log.partitions > 0

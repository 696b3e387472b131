/** The inner interface: all that a runtime sees of its cell's replicator, in the same process, behind a message port or over HTTP. */
import type { LogBounds, LogError, RevisedRecord } from './log.ts'
import type { RecordBody } from './record.ts'

export interface InnerReplicator {
  /** Appends one record. Durable when it resolves; readers of the environment's tail that are at the head have been pushed the record before.
   * Rejects with LogError; after `unknown-outcome`, append again with the same write id. */
  append(env: string, body: RecordBody, writeId: string): Promise<{ readonly revision: number }>
  /** Pushes every record after a revision, then each new one right after its commit; in order, without gap or repetition. Returns how to end it. */
  tail(env: string, after: number, reader: TailReader): () => void
  /** Makes an environment, its genesis appended, unless it exists. An ephemeral one lives in memory until the replicator closes. */
  createEnvironment(env: string, options?: { readonly ephemeral?: boolean }): Promise<void>
  environments(): Promise<readonly EnvironmentStatus[]>
  status(): ReplicatorStatus
  /** Refuses new appends, waits for the accepted ones, ends every tail silently. */
  close(): Promise<void>
}

export interface TailReader {
  /** A promise holds further pushes back, with a bound, until it settles. */
  push(records: readonly RevisedRecord[]): void | Promise<void>
  /** The tail ended: the position is out of range, the log cannot be read, the replicator is gone, or `push` threw. */
  failed(error: unknown): void
}

export interface EnvironmentStatus extends LogBounds {
  readonly env: string
  readonly ephemeral: boolean
}

export interface ReplicatorStatus {
  /** `failed` is final: nothing can be appended or read any more. */
  readonly state: 'running' | 'failed' | 'closed'
  readonly logId: string
  /** Why the last append failed or the replicator is gone; null when writes work. */
  readonly problem: LogError | null
  /** Appends not answered yet. */
  readonly pending: number
}

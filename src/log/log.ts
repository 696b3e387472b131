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

/** Why a log call failed. `unknown-outcome`: the record may have been written; append again with the same write id. */
export type LogErrorCode = 'too-large' | 'unavailable' | 'unknown-outcome' | 'out-of-range' | 'corrupted' | 'overloaded'

export class LogError extends Error {
  override readonly name = 'LogError'
  readonly code: LogErrorCode
  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
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
  close(): Promise<void>
}

/** What the serving thread and the log's thread say to each other. */
import { assert, Bug } from '../src/base/assert.ts'
import type { EnvironmentStatus } from '../src/log/inner.ts'
import { LogError, type LogErrorCode } from '../src/log/log.ts'

export interface WorkerOptions {
  /** Data directory of the embedded log. */
  readonly directory: string
  /** Encoded bytes: `limits.recordBytes` in production, `limits.developmentRecordBytes` in development. */
  readonly maxRecordBytes: number
  /** Refuses appends that would make the file of the log larger, as a full disk does. */
  readonly maxFileBytes?: number
}

/** `id` names a request that is answered; `tail` a tail, numbered by the serving thread. Records and bodies travel as their text: that takes a third of the
 * serving thread's time of structured clones (measured with 1,000 facts). */
export type ToWorker =
  | { readonly kind: 'append'; readonly id: number; readonly env: string; readonly body: string; readonly writeId: string }
  | { readonly kind: 'create'; readonly id: number; readonly env: string; readonly ephemeral: boolean }
  | { readonly kind: 'environments'; readonly id: number }
  | { readonly kind: 'tail'; readonly tail: number; readonly env: string; readonly after: number }
  /** The oldest push not taken so far is done with. */
  | { readonly kind: 'taken'; readonly tail: number }
  | { readonly kind: 'end-tail'; readonly tail: number }
  | { readonly kind: 'close' }

/** Sent in lists, in order: all that one turn of the worker has to say. */
export type FromWorker =
  | { readonly kind: 'ready'; readonly logId: string }
  | { readonly kind: 'refused'; readonly error: SentError }
  | { readonly kind: 'records'; readonly tail: number; readonly records: readonly SentRecord[] }
  | { readonly kind: 'tail-failed'; readonly tail: number; readonly error: SentError }
  | { readonly kind: 'appended'; readonly id: number; readonly revision: number }
  | { readonly kind: 'created'; readonly id: number }
  | { readonly kind: 'environments'; readonly id: number; readonly environments: readonly EnvironmentStatus[] }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SentError }

export interface SentRecord {
  readonly revision: number
  readonly text: string
}

export interface SentError {
  /** Null: a bug of ours. */
  readonly code: LogErrorCode | null
  readonly message: string
}

export const sentError = (error: unknown): SentError => {
  if (error instanceof LogError) return { code: error.code, message: error.message }
  return { code: null, message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}

export const receivedError = ({ code, message }: SentError): LogError | Bug =>
  code === null ? new Bug(message) : new LogError(code, message)

export const receivedOptions = (options: unknown): WorkerOptions => {
  assert(
    typeof options === 'object' && options !== null && 'directory' in options && 'maxRecordBytes' in options,
    'the worker has its options',
  )
  const { directory, maxRecordBytes } = options
  assert(typeof directory === 'string' && typeof maxRecordBytes === 'number', 'the options of the worker')
  const maxFileBytes = 'maxFileBytes' in options && typeof options.maxFileBytes === 'number' ? options.maxFileBytes : undefined
  return { directory, maxRecordBytes, ...(maxFileBytes !== undefined && { maxFileBytes }) }
}

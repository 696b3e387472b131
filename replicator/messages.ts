/** What the serving thread and the log's thread say to each other. */
import type { WasmModules } from '../snapshots/pool.ts'
import { Bug } from '../src/base/assert.ts'
import type { Appended, EnvironmentStatus, InnerSnapshot, Published } from '../src/log/inner.ts'
import { LogError, type LogErrorCode } from '../src/log/log.ts'
import type { LogFields, LogLevel } from '../src/ops/log-line.ts'
import type { LogPlace, StorePlace } from '../src/ops/places.ts'
import type { ReplicatorSettings } from './hosting.ts'
import type { Measurements } from './measurements.ts'

export interface WorkerOptions {
  /** Data directory of the cell. */
  readonly directory: string
  /** The embedded log of that directory by default. */
  readonly place?: LogPlace
  readonly kafkaUsername?: string | null
  readonly kafkaPassword?: string | null
  /** Encoded bytes: `limits.recordBytes` in production, `limits.developmentRecordBytes` in development. */
  readonly maxRecordBytes: number
  /** Refuses appends that would make the file of the log larger, as a full disk does. */
  readonly maxFileBytes?: number
  /** By default those of the settings. */
  readonly settings?: Partial<ReplicatorSettings>
  /** What all cells share, beside the objects in the data directory. */
  readonly store?: StorePlace | null
  /** Compiled by the thread itself when they are missing. */
  readonly modules?: WasmModules
  /** Version of the engine. */
  readonly engine?: string
}

/** `id` names a request that is answered; `tail` a tail, numbered by the serving thread. Records and bodies travel as their text: that takes a third of the
 * serving thread's time of structured clones (measured with 1,000 facts). */
export type ToWorker =
  | { readonly kind: 'append'; readonly id: number; readonly env: string; readonly body: string; readonly writeId: string }
  | { readonly kind: 'create'; readonly id: number; readonly env: string; readonly ephemeral: boolean; readonly partition: number | null }
  | { readonly kind: 'delete' | 'snapshot' | 'publish'; readonly id: number; readonly env: string }
  | { readonly kind: 'restore'; readonly id: number; readonly env: string; readonly revision: number }
  | { readonly kind: 'environments'; readonly id: number }
  | { readonly kind: 'tail'; readonly tail: number; readonly env: string; readonly after: number }
  /** The oldest push not taken so far is done with. */
  | { readonly kind: 'taken'; readonly tail: number }
  | { readonly kind: 'end-tail'; readonly tail: number }
  | { readonly kind: 'close' }

/** Sent in lists, in order: all that one turn of the worker has to say. */
export type FromWorker =
  /** `sole`: no other process appends to the log. */
  | { readonly kind: 'ready'; readonly logId: string; readonly sole: boolean }
  /** After everything that was pushed by then: when it is told, by the clock of threads, and how long before that each environment that is followed had been
   * sent all that the log held. */
  | { readonly kind: 'seen'; readonly atMs: number; readonly ages: readonly (readonly [env: string, ageMs: number])[] }
  | { readonly kind: 'refused'; readonly error: SentError }
  | { readonly kind: 'records'; readonly tail: number; readonly records: readonly SentRecord[]; readonly through: number }
  | { readonly kind: 'tail-failed'; readonly tail: number; readonly error: SentError }
  | ({ readonly kind: 'appended'; readonly id: number } & Appended)
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'snapshot'; readonly id: number; readonly snapshot: SentSnapshot | null }
  | ({ readonly kind: 'published'; readonly id: number } & Published)
  | { readonly kind: 'environments'; readonly id: number; readonly environments: readonly EnvironmentStatus[] }
  | { readonly kind: 'measured'; readonly measurements: Measurements }
  | { readonly kind: 'logged'; readonly level: LogLevel; readonly event: string; readonly fields: LogFields }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SentError }

/** The image is handed over, not copied. */
export interface SentSnapshot extends Omit<InnerSnapshot, 'chunks'> {
  readonly bytes: Uint8Array
}

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

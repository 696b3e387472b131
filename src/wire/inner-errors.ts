/** Errors between a replicator and its runtimes: a status for machines between them, and the code of the LogError for the other side. */
import * as z from 'zod/mini'
import { Bug } from '../base/assert.ts'
import { LogError, type LogErrorCode } from '../log/log.ts'

export interface SentError {
  /** Null: a bug of ours. */
  readonly code: LogErrorCode | null
  readonly message: string
}

const statuses: Readonly<Record<LogErrorCode, number>> = {
  'unknown-environment': 404,
  diverged: 409,
  'too-large': 413,
  'out-of-range': 416,
  overloaded: 429,
  corrupted: 500,
  unreadable: 500,
  unavailable: 503,
  'unknown-outcome': 504,
}

/** Whole seconds after which a repetition makes sense. */
const retryAfterSeconds: Partial<Readonly<Record<LogErrorCode, number>>> = { overloaded: 1, unavailable: 1, 'unknown-outcome': 1 }

// The one cast: the keys of the table are the codes.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const codes = Object.keys(statuses) as [LogErrorCode, ...LogErrorCode[]]

export const sentErrorShape = z.object({ code: z.nullable(z.enum(codes)), message: z.string() })

export const sentError = (error: unknown): SentError => {
  if (error instanceof LogError) return { code: error.code, message: error.message }
  return { code: null, message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
}

export const receivedError = ({ code, message }: SentError): LogError | Bug =>
  code === null ? new Bug(message) : new LogError(code, message)

export const statusOf = ({ code }: SentError): number => (code === null ? 500 : statuses[code])

export const retryAfterOf = ({ code }: SentError): number | null => (code === null ? null : (retryAfterSeconds[code] ?? null))

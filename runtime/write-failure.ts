/** What a failed append means for the caller. */
import { LogError, type LogErrorCode } from '../src/log/log.ts'
import { ApiError } from '../src/wire/api-error.ts'

const errors: Readonly<Record<LogErrorCode, (message: string) => ApiError>> = {
  'too-large': (message) => new ApiError('too-large', message),
  'unknown-outcome': () =>
    new ApiError('unknown-outcome', 'the log did not confirm this write: it may have happened, so repeat the request'),
  overloaded: () => new ApiError('unavailable', 'too many writes are waiting for the log'),
  unavailable: () => new ApiError('unavailable', 'the log takes no writes at the moment'),
  'out-of-range': () => new ApiError('unavailable', 'the log takes no writes at the moment'),
  corrupted: () => new ApiError('unavailable', 'the log takes no writes at the moment'),
  diverged: () => new ApiError('unavailable', 'the log takes no writes at the moment'),
  unreadable: () => new ApiError('unavailable', 'a newer version wrote to this environment'),
  'unknown-environment': () => new ApiError('unauthorized', 'the environment of this key was deleted'),
}

/** The public error for what an append rejected with; anything but a LogError is passed on as it is. */
export const writeFailure = (error: unknown): unknown => (error instanceof LogError ? errors[error.code](error.message) : error)

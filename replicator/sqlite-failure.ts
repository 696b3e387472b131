/** What a failure of node:sqlite means for the log. */
import { LogError } from '../src/log/log.ts'

const BUSY = 5
const IO_ERROR = 10
const CORRUPT = 11
const FULL = 13
const NOT_A_DATABASE = 26

/** Primary result code of an SQLite failure, or undefined for any other error. */
const primaryCode = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined

/** Another process has the lock. */
export const isBusy = (error: unknown): boolean => primaryCode(error) === BUSY

export const corrupted = (path: string, what: string, cause?: unknown): LogError =>
  new LogError(
    'corrupted',
    `the log file \`${path}\` is damaged: ${what}; restore it and its \`-wal\` file from a backup, or move them aside to start with an empty log`,
    { cause },
  )

/** A LogError stays what it is; anything but SQLite's failures is rethrown as it came. */
export const openFailure = (error: unknown, path: string): unknown => {
  const code = primaryCode(error)
  if (code === undefined || !(error instanceof Error)) return error
  switch (code) {
    case CORRUPT:
    case NOT_A_DATABASE:
      return corrupted(path, error.message, error)
    case BUSY:
      return new LogError(
        'unavailable',
        `the log file \`${path}\` is in use by another process: stop it, or choose another data directory`,
        { cause: error },
      )
    default:
      return new LogError('unavailable', `the log file \`${path}\` cannot be opened: ${error.message}`, { cause: error })
  }
}

/** `committing`: the failure came from the commit itself. A full disk is noticed before the last byte of a transaction is written, so nothing of it
 * can come back; after a failed fsync it may. */
export const appendFailure = (error: unknown, path: string, committing: boolean): unknown => {
  const code = primaryCode(error)
  if (code === undefined || !(error instanceof Error)) return error
  if (code === CORRUPT || code === NOT_A_DATABASE) return corrupted(path, error.message, error)
  if (code === FULL)
    return new LogError('unavailable', `the disk of the log file \`${path}\` is full: writes resume when there is space`, { cause: error })
  if (committing)
    return new LogError('unknown-outcome', `the log file \`${path}\` may or may not have the record: ${error.message}`, { cause: error })
  const reason = code === IO_ERROR ? 'cannot be written' : 'refused the record'
  return new LogError('unavailable', `the log file \`${path}\` ${reason}: ${error.message}`, { cause: error })
}

export const readFailure = (error: unknown, path: string): unknown => {
  const code = primaryCode(error)
  if (code === undefined || !(error instanceof Error)) return error
  if (code === CORRUPT || code === NOT_A_DATABASE) return corrupted(path, error.message, error)
  return new LogError('unavailable', `the log file \`${path}\` cannot be read: ${error.message}`, { cause: error })
}

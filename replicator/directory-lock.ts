/** One replicator per data directory: a lock of the operating system, which ends with its process, kill -9 included. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { limits } from '../src/base/limits.ts'
import { LogError } from '../src/log/log.ts'
import { isBusy } from './sqlite-failure.ts'

/** Returns how to give it back. Throws LogError `unavailable` when another process has the directory, or it cannot be written. */
export const lockDirectory = (directory: string): (() => void) => {
  let database: DatabaseSync | undefined
  try {
    mkdirSync(directory, { recursive: true })
    database = new DatabaseSync(join(directory, 'lock.sqlite'), { timeout: limits.directoryLockMs })
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    const locked = database
    return () => {
      if (locked.isOpen) locked.close()
    }
  } catch (cause) {
    database?.close()
    if (isBusy(cause)) {
      const why = `the data directory \`${directory}\` is in use by another process`
      throw new LogError('unavailable', `${why}: stop it, or give each replicator a directory of its own`, { cause })
    }
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new LogError('unavailable', `the data directory \`${directory}\` cannot be used: ${reason}`, { cause })
  }
}

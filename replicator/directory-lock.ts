/** One replicator per data directory: a lock of the operating system, which ends with its process, kill -9 included. */

import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { limits } from '../src/base/limits.ts'
import { messageOf } from '../src/base/message.ts'
import { LogError } from '../src/log/log.ts'
import { isBusy } from './sqlite-failure.ts'

/** A file that stands in a data directory while its content is replaced. */
export const restoringName = 'restoring'

export interface LockOptions {
  /** Takes a directory in which a restore was interrupted, too. */
  readonly interrupted?: boolean
}

/** Returns how to give it back. Throws LogError `unavailable` when another process has the directory, it cannot be written, or only half of it is there. */
export const lockDirectory = (directory: string, { interrupted = false }: LockOptions = {}): (() => void) => {
  const unlock = lock(directory)
  if (interrupted || !existsSync(join(directory, restoringName))) return unlock
  unlock()
  const why = `a restore into the data directory \`${directory}\` was interrupted`
  throw new LogError('unavailable', `${why}: run \`arctos restore\` with the backup again`)
}

const lock = (directory: string): (() => void) => {
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
    const reason = messageOf(cause)
    throw new LogError('unavailable', `the data directory \`${directory}\` cannot be used: ${reason}`, { cause })
  }
}

/** A copy of the embedded log's file, taken without its lock: while a server runs, too. */
import { cp, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { errorCode } from '../snapshots/node/error-code.ts'
import { LogError } from '../src/log/log.ts'
import { openLogFile } from './log-file.ts'

export interface CopiedLog {
  readonly path: string
  readonly logId: string
  readonly environments: ReadonlyMap<string, { readonly first: number; readonly last: number }>
}

export const logFileName = 'log.sqlite'

/** Each takes as long as copying the file. A checkpoint comes after megabytes of records: only a log that is written to at full speed spoils several in a row. */
const TRIES = 10
/** File systems tell times in steps of some milliseconds: what is written later than this is seen to have changed. */
const SETTLED_MS = 50

/** Copies the log of a data directory into another folder, every record verified. Null when there is none. Rejects with LogError. */
export const copyLog = async (directory: string, target: string): Promise<CopiedLog | null> => {
  const source = join(directory, logFileName)
  const copy = join(target, logFileName)
  for (let tries = 0; tries < TRIES; tries += 1) {
    const before = await look(source)
    if (before === null) return null
    await delay(SETTLED_MS)
    await cp(source, copy)
    await copyIfThere(`${source}-wal`, `${copy}-wal`)
    // Between two looks that agree, the file held what its last checkpoint left, and the records since are in the `-wal` file, whose
    // end may be cut off within a transaction that was not acknowledged yet.
    if ((await look(source)) === before) return verified(target)
    await rm(copy, { force: true })
    await rm(`${copy}-wal`, { force: true })
  }
  throw new LogError(
    'unavailable',
    `the log in \`${directory}\` changes faster than it can be copied: try again when fewer records are written`,
  )
}

/** What changes whenever the file, or the beginning of its `-wal` file, is written. */
const look = async (path: string): Promise<string | null> => {
  const found = await stat(path, { bigint: true }).catch(absent)
  if (found === null) return null
  return [found.ino, found.size, found.mtimeNs, await headOf(`${path}-wal`)].join(' ')
}

/** The header of a `-wal` file has other salts each time the file is begun anew. */
const headOf = async (path: string): Promise<string> => {
  const file = await open(path).catch(absent)
  if (file === null) return ''
  try {
    const head = Buffer.alloc(32)
    const { bytesRead } = await file.read(head, 0, 32, 0)
    return head.toString('hex', 0, bytesRead)
  } finally {
    await file.close()
  }
}

const copyIfThere = async (source: string, copy: string): Promise<void> => {
  await cp(source, copy).catch(absent)
}

/** Opens the copy, which reads every record, and closes it, which brings all of it into the one file. */
const verified = (directory: string): CopiedLog => {
  const { path, database, logId, environments } = openLogFile(directory)
  database.close()
  return { path, logId, environments }
}

export const absent = (error: unknown): null => {
  if (errorCode(error) === 'ENOENT') return null
  throw error
}

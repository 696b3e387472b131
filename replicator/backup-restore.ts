/** Puts a backup in place of a data directory: all of it or, when anything is wrong with it, nothing. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { parseManifest } from '../snapshots/manifest.ts'
import { errorCode } from '../snapshots/node/error-code.ts'
import { ArchiveError, ByteReader, parseTarHeader, tarBlock, tarPadding } from '../snapshots/tar.ts'
import { syncFolder } from './backup.ts'
import { type BackedUpFile, type BackupList, backupListName, parseBackupList } from './backup-list.ts'
import { absent, logFileName } from './backup-log.ts'
import { lockDirectory, restoringName } from './directory-lock.ts'
import { openLogFile } from './log-file.ts'

export interface RestoreOptions {
  readonly file: string
  readonly directory: string
}

export interface Restored {
  readonly list: BackupList
  /** Where what the directory held before is now; null when it held nothing. */
  readonly replaced: string | null
}

/** Rejects with ArchiveError when the file is no complete backup, with LogError when a process uses the directory. The directory is as it was then. */
export const restoreBackup = async ({ file, directory }: RestoreOptions): Promise<Restored> => {
  // Before the directory is made: a mistyped name leaves nothing behind.
  if ((await stat(file).catch(absent)) === null)
    throw new ArchiveError('there is no such file: name a backup, or give --to for an environment')
  const unlock = lockDirectory(directory, { interrupted: true })
  try {
    // In the directory itself, which may be a file system of its own.
    const scratch = await mkdtemp(join(directory, '.restore-'))
    try {
      const list = await unpack(file, scratch)
      await verify(scratch, list)
      return { list, replaced: await swap(directory, scratch) }
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  } finally {
    unlock()
  }
}

/** More than a data directory has; an archive of others must not fill the disk with names. */
const ENTRIES = 1_000_000
const LIST_BYTES = 256 * 1024 * 1024
const PATH = /^(?:log\.sqlite|objects(?:\/(?!\.)[A-Za-z0-9._=+@,~%-]+)+)$/

const unpack = async (file: string, scratch: string): Promise<BackupList> => {
  const found: BackedUpFile[] = []
  const read: { list: BackupList | null } = { list: null }
  try {
    await pipeline(createReadStream(file), createGunzip(), async (chunks: AsyncIterable<Uint8Array>) => {
      read.list = await unpackEntries(new ByteReader(chunks), scratch, found)
      // To the end, where gzip has its checksum.
      for await (const chunk of chunks)
        if (chunk.some((byte) => byte !== 0)) throw new ArchiveError('something follows the end of the archive')
    })
  } catch (error) {
    if (isZlib(error)) throw new ArchiveError(`it is no backup, or it is damaged: ${error.message}`, { cause: error })
    throw error
  }
  if (read.list === null) throw new ArchiveError('it is not complete: its list of files is missing')
  compare(read.list, found)
  return read.list
}

const unpackEntries = async (reader: ByteReader, scratch: string, found: BackedUpFile[]): Promise<BackupList | null> => {
  for (let count = 0; count < ENTRIES; count += 1) {
    const header = parseTarHeader(await reader.take(tarBlock))
    if (header === null) return null
    const { path, sizeBytes, isFile } = header
    if (path === backupListName && sizeBytes <= LIST_BYTES) {
      const list = parseBackupList(Buffer.from(await reader.take(sizeBytes)).toString('utf8'))
      await reader.take(tarPadding(sizeBytes))
      // The two empty blocks.
      if (parseTarHeader(await reader.take(tarBlock)) === null && parseTarHeader(await reader.take(tarBlock)) === null) return list
      throw new ArchiveError('entries follow its list of files')
    }
    if (!isFile || !PATH.test(path)) throw new ArchiveError(`the entry \`${path}\` does not belong into a data directory`)
    found.push({ path, sizeBytes, sha256: await writeEntry(join(scratch, path), reader.stream(sizeBytes)) })
    await reader.take(tarPadding(sizeBytes))
  }
  throw new ArchiveError(`it has more than ${ENTRIES} entries`)
}

/** The hash of what was written. */
const writeEntry = async (path: string, content: AsyncIterable<Uint8Array>): Promise<string> => {
  await mkdir(dirname(path), { recursive: true })
  const hash = createHash('sha256')
  const file = await open(path, 'wx')
  try {
    for await (const chunk of content) {
      hash.update(chunk)
      await file.writeFile(chunk)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}

const compare = ({ files }: BackupList, found: readonly BackedUpFile[]): void => {
  const byPath = new Map(found.map((file) => [file.path, file]))
  for (const { path, sizeBytes, sha256 } of files) {
    const file = byPath.get(path)
    if (file === undefined) throw new ArchiveError(`it is not complete: \`${path}\` is missing`)
    if (file.sizeBytes !== sizeBytes || file.sha256 !== sha256)
      throw new ArchiveError(`it is damaged: \`${path}\` is not what was backed up`)
  }
  if (found.length !== files.length) throw new ArchiveError(`it has ${found.length} files, and lists ${files.length}`)
}

/** Every record of the log, and that every object that a manifest names is there. */
const verify = async (scratch: string, list: BackupList): Promise<void> => {
  const sizes = new Map(list.files.map(({ path, sizeBytes }) => [path, sizeBytes]))
  if (list.logId !== null) {
    if (!sizes.has(logFileName)) throw new ArchiveError(`it is not complete: \`${logFileName}\` is missing`)
    const { database, logId } = openLogFile(scratch)
    database.close()
    if (logId !== list.logId) throw new ArchiveError(`its log is ${logId}, and its list says ${list.logId}`)
  }
  for (const path of sizes.keys()) {
    if (!/^objects\/[^/]+\/manifest\.json$/.test(path)) continue
    const { snapshots, deltas } = parseManifest(await readWhole(join(scratch, path)))
    for (const { key, storedBytes } of [...snapshots, ...deltas])
      if (sizes.get(`objects/${key}`) !== storedBytes)
        throw new ArchiveError(`it is not complete: \`objects/${key}\`, which \`${path}\` names, is missing`)
  }
}

const readWhole = async (path: string): Promise<Uint8Array> => {
  const file = await open(path)
  try {
    return await file.readFile()
  } finally {
    await file.close()
  }
}

const PARTS = [logFileName, `${logFileName}-wal`, `${logFileName}-shm`, 'objects']

/** A process that ends in between leaves a mark, with which no server starts: a missing log would be made anew. */
const swap = async (directory: string, scratch: string): Promise<string | null> => {
  const names = await readdir(directory)
  const present = PARTS.filter((part) => names.includes(part))
  const mark = join(directory, restoringName)
  await writeFile(mark, 'a restore replaces what is in this folder\n', { flush: true })
  await syncFolder(directory)
  const aside = present.length === 0 ? null : await freshFolder(directory, names)
  for (const part of present) await rename(join(directory, part), join(aside ?? '', part))
  for (const part of await readdir(scratch)) if (PARTS.includes(part)) await rename(join(scratch, part), join(directory, part))
  await syncFolder(directory)
  await rm(mark)
  await syncFolder(directory)
  return aside
}

/** `replaced-1`, or the next number that is free. */
const freshFolder = async (directory: string, names: readonly string[]): Promise<string> => {
  const numbers = names.map((name) => Number(/^replaced-([0-9]{1,9})$/.exec(name)?.[1] ?? 0))
  const folder = join(directory, `replaced-${Math.max(0, ...numbers) + 1}`)
  await mkdir(folder)
  return folder
}

const isZlib = (error: unknown): error is Error => error instanceof Error && errorCode(error).startsWith('Z_')

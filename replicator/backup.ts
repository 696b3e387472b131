/** Writes a backup of a data directory: its log and objects as one file, while a server uses them or not. */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type Manifest, parseManifest } from '../snapshots/manifest.ts'
import { ArchiveError, tarEnd, tarEntryBytes, tarHeader, tarPadding } from '../snapshots/tar.ts'
import { type BackedUpFile, type BackupList, backupFormat, backupListName } from './backup-list.ts'
import { absent, type CopiedLog, copyLog, logFileName } from './backup-log.ts'

export interface BackupOptions {
  readonly directory: string
  /** The file to write; replaced when it is there. */
  readonly target: string
  readonly engine: string
  readonly nowMs: number
}

/** A trimmed log or a swept object between two looks: what is read again fits together. */
const TRIES = 5

/** Resolves when the file is complete and durable. Rejects with ArchiveError or LogError; a file that was there stays then. */
export const writeBackup = async ({ directory, target, engine, nowMs }: BackupOptions): Promise<BackupList> => {
  const scratch = await mkdtemp(join(dirname(resolve(target)), '.arctos-backup-'))
  try {
    const draft = join(scratch, 'backup.tar.gz')
    for (let tries = 1; ; tries += 1) {
      // Manifests first: a log that is read later holds at least what they cover, and what they name stays for an hour.
      const manifests = await readManifests(directory)
      const log = await copyLog(directory, scratch)
      if (log === null && manifests.size === 0)
        throw new ArchiveError(`\`${directory}\` is no data directory of a server: it has neither a log nor objects`)
      const contents: Contents = { directory, manifests, log, files: [] }
      const list = (): BackupList => listOf(contents, { engine, nowMs })
      const problem = misfit(manifests, log)
      if (problem === null && (await written(contents, list, draft))) {
        await rename(draft, target)
        await syncFolder(dirname(resolve(target)))
        return list()
      }
      if (tries === TRIES)
        throw new ArchiveError(problem ?? `the objects in \`${directory}\` change faster than they can be copied: try again`)
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

interface ReadManifestFile {
  readonly bytes: Buffer
  readonly manifest: Manifest
}

interface Contents {
  readonly directory: string
  /** By path below the data directory. */
  readonly manifests: ReadonlyMap<string, ReadManifestFile>
  readonly log: CopiedLog | null
  readonly files: BackedUpFile[]
}

const OBJECTS = 'objects'

const readManifests = async (directory: string): Promise<Map<string, ReadManifestFile>> => {
  const manifests = new Map<string, ReadManifestFile>()
  for (const folder of (await readdir(join(directory, OBJECTS), { withFileTypes: true }).catch(absent)) ?? []) {
    if (!folder.isDirectory() || folder.name.startsWith('.')) continue
    const path = `${OBJECTS}/${folder.name}/manifest.json`
    const bytes = await readFile(join(directory, path)).catch(absent)
    if (bytes !== null) manifests.set(path, { bytes, manifest: parseManifest(bytes) })
  }
  return manifests
}

/** Why log and objects do not belong together, or null. */
const misfit = (manifests: Contents['manifests'], log: CopiedLog | null): string | null => {
  if (log === null) return null
  for (const [path, { manifest }] of manifests) {
    if (manifest.logId !== log.logId) return `\`${path}\` is of log ${manifest.logId}, the log file of ${log.logId}`
    const bounds = log.environments.get(manifest.env)
    if (bounds === undefined) return `\`${path}\` is of an environment that the log does not know`
    if (bounds.first > manifest.coveredThrough + 1)
      return `the log begins at revision ${bounds.first}, and \`${path}\` ends at ${manifest.coveredThrough}`
    if (bounds.last < manifest.coveredThrough)
      return `the log ends at revision ${bounds.last}, and \`${path}\` at ${manifest.coveredThrough}`
  }
  return null
}

/** False when an object that a manifest names is gone. */
const written = async (contents: Contents, list: () => BackupList, draft: string): Promise<boolean> => {
  try {
    await pipeline(entries(contents, list), createGzip({ level: 1 }), createWriteStream(draft))
  } catch (error) {
    if (error instanceof Gone) return false
    throw error
  }
  const file = await open(draft)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  return true
}

class Gone extends Error {}

const entries = async function* (contents: Contents, list: () => BackupList): AsyncGenerator<Uint8Array> {
  const { directory, manifests, log, files } = contents
  const named = new Set<string>()
  for (const { manifest } of manifests.values())
    for (const { key } of [...manifest.snapshots, ...manifest.deltas]) named.add(`${OBJECTS}/${key}`)
  // Those that only the log names, for the records of a restore, and some that nothing names any more.
  for (const path of new Set([...named, ...(await filesBelow(directory, OBJECTS))])) {
    if (manifests.has(path)) continue
    const file = await open(join(directory, path)).catch(absent)
    if (file !== null) yield* fileEntry(path, file, files)
    else if (named.has(path)) throw new Gone()
  }
  for (const [path, { bytes }] of manifests) yield* bytesEntry(path, bytes, files)
  if (log !== null) yield* fileEntry(logFileName, await open(log.path), files)
  yield* bytesEntry(backupListName, Buffer.from(JSON.stringify(list(), null, 2)), [])
  yield tarEnd()
}

/** Paths with slashes; the store's own files begin with a dot. */
const filesBelow = async (directory: string, folder: string): Promise<string[]> => {
  const found = (await readdir(join(directory, folder), { withFileTypes: true }).catch(absent)) ?? []
  const paths: string[] = []
  for (const entry of found.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${folder}/${entry.name}`
    if (entry.name.startsWith('.')) continue
    if (entry.isDirectory()) paths.push(...(await filesBelow(directory, path)))
    else if (entry.isFile()) paths.push(path)
  }
  return paths
}

const fileEntry = async function* (path: string, file: FileHandle, files: BackedUpFile[]): AsyncGenerator<Uint8Array> {
  try {
    const { size } = await file.stat()
    if (size > tarEntryBytes) throw new ArchiveError(`\`${path}\` has ${size} bytes, a backup takes files of at most ${tarEntryBytes}`)
    yield tarHeader(path, size)
    const hash = createHash('sha256')
    let sizeBytes = 0
    const chunks: AsyncIterable<Buffer> = createReadStream('', { fd: file, autoClose: false, ...(size > 0 && { end: size - 1 }) })
    for await (const bytes of chunks) {
      sizeBytes += bytes.length
      hash.update(bytes)
      yield bytes
    }
    if (sizeBytes !== size) throw new Gone()
    yield new Uint8Array(tarPadding(size))
    files.push({ path, sizeBytes: size, sha256: hash.digest('hex') })
  } finally {
    await file.close()
  }
}

const bytesEntry = function* (path: string, bytes: Buffer, files: BackedUpFile[]): Generator<Uint8Array> {
  yield tarHeader(path, bytes.length)
  yield bytes
  yield new Uint8Array(tarPadding(bytes.length))
  files.push({ path, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })
}

const listOf = ({ log, files }: Contents, { engine, nowMs }: Pick<BackupOptions, 'engine' | 'nowMs'>): BackupList => ({
  format: backupFormat,
  createdAtMs: nowMs,
  engine,
  logId: log?.logId ?? null,
  revisions: Object.fromEntries([...(log?.environments ?? [])].map(([env, { last }]) => [env, last])),
  files: [...files],
})

/** The name of a new file is durable only once its folder is. */
export const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === 'win32') return
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

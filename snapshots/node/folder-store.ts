/** Objects as files of a folder: each appears complete, under its name, in one step, and is durable when it was put. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Bug } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import { byKey, checkKey } from '../key-rules.ts'
import type { ListedObject, ObjectStore, PutCondition, StoredObject } from '../object-store.ts'
import { type StoreCall, storeFailure } from '../store-failure.ts'
import { errorCode } from './error-code.ts'
import { fileFailure, isAbsent } from './folder-failure.ts'
import { partOf, pathOf } from './folder-keys.ts'
import { FolderLock } from './folder-lock.ts'

/** Made, unless told otherwise, when it is missing. Throws StoreError when that fails. */
export const folderObjectStore = (path: string, { create = true }: { readonly create?: boolean } = {}): ObjectStore => {
  const store = new FolderStore(resolve(path))
  if (create) store.create()
  return store
}

/** Up to here the version is the hash of the content: a file that changes twice within one tick of the file system's clock may look the same from outside.
 * What is larger is named by its own hash and never replaced. */
const HASHED_BYTES = 8 * 1024 * 1024
/** Read at once. */
const READ_BYTES = 1024 * 1024
/** A file that was being written so long ago belongs to a process that was killed. */
const ABANDONED_MS = 60 * 60 * 1000

class FolderStore implements ObjectStore {
  readonly name: string
  readonly folder: string
  readonly #root: string
  readonly #incoming: string
  readonly #lock: FolderLock
  #tidied = false

  constructor(root: string) {
    this.name = `folder ${root}`
    this.folder = root
    this.#root = root
    this.#incoming = join(root, '.incoming')
    this.#lock = new FolderLock(join(root, '.lock'))
  }

  create(): void {
    try {
      mkdirSync(this.#root, { recursive: true })
    } catch (error) {
      throw fileFailure(error, this.#call('check', ''))
    }
  }

  get(key: string, { unless }: { readonly unless?: string } = {}): Promise<StoredObject | 'unchanged' | null> {
    return this.#guarded(this.#call('get', key), async (call) => {
      const file = await openFile(pathOf(this.#root, key))
      if (file === null) return this.#nothing(call)
      try {
        const seen = await look(file)
        if (seen === null) return await this.#nothing(call)
        if (seen.version === unless) return 'unchanged'
        const { version, sizeBytes, bytes } = seen
        return { version, sizeBytes, chunks: bytes === null ? this.#chunks(call, version) : once(bytes) }
      } finally {
        await file.close()
      }
    })
  }

  put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<string> {
    return this.#guarded(this.#call('put', key), async (call) => {
      const target = pathOf(this.#root, key)
      const draft = await this.#draft(bytes)
      try {
        const made = await mkdir(dirname(target), { recursive: true })
        await this.#lock.alone(async () => {
          if (condition !== undefined && !(await holds(condition, target)))
            throw storeFailure('precondition', call, 'the condition does not hold')
          await rename(draft.path, target)
        })
        await syncFolders(dirname(target), made === undefined ? dirname(target) : dirname(made))
        return draft.version
      } catch (error) {
        await rm(draft.path, { force: true })
        throw error
      }
    })
  }

  list(prefix: string): Promise<readonly ListedObject[]> {
    return this.#guarded(this.#call('list', prefix), async (call) => {
      const found: ListedObject[] = []
      const start = prefix.slice(0, prefix.lastIndexOf('/') + 1)
      if (start !== '') checkKey({ ...call, key: start.slice(0, -1) })
      await this.#walk(start, (object) => {
        if (object.key.startsWith(prefix)) found.push(object)
        if (found.length > limits.listedObjects)
          throw storeFailure('too-large', call, `there are more than ${limits.listedObjects} objects`)
      })
      if (found.length === 0) await stat(this.#root)
      return found.sort(byKey)
    })
  }

  delete(key: string): Promise<void> {
    return this.#guarded(this.#call('delete', key), async () => {
      const target = pathOf(this.#root, key)
      await stat(this.#root)
      // Not in the middle of a writer's comparison.
      await this.#lock.alone(() => rm(target, { force: true }))
      await syncFolders(dirname(target), dirname(target)).catch(ignoreAbsent)
    })
  }

  #call(operation: StoreCall['operation'], key: string): StoreCall {
    return { store: this.name, operation, key }
  }

  async #guarded<T>(call: StoreCall, work: (call: StoreCall) => Promise<T>): Promise<T> {
    try {
      if (call.operation !== 'list') checkKey(call)
      return await work(call)
    } catch (error) {
      if (error instanceof Bug) throw error
      throw fileFailure(error, call)
    }
  }

  /** No such file: no such object, unless the whole folder is gone. */
  async #nothing(call: StoreCall): Promise<null> {
    await stat(this.#root).catch((error: unknown) => {
      throw fileFailure(error, call)
    })
    return null
  }

  /** The bytes, durable, under a name of their own. */
  async #draft(bytes: Uint8Array): Promise<{ readonly path: string; readonly version: string }> {
    await mkdir(this.#incoming).catch(ignoreExisting)
    await this.#tidy()
    const path = join(this.#incoming, `${process.pid}-${randomUUID()}`)
    const file = await open(path, 'wx')
    try {
      await writeAll(file, bytes)
      await file.sync()
      return { path, version: bytes.length > HASHED_BYTES ? await stampOf(file) : hashOf(bytes) }
    } catch (error) {
      await rm(path, { force: true })
      throw error
    } finally {
      await file.close()
    }
  }

  /** Removes, once per process, what killed ones left half written. */
  async #tidy(): Promise<void> {
    if (this.#tidied) return
    this.#tidied = true
    for (const name of await readdir(this.#incoming)) {
      const path = join(this.#incoming, name)
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }))
      if (Date.now() - mtimeMs > ABANDONED_MS) await rm(path, { force: true })
    }
  }

  /** Opened when it is read, so that a reader that never begins holds no file. */
  async *#chunks(call: StoreCall, version: string): AsyncGenerator<Uint8Array> {
    const file = await openFile(pathOf(this.#root, call.key))
    if (file === null) throw storeFailure('unavailable', call, 'it was deleted before it was read')
    try {
      if ((await stampOf(file)) !== version) throw storeFailure('unavailable', call, 'it was replaced before it was read')
      for (;;) {
        const { bytesRead, buffer } = await file.read(new Uint8Array(READ_BYTES))
        if (bytesRead === 0) return
        yield buffer.subarray(0, bytesRead)
      }
    } catch (error) {
      throw fileFailure(error, call)
    } finally {
      await file.close()
    }
  }

  async #walk(start: string, visit: (object: ListedObject) => void): Promise<void> {
    const folder = start === '' ? this.#root : pathOf(this.#root, start.slice(0, -1))
    const entries = await readdir(folder, { withFileTypes: true }).catch(ignoreAbsent)
    for (const entry of entries ?? []) {
      const part = entry.name.startsWith('.') ? null : partOf(entry.name)
      if (part === null) continue
      if (entry.isDirectory()) await this.#walk(`${start}${part}/`, visit)
      // It may be deleted meanwhile.
      const file = entry.isFile() ? await stat(join(folder, entry.name)).catch(ignoreAbsent) : null
      if (file !== null) visit({ key: start + part, sizeBytes: file.size, modifiedAtMs: file.mtimeMs })
    }
  }
}

interface Seen {
  readonly version: string
  readonly sizeBytes: number
  /** Null when they are too many to be held. */
  readonly bytes: Uint8Array | null
}

/** In one call as far as the system takes it: pieces of half a megabyte, as by default, wake two threads each. */
const writeAll = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
  for (let written = 0; written < bytes.length; ) written += (await file.write(bytes, written)).bytesWritten
}

/** Null for a folder. */
const look = async (file: FileHandle): Promise<Seen | null> => {
  const { size, isFile } = await file.stat().then((found) => ({ size: found.size, isFile: found.isFile() }))
  if (!isFile) return null
  if (size > HASHED_BYTES) return { version: await stampOf(file), sizeBytes: size, bytes: null }
  const bytes = await file.readFile()
  return { version: hashOf(bytes), sizeBytes: bytes.length, bytes }
}

const holds = async (condition: PutCondition, target: string): Promise<boolean> => {
  const file = await openFile(target)
  if (file === null) return condition.kind === 'absent'
  try {
    return condition.kind === 'version' && (await look(file))?.version === condition.version
  } finally {
    await file.close()
  }
}

const openFile = (path: string): Promise<FileHandle | null> => open(path, 'r').catch(ignoreAbsent)

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const stampOf = async (file: FileHandle): Promise<string> => {
  const { ino, size, mtimeNs } = await file.stat({ bigint: true })
  return `${ino}-${size}-${mtimeNs}`
}

/** A name is durable only once its folder is: of `from`, and of those above it up to `to`. */
const syncFolders = async (from: string, to: string): Promise<void> => {
  if (process.platform === 'win32') return
  for (let folder = from; folder.length >= to.length; folder = dirname(folder)) {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (folder === dirname(folder)) return
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += READ_BYTES) yield bytes.subarray(start, start + READ_BYTES)
}

const ignoreAbsent = (error: unknown): null => {
  if (isAbsent(error)) return null
  throw error
}

const ignoreExisting = (error: unknown): null => {
  if (errorCode(error) === 'EEXIST') return null
  throw error
}

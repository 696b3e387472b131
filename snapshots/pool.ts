/** A pool of wasm instances: replicas that replace each other take turns in the same memory. */
import { assert } from '../src/base/assert.ts'
import { type Instance, instantiate, openDatabase } from '../src/store/binding.ts'
import { type Database, type ImageReceiver, SqlError } from '../src/store/database.ts'
import type { Store } from '../src/store/facts.ts'
import type { HeldBounds } from '../src/store/held.ts'
import { firstMemoryBytes, isNoMemory, outOfMemory, resultCodes } from '../src/store/instance.ts'
import { SchemaError } from '../src/store/schema.ts'
import { createStore, openImage } from '../src/store/store.ts'
import { ImageError, type ImageWriter, type StorePart, type StorePool } from './store-pool.ts'

/** Compiled by whoever starts the process: on Workers nothing may be compiled at run time. */
export interface WasmModules {
  readonly sqlite: WebAssembly.Module
  readonly trampoline: WebAssembly.Module
}

export interface StorePoolOptions extends WasmModules {
  /** Ceiling of one database's memory: at most 2 GiB. */
  readonly maxBytes: number
  /** What the memory of a database begins with, as the module asks for it. */
  readonly firstBytes?: number
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
  /** Ceiling of the memory of all databases together. */
  readonly totalBytes?: number
  /** Images of more bytes are refused: they could not be replaced, for want of room for two. */
  readonly imageBytes?: number
  /** What the memory of a user's database may grow to while a statement of a question runs: the rest is for the image that replaces it. */
  readonly questionBytes?: number
  readonly held?: HeldBounds
  /** Room to grow that images are received with, as a share of them. */
  readonly slack?: number
}

export interface PoolUse {
  /** Instances with a database, and those that wait for one. */
  readonly used: number
  readonly idle: number
  /** Wasm memory of all of them. */
  readonly bytes: number
}

export interface MeasuredStorePool extends StorePool {
  use(): PoolUse
  /** For one of several users. `giveUp` is asked when the ceiling of all is reached: true when it has given some memory back. */
  part(giveUp: () => boolean): StorePart
}

/** Enough for a replica and the one that replaces it to take turns. */
const MAX_IDLE = 2

interface Use {
  readonly instance: Instance
  readonly owner: Owner | null
}

interface Owner {
  readonly giveUp: () => boolean
}

export const createStorePool = (options: StorePoolOptions): MeasuredStorePool => new InstancePool(options)

class InstancePool implements MeasuredStorePool {
  readonly #options: StorePoolOptions
  /** By size of their memory, smallest first. */
  #idle: Instance[] = []
  readonly #used = new Map<Database, Use>()
  readonly #abandoned = new WeakSet<Database>()

  constructor(options: StorePoolOptions) {
    this.#options = options
  }

  create(owner: Owner | null = null): Store {
    // The smallest: an empty database needs no memory that an image could fill.
    const database = this.#open(this.#idle.shift(), owner)
    return this.#guarded(database, () => createStore(database, this.#options.held))
  }

  receive(rawBytes: number, owner: Owner | null = null): ImageWriter {
    const { imageBytes = Number.POSITIVE_INFINITY, held, slack } = this.#options
    if (rawBytes > imageBytes) throw new SqlError(resultCodes.noMemory, `images of at most ${imageBytes} bytes can be replaced here`)
    this.#makeWay(rawBytes, owner)
    const roomy = this.#idle.findIndex(({ sizeBytes }) => sizeBytes >= rawBytes)
    const [instance] = this.#idle.splice(roomy < 0 ? this.#idle.length - 1 : roomy, 1)
    const database = this.#open(instance, owner)
    const receiver = this.#guarded(database, () => database.receive(rawBytes, slack))
    return new PooledImage(receiver, rawBytes, {
      open: () => this.#guarded(database, () => openImage(database, held)),
      giveBack: () => this.#giveBack(database),
    })
  }

  release({ database }: Store): void {
    this.#giveBack(database)
  }

  use(): PoolUse {
    return { used: this.#used.size, idle: this.#idle.length, bytes: this.#usedBytes() + bytesOf(this.#idle) }
  }

  part(giveUp: () => boolean): StorePart {
    const owner: Owner = { giveUp }
    return {
      create: () => this.create(owner),
      receive: (rawBytes) => this.receive(rawBytes, owner),
      release: (store) => this.release(store),
      abandon: (kept) => {
        for (const [database, use] of this.#used) if (use.owner === owner && database !== kept?.database) this.#abandon(database)
      },
    }
  }

  #open(idle: Instance | undefined, owner: Owner | null): Database {
    const instance = idle ?? this.#instantiate(owner)
    const database = openDatabase(instance)
    this.#used.set(database, { instance, owner })
    return database
  }

  #instantiate(owner: Owner | null): Instance {
    const { sqlite, trampoline, maxBytes, firstBytes = firstMemoryBytes, nowMs } = this.#options
    if (!this.#makeRoom(firstBytes, owner)) throw outOfMemory()
    const instance: Instance = instantiate(sqlite, trampoline, {
      maxBytes,
      firstBytes,
      nowMs,
      mayGrow: (bytes) => this.#mayGrow(instance, bytes),
    })
    return instance
  }

  #usedBytes(): number {
    return bytesOf(Array.from(this.#used.values(), ({ instance }) => instance))
  }

  /** What others have to give up for an image leaves instances that it is received into: those that are let go take their memory until they are collected. */
  #makeWay(bytes: number, owner: Owner | null): void {
    const { totalBytes = Number.POSITIVE_INFINITY } = this.#options
    while (this.#usedBytes() + bytes > totalBytes && owner?.giveUp() === true);
  }

  #ownerOf(instance: Instance): Owner | null {
    for (const use of this.#used.values()) if (use.instance === instance) return use.owner
    return null
  }

  /** While a statement of a user's question runs, the instance that its next image is received into stays: let go, it would take its place beside another one
   * until it is collected. What writes made larger than a question may is no larger than it has to be. */
  #mayGrow(instance: Instance, bytes: number): boolean {
    const owner = this.#ownerOf(instance)
    if (owner === null || instance.watcher === null) return this.#makeRoom(bytes, owner)
    const { questionBytes = Number.POSITIVE_INFINITY } = this.#options
    const { sizeBytes } = instance
    return (sizeBytes > questionBytes || sizeBytes + bytes <= questionBytes) && this.#makeRoom(bytes, owner, 1)
  }

  /** Whether so many bytes more are within the ceiling, when all that can be given up is gone and all that is idle but for the largest `kept`. */
  #makeRoom(bytes: number, owner: Owner | null, kept = 0): boolean {
    const { totalBytes = Number.POSITIVE_INFINITY } = this.#options
    while (this.use().bytes + bytes > totalBytes) {
      if (this.#idle.length > kept) this.#idle.shift()
      else if (!(owner?.giveUp() ?? false)) return false
    }
    return true
  }

  #guarded<T>(database: Database, work: () => T): T {
    try {
      return work()
    } catch (error) {
      this.#giveBack(database)
      throw error
    }
  }

  #abandon(database: Database): void {
    this.#used.delete(database)
    this.#abandoned.add(database)
  }

  #giveBack(database: Database): void {
    const use = this.#used.get(database)
    assert(use !== undefined || this.#abandoned.has(database), 'a store is released once, to the pool that it came from')
    this.#used.delete(database)
    database.close()
    // Whoever was thought to be cut off came back: the memory is somebody else's share by now.
    if (use === undefined) return
    const idle = [...this.#idle, use.instance].toSorted((a, b) => a.sizeBytes - b.sizeBytes)
    // The largest are kept: they fit what comes next without growing.
    this.#idle = idle.slice(-MAX_IDLE)
  }
}

const bytesOf = (instances: readonly Instance[]): number => instances.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

interface Place {
  open(): Store
  giveBack(): void
}

class PooledImage implements ImageWriter {
  readonly #receiver: ImageReceiver
  readonly #rawBytes: number
  readonly #place: Place
  #ended = false

  constructor(receiver: ImageReceiver, rawBytes: number, place: Place) {
    this.#receiver = receiver
    this.#rawBytes = rawBytes
    this.#place = place
  }

  write(chunk: Uint8Array): void {
    const { room } = this.#receiver
    if (chunk.length > room) throw new ImageError(`the image has more than the ${this.#rawBytes} bytes that were announced`)
    this.#receiver.write(chunk)
  }

  finish(): Store {
    const { room } = this.#receiver
    if (room > 0) {
      this.abort()
      throw new ImageError(`the image ends after ${this.#rawBytes - room} of ${this.#rawBytes} bytes`)
    }
    this.#ended = true
    try {
      this.#receiver.finish()
    } catch (error) {
      this.#place.giveBack()
      throw imageError(error)
    }
    try {
      return this.#place.open()
    } catch (error) {
      throw imageError(error)
    }
  }

  abort(): void {
    if (this.#ended) return
    this.#ended = true
    this.#receiver.abort()
    this.#place.giveBack()
  }
}

/** SQLite and the schema say why they refuse an image; that memory ran out is no property of it. */
const imageError = (cause: unknown): unknown => {
  if (cause instanceof SchemaError) return new ImageError(cause.message, { cause })
  if (isNoMemory(cause)) return cause
  if (cause instanceof SqlError) return new ImageError(`the image is no database: ${cause.message}`, { cause })
  return new ImageError('the image is damaged: its tables do not hold what a replica writes', { cause })
}

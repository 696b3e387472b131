/** A pool of wasm instances: replicas that replace each other take turns in the same memory. */
import { assert } from '../src/base/assert.ts'
import { type Instance, instantiate, openDatabase } from '../src/store/binding.ts'
import { type Database, type ImageReceiver, SqlError } from '../src/store/database.ts'
import type { Store } from '../src/store/facts.ts'
import { SchemaError } from '../src/store/schema.ts'
import { createStore, openImage } from '../src/store/store.ts'
import { ImageError, type ImageWriter, type StorePool } from './store-pool.ts'

export interface StorePoolOptions {
  readonly sqlite: WebAssembly.Module
  readonly trampoline: WebAssembly.Module
  /** Ceiling of one database's memory: 8 MiB to 2 GiB. */
  readonly maxBytes: number
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
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
}

/** Enough for a replica and the one that replaces it to take turns. */
const MAX_IDLE = 2
/** SQLITE_NOMEM: says nothing about the image. */
const NO_MEMORY = 7

export const createStorePool = (options: StorePoolOptions): MeasuredStorePool => new InstancePool(options)

class InstancePool implements MeasuredStorePool {
  readonly #options: StorePoolOptions
  /** By size of their memory, smallest first. */
  #idle: Instance[] = []
  readonly #used = new Map<Database, Instance>()

  constructor(options: StorePoolOptions) {
    this.#options = options
  }

  create(): Store {
    // The smallest: an empty database needs no memory that an image could fill.
    const { database } = this.#open(this.#idle.shift())
    return this.#guarded(database, () => createStore(database))
  }

  receive(rawBytes: number): ImageWriter {
    const roomy = this.#idle.findIndex(({ sizeBytes }) => sizeBytes >= rawBytes)
    const [instance] = this.#idle.splice(roomy < 0 ? this.#idle.length - 1 : roomy, 1)
    const { database } = this.#open(instance)
    const receiver = this.#guarded(database, () => database.receive(rawBytes))
    return new PooledImage(receiver, rawBytes, {
      open: () => this.#guarded(database, () => openImage(database)),
      giveBack: () => this.#giveBack(database),
    })
  }

  release({ database }: Store): void {
    this.#giveBack(database)
  }

  use(): PoolUse {
    const instances = [...this.#used.values(), ...this.#idle]
    return { used: this.#used.size, idle: this.#idle.length, bytes: instances.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }
  }

  #open(idle: Instance | undefined): { readonly database: Database } {
    const { sqlite, trampoline, ...options } = this.#options
    const instance = idle ?? instantiate(sqlite, trampoline, options)
    const database = openDatabase(instance)
    this.#used.set(database, instance)
    return { database }
  }

  #guarded<T>(database: Database, work: () => T): T {
    try {
      return work()
    } catch (error) {
      this.#giveBack(database)
      throw error
    }
  }

  #giveBack(database: Database): void {
    const instance = this.#used.get(database)
    assert(instance !== undefined, 'a store is released once, to the pool that it came from')
    this.#used.delete(database)
    database.close()
    const idle = [...this.#idle, instance].toSorted((a, b) => a.sizeBytes - b.sizeBytes)
    // The largest are kept: they fit what comes next without growing.
    this.#idle = idle.slice(-MAX_IDLE)
  }
}

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
  if (cause instanceof SqlError)
    return cause.code === NO_MEMORY ? cause : new ImageError(`the image is no database: ${cause.message}`, { cause })
  return new ImageError('the image is damaged: its tables do not hold what a replica writes', { cause })
}

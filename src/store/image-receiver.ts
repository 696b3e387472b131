/** Wasm memory that is reserved for a database image and filled part by part: an image is never held twice. */
import { assert } from '../base/assert.ts'
import type { ImageReceiver } from './database.ts'
import { type Instance, outOfMemory } from './instance.ts'

export interface Reserved {
  readonly pointer: number
  readonly rawBytes: number
  readonly capacity: number
}

export class ReservedImage implements ImageReceiver {
  readonly #instance: Instance
  /** Null once it was handed over or given back. */
  #reserved: Reserved | null
  readonly #replace: (image: Reserved) => void
  #written = 0

  /** `replace` owns the memory when it is called. Throws SqlError 7. */
  constructor(instance: Instance, rawBytes: number, slack: number, replace: (image: Reserved) => void) {
    assert(Number.isSafeInteger(rawBytes) && rawBytes >= 0 && slack >= 0, `an image of ${rawBytes} bytes with slack ${slack}`)
    this.#instance = instance
    this.#replace = replace
    const capacity = Math.ceil(rawBytes * (1 + slack))
    const pointer = instance.wasm.sqlite3_malloc64(BigInt(Math.max(capacity, 1)))
    if (pointer === 0) throw outOfMemory()
    this.#reserved = { pointer, rawBytes, capacity }
  }

  get room(): number {
    return this.#open().rawBytes - this.#written
  }

  write(chunk: Uint8Array): void {
    const { pointer } = this.#open()
    assert(chunk.length <= this.room, `${chunk.length} more bytes of an image that wants ${this.room}`)
    this.#instance.copyIn(chunk, pointer + this.#written)
    this.#written += chunk.length
  }

  finish(): void {
    const reserved = this.#open()
    assert(this.room === 0, `an image that lacks ${this.room} bytes`)
    this.#reserved = null
    this.#replace(reserved)
  }

  abort(): void {
    const { pointer } = this.#open()
    this.#reserved = null
    this.#instance.wasm.sqlite3_free(pointer)
  }

  #open(): Reserved {
    assert(this.#reserved !== null, 'an image that was received or given up')
    return this.#reserved
  }
}

/** Databases for replicas: empty ones and images, in wasm memory that is used again. */
import type { Store } from '../src/store/facts.ts'

export interface StorePool {
  /** A store over an empty database. */
  create(): Store
  /** Room for an image of exactly so many bytes, with slack for growth. Throws SqlError 7 when there is no memory for it. */
  receive(rawBytes: number): ImageWriter
  /** Closes the store's database and keeps its memory for the next one: old instances are freed late by the garbage collector. */
  release(store: Store): void
}

/** What one of several users sees of a pool. */
export interface StorePart extends StorePool {
  /** Whoever worked with its stores was cut off: all but this one are lost, with their memory. */
  abandon(kept: Store | null): void
}

export interface ImageWriter {
  /** Straight into the reserved memory. Throws ImageError when there are more bytes than announced. */
  write(chunk: Uint8Array): void
  /** Opens the image. Throws ImageError when bytes are missing, when it is no database or no replica of this schema version; the memory is given back then. */
  finish(): Store
  /** Gives the memory back. */
  abort(): void
}

/** The bytes are no image of a replica. */
export class ImageError extends Error {
  override readonly name = 'ImageError'
}

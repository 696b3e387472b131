/** Reads objects whose size and hash are known beforehand: nothing that differs gets through, and nothing more than announced is taken. */
import { assert } from '../src/base/assert.ts'
import { messageOf } from '../src/base/message.ts'
import { type LoadError, loadFailure } from './load-error.ts'
import { type ObjectStore, StoreError } from './object-store.ts'
import type { Sha256Stream, SnapshotPlatform } from './platform.ts'

/** What is expected of an object, and how a failure is told. */
export interface Expected {
  readonly operation: string
  readonly key: string
  readonly revision: number
  readonly storedBytes: number
  /** Of the stored bytes. */
  readonly sha256: string
}

/** Calls `use` with the object's bytes unpacked, and checks afterwards that they came from exactly the expected ones: what `use` made of them is void when this
 * rejects. Rejects with LoadError, and with what `use` throws. */
export const readStored = async <T>(
  { objects, platform }: { readonly objects: ObjectStore; readonly platform: SnapshotPlatform },
  expected: Expected,
  use: (raw: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> => {
  const object = await fetched(objects, expected)
  const check = new StoredCheck(expected, platform.sha256())
  const result = await use(unpacked(platform.gunzip(check.pass(object)), check, expected))
  check.end()
  return result
}

/** All of an object's bytes as they are stored, of which only the number is checked. Rejects with LoadError. */
export const readWhole = async (objects: ObjectStore, expected: Expected): Promise<Uint8Array> => {
  const { storedBytes } = expected
  const bytes = new Uint8Array(storedBytes)
  let filled = 0
  const damaged = (reason: string): LoadError => loadFailure(expected, 'damaged', reason)
  try {
    for await (const chunk of await fetched(objects, expected)) {
      if (filled + chunk.length > storedBytes) throw damaged(`it goes on behind ${storedBytes} bytes`)
      bytes.set(chunk, filled)
      filled += chunk.length
    }
  } catch (error) {
    throw storeFailure(error, expected)
  }
  if (filled < storedBytes) throw damaged(`it ends after ${filled} of ${storedBytes} bytes`)
  return bytes
}

/** The failure of a call to the store, as one of loading. */
export const storeFailure = (
  error: unknown,
  what: { readonly operation: string; readonly key: string; readonly revision: number | null },
): Error => {
  if (!(error instanceof StoreError)) return error instanceof Error ? error : new Error(String(error))
  return loadFailure(what, error.code === 'too-large' ? 'damaged' : 'unavailable', error.message, error)
}

const fetched = async (objects: ObjectStore, expected: Expected): Promise<AsyncIterable<Uint8Array>> => {
  const { key, storedBytes } = expected
  let object: Awaited<ReturnType<ObjectStore['get']>>
  try {
    object = await objects.get(key)
  } catch (error) {
    throw storeFailure(error, expected)
  }
  assert(object !== 'unchanged', 'the object was asked for whatever its version')
  if (object === null) throw loadFailure(expected, 'missing', `${objects.name} has no such object`)
  if (object.sizeBytes !== null && object.sizeBytes !== storedBytes) {
    // Its bytes are never looked at; whoever sends them is told so.
    await object.chunks[Symbol.asyncIterator]().return?.()
    throw loadFailure(expected, 'damaged', `it has ${object.sizeBytes} bytes, the manifest says ${storedBytes}`)
  }
  return object.chunks
}

class StoredCheck {
  readonly #expected: Expected
  readonly #hash: Sha256Stream
  #bytes = 0
  /** What came from the store itself, and not from what the bytes are. */
  failure: Error | null = null

  constructor(expected: Expected, hash: Sha256Stream) {
    this.#expected = expected
    this.#hash = hash
  }

  async *pass(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of chunks) {
        this.#bytes += chunk.length
        if (this.#bytes > this.#expected.storedBytes) throw this.#damaged(`it goes on behind ${this.#expected.storedBytes} bytes`)
        this.#hash.update(chunk)
        yield chunk
      }
    } catch (error) {
      this.failure = storeFailure(error, this.#expected)
      throw this.failure
    }
    // In front of the end that the decompressor sees: it would report a cut object as a fault of compression.
    if (this.#bytes < this.#expected.storedBytes) {
      this.failure = this.#damaged(`it ends after ${this.#bytes} of ${this.#expected.storedBytes} bytes`)
      throw this.failure
    }
  }

  end(): void {
    if (this.#bytes !== this.#expected.storedBytes) throw this.#damaged(`its compressed part ends after ${this.#bytes} bytes`)
    const sha256 = this.#hash.digest()
    if (sha256 !== this.#expected.sha256) throw this.#damaged(`its SHA-256 is ${sha256}, the manifest says ${this.#expected.sha256}`)
  }

  #damaged(reason: string): LoadError {
    return loadFailure(this.#expected, 'damaged', reason)
  }
}

/** The unpacked bytes; a decompressor's failure is told as what it is: of the store, or damage. */
async function* unpacked(raw: AsyncIterable<Uint8Array>, check: StoredCheck, expected: Expected): AsyncGenerator<Uint8Array> {
  const chunks = raw[Symbol.asyncIterator]()
  let ended = false
  try {
    for (;;) {
      const next = await chunks.next()
      if (next.done === true) break
      yield next.value
    }
    ended = true
  } catch (cause) {
    ended = true
    if (check.failure !== null) throw check.failure
    throw loadFailure(expected, 'damaged', `it cannot be unpacked: ${messageOf(cause)}`, cause)
  } finally {
    if (!ended) await chunks.return?.()
  }
}

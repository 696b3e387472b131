/** Objects in a bucket of Cloudflare R2, by the binding that a Worker has of it. */

import { limits } from '../src/base/limits.ts'
import { chunkReader } from './chunk-reader.ts'
import { boundedChunks, within } from './deadline.ts'
import { byKey, checkKey } from './key-rules.ts'
import {
  type ListedObject,
  type ObjectStore,
  type PutCondition,
  type StoredObject,
  StoreError,
  type StoreErrorCode,
} from './object-store.ts'
import { reasonOf, type StoreCall, storeFailure } from './store-failure.ts'

/** The part of the binding that is used. */
export interface R2Bucket {
  get(key: string, options: { readonly onlyIf?: { readonly etagDoesNotMatch: string } }): Promise<R2Object | null>
  put(key: string, bytes: Uint8Array, options: { readonly onlyIf?: Headers | { readonly etagMatches: string } }): Promise<R2Object | null>
  list(options: { readonly prefix: string; readonly cursor?: string }): Promise<R2Listing>
  delete(key: string): Promise<void>
}

interface R2Object {
  readonly key: string
  readonly etag: string
  readonly size: number
  readonly uploaded: Date
  /** Missing when the condition of a get did not hold, and in listings. */
  readonly body?: ReadableStream<Uint8Array>
}

interface R2Listing {
  readonly objects: readonly R2Object[]
  readonly truncated: boolean
  readonly cursor?: string
}

export interface R2StoreOptions {
  readonly bucket: R2Bucket
  /** For messages. */
  readonly name?: string
  /** Longest wait for an answer, and for each next chunk. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 10_000
const ATTEMPTS = 3

export const r2ObjectStore = (options: R2StoreOptions): ObjectStore => new R2Store(options)

class R2Store implements ObjectStore {
  readonly name: string
  readonly #bucket: R2Bucket
  readonly #timeoutMs: number

  constructor({ bucket, name = 'R2', timeoutMs = TIMEOUT_MS }: R2StoreOptions) {
    this.name = name
    this.#bucket = bucket
    this.#timeoutMs = timeoutMs
  }

  async get(key: string, { unless }: { readonly unless?: string } = {}): Promise<StoredObject | 'unchanged' | null> {
    const call = this.#call('get', key)
    const object = await this.#ask(call, () =>
      // No bucket gives such a text as the tag of an object; asking for it is refused.
      this.#bucket.get(key, unless === undefined || !isTag(unless) ? {} : { onlyIf: { etagDoesNotMatch: unless } }),
    )
    if (object === null) return null
    const { body } = object
    if (body === undefined) return 'unchanged'
    return { version: object.etag, sizeBytes: object.size, chunks: this.#chunks(call, body, object.size) }
  }

  async put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<string> {
    const call = this.#call('put', key)
    if (condition?.kind === 'version' && !isTag(condition.version)) throw lost(call)
    const stored = await this.#ask(call, () =>
      this.#bucket.put(key, bytes, condition === undefined ? {} : { onlyIf: conditionOf(condition) }),
    )
    if (stored === null) throw lost(call)
    return stored.etag
  }

  async list(prefix: string): Promise<readonly ListedObject[]> {
    const call: StoreCall = { store: this.name, operation: 'list', key: prefix }
    const found: ListedObject[] = []
    let cursor: string | undefined
    do {
      const from = cursor
      const page = await this.#ask(call, () => this.#bucket.list({ prefix, ...(from !== undefined && { cursor: from }) }))
      for (const { key, size, uploaded } of page.objects) found.push({ key, sizeBytes: size, modifiedAtMs: uploaded.getTime() })
      if (found.length > limits.listedObjects) throw storeFailure('too-large', call, `more than ${limits.listedObjects} objects`)
      cursor = page.truncated ? page.cursor : undefined
    } while (cursor !== undefined)
    return found.sort(byKey)
  }

  async delete(key: string): Promise<void> {
    await this.#ask(this.#call('delete', key), () => this.#bucket.delete(key))
  }

  #call(operation: StoreCall['operation'], key: string): StoreCall {
    const call = { store: this.name, operation, key }
    checkKey(call)
    return call
  }

  /** Repeats what failed without an effect that could show. Rejects with StoreError. */
  async #ask<T>(call: StoreCall, ask: () => Promise<T>): Promise<T> {
    const attempts = call.operation === 'put' ? 1 : ATTEMPTS
    for (let attempt = 1; ; attempt++) {
      try {
        return await within(ask, this.#timeoutMs, () => new Error(`no answer for ${this.#timeoutMs} ms`))
      } catch (cause) {
        const failure = storeFailure(codeOf(cause), call, reasonOf(cause), cause)
        if (attempt >= attempts || failure.code !== 'unavailable') throw failure
      }
    }
  }

  #chunks(call: StoreCall, body: ReadableStream<Uint8Array>, sizeBytes: number): AsyncIterable<Uint8Array> {
    const reader = chunkReader(body, sizeBytes)
    return boundedChunks(reader.chunks, {
      idleMs: this.#timeoutMs,
      sizeBytes,
      end: () => void reader.cancel(),
      failure: (why, cause) => (cause instanceof StoreError ? cause : storeFailure('unavailable', call, why, cause)),
    })
  }
}

const isTag = (version: string): boolean => /^[\w-]+$/.test(version)

const lost = (call: StoreCall): StoreError => storeFailure('precondition', call, 'the condition does not hold')

/** "Nothing there" can only be said in the words of HTTP. */
const conditionOf = (condition: PutCondition): Headers | { readonly etagMatches: string } =>
  condition.kind === 'absent' ? new Headers({ 'If-None-Match': '*' }) : { etagMatches: condition.version }

/** Errors of R2 end in a number: https://developers.cloudflare.com/r2/api/error-codes/ */
const codeOf = (error: unknown): StoreErrorCode => {
  const number = Number(/\((\d{5,6})\)\s*$/.exec(reasonOf(error))?.[1] ?? 0)
  if (number === 10_002 || number === 10_003 || number === 10_004 || number === 10_042) return 'denied'
  if (number === 10_005 || number === 10_006) return 'missing'
  if (number === 10_031) return 'precondition'
  return number === 100_100 ? 'too-large' : 'unavailable'
}

/** Immutable objects by key, and a few small ones that are replaced under a condition: S3, R2, a folder, memory, or any web server. */

export interface ObjectStore {
  /** What it is, for messages; no secret. */
  readonly name: string
  /** Of one that is a folder: another thread of this machine opens it by this path. */
  readonly folder?: string
  /** The object, null when there is none, `unchanged` when its version is still `unless`. Rejects with StoreError; so do the chunks when the transfer breaks off. */
  get(key: string, options?: { readonly unless?: string }): Promise<StoredObject | 'unchanged' | null>
  /** Stores all of the bytes or nothing. Resolves with the new version. Rejects with StoreError, `precondition` when the condition does not hold. */
  put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<string>
  /** Every object whose key starts with the prefix, in order of key. */
  list(prefix: string): Promise<readonly ListedObject[]>
  /** No error when there is none. */
  delete(key: string): Promise<void>
}

/** `absent`: only when there is no object; `version`: only over exactly this one. Two winners of one race are possible on some servers: nothing that must be
 * true may rest on a condition alone. */
export type PutCondition = { readonly kind: 'absent' } | { readonly kind: 'version'; readonly version: string }

export interface StoredObject {
  /** Opaque; changes with the content. */
  readonly version: string
  /** Null where the server does not tell. */
  readonly sizeBytes: number | null
  /** Of stores that Workers read, each is valid until the next one is asked for. */
  readonly chunks: AsyncIterable<Uint8Array>
}

export interface ListedObject {
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
}

/** `unavailable` may work again later; `denied` and `missing` (the bucket or folder) want a person. */
export type StoreErrorCode = 'unavailable' | 'denied' | 'missing' | 'precondition' | 'read-only' | 'too-large'

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

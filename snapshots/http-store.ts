/** Objects behind any web server, to be read only: a served folder, a public bucket, an origin cell. */
import { chunkReader } from './chunk-reader.ts'
import { boundedChunks, wait, within } from './deadline.ts'
import { checkKey } from './key-rules.ts'
import type { ObjectStore, StoredObject } from './object-store.ts'
import { reasonOf, type StoreCall, storeFailure } from './store-failure.ts'

export interface HttpStoreOptions {
  /** Without a slash at its end; the key follows. */
  readonly url: string
  readonly secret?: string | null
  readonly fetch?: HttpStoreFetch
  /** Longest wait for the head of a response, and for each next chunk. */
  readonly timeoutMs?: number
  /** Each chunk is valid until the next one is asked for: for readers that have little memory, and keep none. */
  readonly oneBuffer?: boolean
}

/** The part of `fetch` that is used. */
export type HttpStoreFetch = (
  url: string,
  request: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal },
) => Promise<Response>

const TIMEOUT_MS = 10_000
const ATTEMPTS = 3
const RETRY_MS = 100
/** Up to here the content itself is the version, where the server's is none. */
const HASHED_BYTES = 8 * 1024 * 1024

export const httpObjectStore = (options: HttpStoreOptions): ObjectStore => {
  const reader = new HttpReader(options)
  const refuse = async (operation: StoreCall['operation'], key: string): Promise<never> => {
    throw storeFailure('read-only', { store: reader.name, operation, key }, 'a web server is only read')
  }
  return {
    name: reader.name,
    get: (key, { unless } = {}) => reader.get(key, unless),
    put: (key) => refuse('put', key),
    list: (prefix) => refuse('list', prefix),
    delete: (key) => refuse('delete', key),
  }
}

class HttpReader {
  readonly name: string
  readonly #url: string
  readonly #secret: string | null
  readonly #fetch: HttpStoreFetch
  readonly #timeoutMs: number
  readonly #oneBuffer: boolean

  constructor({ url, secret = null, fetch: given, timeoutMs = TIMEOUT_MS, oneBuffer = false }: HttpStoreOptions) {
    this.#url = url.replace(/\/+$/, '')
    this.#secret = secret
    // Called as a bare function: workerd refuses a `fetch` with another `this`.
    this.#fetch = given ?? ((target, request) => fetch(target, request))
    this.#timeoutMs = timeoutMs
    this.#oneBuffer = oneBuffer
    this.name = `web server ${withoutUser(this.#url)}`
  }

  async get(key: string, unless: string | undefined): Promise<StoredObject | 'unchanged' | null> {
    const call: StoreCall = { store: this.name, operation: 'get', key }
    checkKey(call)
    for (let attempt = 1; ; attempt++) {
      const { response, end, problem } = await this.#request(call, unless)
      if (response !== null && problem === null) return this.#object(call, response, end, unless)
      end()
      if (response?.status === 304) return 'unchanged'
      if (response?.status === 404 || response?.status === 410) return null
      if (response?.status === 401 || response?.status === 403) throw storeFailure('denied', call, `the server answered ${response.status}`)
      if (attempt === ATTEMPTS) throw storeFailure('unavailable', call, problem?.why ?? 'no answer', problem?.cause)
      await wait(RETRY_MS * attempt)
    }
  }

  async #request(call: StoreCall, unless: string | undefined): Promise<Reply> {
    const controller = new AbortController()
    const end = (): void => controller.abort()
    try {
      const response = await within(
        () => this.#fetch(this.#addressOf(call.key), { headers: this.#headers(unless), signal: controller.signal }),
        this.#timeoutMs,
        () => new Error(`no answer for ${this.#timeoutMs} ms`),
      )
      return { response, end, problem: response.status === 200 ? null : { why: `the server answered ${response.status}` } }
    } catch (error) {
      return { response: null, end, problem: { why: reasonOf(error), cause: error } }
    }
  }

  #headers(unless: string | undefined): Record<string, string> {
    return {
      // Stored bytes, not ones that a proxy compressed or remembers.
      'accept-encoding': 'identity',
      'cache-control': 'no-cache',
      ...(this.#secret === null ? {} : { authorization: `Bearer ${this.#secret}` }),
      ...(unless?.startsWith(BY_TAG) === true ? { 'if-none-match': unless.slice(BY_TAG.length) } : {}),
    }
  }

  #addressOf(key: string): string {
    return `${this.#url}/${key.split('/').map(encodeURIComponent).join('/')}`
  }

  async #object(call: StoreCall, response: Response, end: () => void, unless: string | undefined): Promise<StoredObject | 'unchanged'> {
    const encoded = (response.headers.get('content-encoding') ?? 'identity') !== 'identity'
    if (encoded && call.key.endsWith('.gz')) {
      end()
      throw storeFailure(
        'denied',
        call,
        'the server declares a `.gz` file as encoded content, so that it arrives unpacked: turn that off there',
      )
    }
    const announced = encoded ? null : sizeOf(response.headers.get('content-length'))
    const chunks = boundedChunks(bodyOf(response, announced, this.#oneBuffer), {
      idleMs: this.#timeoutMs,
      sizeBytes: announced,
      end,
      failure: (why, cause) => storeFailure('unavailable', call, why, cause),
    })
    const tag = response.headers.get('etag')
    if (tag !== null && !isYoung(response)) return { version: BY_TAG + tag, sizeBytes: announced, chunks }
    return byContent(chunks, announced, unless)
  }
}

interface Reply {
  readonly response: Response | null
  readonly end: () => void
  readonly problem: { readonly why: string; readonly cause?: unknown } | null
}

const BY_TAG = 'tag:'

/** Common servers make the tag of a time in seconds and a size: for a file that changed just now, it may stay the same over the next change. Both times are
 * the server's. */
const isYoung = (response: Response): boolean => {
  const [now, modified] = ['date', 'last-modified'].map((name) => Date.parse(response.headers.get(name) ?? ''))
  return now !== undefined && modified !== undefined && now - modified < 2000
}

/** The content's hash is the version, where the server's cannot be believed. */
const byContent = async (
  chunks: AsyncIterable<Uint8Array>,
  sizeBytes: number | null,
  unless: string | undefined,
): Promise<StoredObject | 'unchanged'> => {
  const source = chunks[Symbol.asyncIterator]()
  const parts: Uint8Array<ArrayBuffer>[] = []
  let held = 0
  while (held <= HASHED_BYTES) {
    const next = await source.next()
    if (next.done === true) {
      const version = `content:${await hashOf(parts)}`
      return version === unless ? 'unchanged' : { version, sizeBytes: held, chunks: each(parts) }
    }
    parts.push(new Uint8Array(next.value))
    held += next.value.length
  }
  // Too large to be looked at twice: never unchanged.
  return { version: `once:${crypto.randomUUID()}`, sizeBytes, chunks: each(parts, source) }
}

const hashOf = async (parts: readonly Uint8Array<ArrayBuffer>[]): Promise<string> => {
  const bytes = await new Blob([...parts]).arrayBuffer()
  return Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function* each(parts: readonly Uint8Array[], rest?: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* parts
    for (;;) {
      const next = await rest?.next()
      if (next === undefined || next.done === true) return
      yield next.value
    }
  } finally {
    await rest?.return?.()
  }
}

async function* bodyOf({ body }: Response, sizeBytes: number | null, oneBuffer: boolean): AsyncGenerator<Uint8Array> {
  if (body !== null) yield* chunkReader(body, sizeBytes, oneBuffer).chunks
}

const sizeOf = (text: string | null): number | null => (text !== null && /^[0-9]{1,15}$/.test(text) ? Number(text) : null)

/** Names are logged, passwords are not. */
const withoutUser = (url: string): string => url.replace(/^(https?:\/\/)[^/@]*@/, '$1')

/** Requests over fetch with a key and a time limit. Keeps the position of the last write, so that what is read afterwards includes it. */
import type { Endpoint } from '../wire/endpoints.ts'

export interface ClientOptions {
  /** Base URL of the server, without `/api`. */
  readonly url: string
  readonly key: string
  /** How long an answer may take. */
  readonly timeoutMs?: number
}

/** An answer that is no success; `body` is the whole error object. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  /** 0 when the server could not be reached. */
  readonly status: number
  readonly body: unknown
  /** What the server asked to wait before trying again; null: nothing. */
  readonly retryAfterSeconds: number | null
  constructor(
    status: number,
    message: string,
    body: unknown,
    { retryAfterSeconds = null, ...options }: ErrorOptions & { readonly retryAfterSeconds?: number | null } = {},
  ) {
    super(message, options)
    this.status = status
    this.body = body
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export interface Answer<T> {
  readonly status: number
  readonly body: T
  /** False when a durable write was not applied within the server's wait. */
  readonly applied: boolean
}

const TIMEOUT_MS = 30_000

export class Transport {
  readonly #options: ClientOptions
  #offset: string | null = null

  constructor(options: ClientOptions) {
    this.#options = options
  }

  async ask<T>(endpoint: Endpoint, body?: unknown, query = ''): Promise<T> {
    return (await this.send<T>(endpoint, body, query)).body
  }

  /** Rejects with ClientError. */
  async send<T>(endpoint: Endpoint, body: unknown, query = ''): Promise<Answer<T>> {
    const { response, text } = await this.#fetch(endpoint, body, query)
    const parsed = parsedOf(text)
    if (!response.ok) {
      const retryAfterSeconds = secondsOf(response.headers.get('Retry-After'))
      throw new ClientError(response.status, messageOf(parsed) ?? `the server answered ${response.status}`, parsed, { retryAfterSeconds })
    }
    const offset = response.headers.get('OsoOffset')
    if (offset !== null) this.#offset = offset
    const applied = response.headers.get('Arctos-Applied') !== 'false'
    // The one cast: what a server of this API answers to this endpoint.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return { status: response.status, body: parsed as T, applied }
  }

  async #fetch({ method, path }: Endpoint, body: unknown, query: string): Promise<{ readonly response: Response; readonly text: string }> {
    const { url, key, timeoutMs = TIMEOUT_MS } = this.#options
    const headers = new Headers({ Authorization: `Bearer ${key}`, 'Content-Type': 'application/json', 'X-Request-ID': crypto.randomUUID() })
    if (this.#offset !== null) headers.set('OsoOffset', this.#offset)
    const target = `${url.replace(/\/+$/, '')}${path}${query === '' ? '' : `?${query}`}`
    try {
      const response = await fetch(target, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      })
      return { response, text: await response.text() }
    } catch (cause) {
      throw new ClientError(0, `the server at ${url} cannot be reached`, null, { cause })
    }
  }
}

const parsedOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const secondsOf = (text: string | null): number | null => (text !== null && /^[0-9]{1,6}$/.test(text) ? Number(text) : null)

const messageOf = (body: unknown): string | null =>
  typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string' ? body.message : null

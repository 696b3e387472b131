/** Requests to a replicator over its Unix socket or the loopback, on connections that are kept. */
import { Agent, type IncomingMessage, type RequestOptions, request as send } from 'node:http'
import { urlToHttpOptions } from 'node:url'
import { type InnerFetch, type InnerRequest, type InnerResponse, UnsentError } from '../../snapshots/inner-fetch.ts'
import type { ReplicatorPlace } from '../../src/ops/places.ts'

export interface PlaceFetch {
  readonly fetch: InnerFetch
  /** Base URL of the place; behind a socket the host is only a name. */
  readonly url: string
  /** Ends the idle connections. */
  readonly close: () => void
}

/** Connections at once; more requests wait for one. */
const SOCKETS = 64
/** The replicator keeps idle connections longer, so that none closes under a request. */
const IDLE_MS = 20_000

export const placeFetch = (place: ReplicatorPlace): PlaceFetch => {
  const agent = new Agent({ keepAlive: true, noDelay: true, maxSockets: SOCKETS, timeout: IDLE_MS })
  const url = place.kind === 'unix' ? 'http://replicator' : place.url
  const to: RequestOptions = { ...urlToHttpOptions(new URL(url)), agent, ...(place.kind === 'unix' && { socketPath: place.path }) }
  return {
    url,
    fetch: (whole, request) => fetchOver({ ...to, path: whole.slice(url.length) }, request),
    close: () => agent.destroy(),
  }
}

const fetchOver = async (to: RequestOptions, { method, headers, body, signal }: InnerRequest): Promise<InnerResponse> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new UnsentError(abortError(signal).message))
      return
    }
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const sent = send({ ...to, method, headers: { ...headers, ...length } })
    // The option `signal` watches the whole stream for it, which takes longer than the rest of a request.
    const stop = (): void => void sent.destroy(abortError(signal))
    signal.addEventListener('abort', stop)
    sent.once('close', () => signal.removeEventListener('abort', stop))
    sent.once('response', (response) => resolve(responseOf(response)))
    sent.on('error', (error: NodeJS.ErrnoException) => reject(UNSENT.has(error.code ?? '') ? new UnsentError(error.message) : error))
    sent.end(body)
  })

const abortError = ({ reason }: AbortSignal): Error => (reason instanceof Error ? reason : new Error(String(reason)))

/** What connecting alone can fail with. */
const UNSENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EACCES',
  'ENOTSOCK',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

const responseOf = (message: IncomingMessage): InnerResponse => ({
  status: message.statusCode ?? 0,
  headers: {
    get(name) {
      const value = message.headers[name.toLowerCase()]
      return value === undefined ? null : String(value)
    },
  },
  body: message,
  text: async () => textOf(message),
})

/** By events: an iterator of the stream takes longer than all the rest for a short text. */
const textOf = async (message: IncomingMessage): Promise<string> =>
  new Promise((resolve, reject) => {
    const broken = (error?: Error): void => reject(error ?? new Error('the connection was closed before the end of the answer'))
    if (message.destroyed) {
      broken(message.errored ?? undefined)
      return
    }
    let text = ''
    message.setEncoding('utf8')
    message.on('data', (chunk: string) => (text += chunk))
    message.once('end', () => resolve(text))
    message.once('error', broken)
    message.once('close', broken)
  })

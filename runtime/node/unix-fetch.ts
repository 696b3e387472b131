/** Requests to a replicator over its Unix socket or the loopback, on connections that are kept. */
import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request as send } from 'node:http'
import type { Socket } from 'node:net'
import { urlToHttpOptions } from 'node:url'
import { type InnerFetch, type InnerRequest, type InnerResponse, UnsentError } from '../../snapshots/inner-fetch.ts'
import { messageText, type Unread } from '../../snapshots/node/message-text.ts'
import { writeTogether } from '../../snapshots/node/write-together.ts'
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

const fetchOver = async (to: RequestOptions, { method, headers, body, signal, upgrade }: InnerRequest): Promise<InnerResponse> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new UnsentError(abortError(signal).message))
      return
    }
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const upgrading = upgrade === undefined ? {} : { connection: 'Upgrade', upgrade }
    const sent = send({ ...to, method, headers: { ...headers, ...length, ...upgrading } })
    destroyOnAbort(sent, signal)
    sent.once('response', (response) => resolve(responseOf(response)))
    sent.once('upgrade', (response, socket, head) => resolve(upgradedOf(response, socket, head, signal)))
    sent.on('error', (error: NodeJS.ErrnoException) => reject(UNSENT.has(error.code ?? '') ? new UnsentError(error.message) : error))
    sent.end(body)
  })

/** The option `signal` of a request watches its whole stream for it, which takes longer than all the rest. */
const destroyOnAbort = (stream: ClientRequest | Socket, signal: AbortSignal): void => {
  const stop = (): void => void stream.destroy(abortError(signal))
  signal.addEventListener('abort', stop)
  stream.once('close', () => signal.removeEventListener('abort', stop))
}

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
  ...headOf(message),
  body: message,
  text: () => messageText(message, Number.POSITIVE_INFINITY, brokenOff),
})

const headOf = (message: IncomingMessage): Pick<InnerResponse, 'status' | 'headers'> => ({
  status: message.statusCode ?? 0,
  headers: {
    get(name) {
      const value = message.headers[name.toLowerCase()]
      return value === undefined ? null : String(value)
    },
  },
})

/** From here on the connection belongs to nobody else. */
const upgradedOf = (message: IncomingMessage, socket: Socket, head: Buffer, signal: AbortSignal): InnerResponse => {
  socket.setTimeout(0)
  if (head.length > 0) socket.unshift(head)
  destroyOnAbort(socket, signal)
  // Who reads the body is told.
  socket.on('error', () => {})
  return {
    ...headOf(message),
    body: socket,
    text: async () => '',
    send: (text) => {
      if (!socket.writable) return false
      writeTogether(socket, text)
      return true
    },
  }
}

const brokenOff = (_why: Unread, cause?: Error): Error => cause ?? new Error('the connection was closed before the end of the answer')

/** Requests to a replicator over its Unix socket or the loopback, on connections that are kept. */
import { Agent, type IncomingMessage, request as send } from 'node:http'
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
  const socketPath = place.kind === 'unix' ? place.path : undefined
  return {
    url: place.kind === 'unix' ? 'http://replicator' : place.url,
    fetch: (url, request) => fetchOver(agent, socketPath, url, request),
    close: () => agent.destroy(),
  }
}

const fetchOver = async (
  agent: Agent,
  socketPath: string | undefined,
  url: string,
  { method, headers, body, signal }: InnerRequest,
): Promise<InnerResponse> =>
  new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const sent = send(url, { agent, method, signal, headers: { ...headers, ...length }, ...(socketPath !== undefined && { socketPath }) })
    sent.once('response', (response) => resolve(responseOf(response)))
    sent.on('error', (error: NodeJS.ErrnoException) => reject(UNSENT.has(error.code ?? '') ? new UnsentError(error.message) : error))
    sent.end(body)
  })

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

const textOf = async (message: IncomingMessage): Promise<string> => {
  message.setEncoding('utf8')
  let text = ''
  for await (const chunk of message) text += String(chunk)
  return text
}

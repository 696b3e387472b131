/** The HTTP server of the Node process. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import type { HonoBase } from 'hono/hono-base'
import { bareAnswer } from '../../snapshots/node/bare-answer.ts'

export interface ServerOptions {
  readonly host: string
  readonly port: number
  readonly requestTimeoutMs: number
  /** The app that answers now; it is replaced when the process becomes ready. */
  readonly app: () => HonoBase
}

export interface HttpServer {
  readonly url: string
  /** Refuses new connections and resolves when the open requests are answered, or after the time. */
  drain(timeoutMs: number): Promise<void>
}

/** Clients keep idle connections for up to 75 s; ours must not be the side that closes first. */
const KEEP_ALIVE_MS = 80_000
const DRAIN_STEP_MS = 50
/** How often requests that take too long to arrive are looked for. */
const CHECK_MS = 1000

/** Resolves when listening. Rejects when the address cannot be used. */
export const listen = async (options: ServerOptions): Promise<HttpServer> => {
  const listener = getRequestListener((request) => options.app().fetch(request), {
    hostname: options.host,
    errorHandler: () => new Response(refusalBody(MALFORMED), { status: 400, headers: refusalHeaders() }),
  })
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    if (incoming.httpVersion === '1.1' && incoming.headers.host === undefined) {
      const body = refusalBody('the `Host` header is missing')
      outgoing.writeHead(400, { ...refusalHeaders(), 'Content-Length': body.length, Connection: 'close' }).end(body)
    } else void listener(incoming, outgoing)
  }
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      requestTimeout: options.requestTimeoutMs,
      headersTimeout: options.requestTimeoutMs,
      connectionsCheckingInterval: CHECK_MS,
      noDelay: true,
      // Node would answer without a body; so would it an expectation that it does not know.
      requireHostHeader: false,
    },
    handle,
  )
  server.on('checkExpectation', handle)
  // Without a listener Node hangs up.
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => refuse(socket, 404, 'no such endpoint: this server is no proxy'))
  server.on('clientError', refuseBrokenRequest)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return { url: urlOf(server, options.host), drain: (timeoutMs) => drain(server, timeoutMs) }
}

const MALFORMED = 'the request is malformed'

const refusalBody = (message: string): string => JSON.stringify({ message })

/** The id that the client sent is not known, where its headers were not read. */
const refusalHeaders = (): Readonly<Record<string, string>> => ({ 'Content-Type': 'application/json', 'X-Request-ID': randomUUID() })

const socketRefusals: Readonly<Record<string, readonly [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request took too long to arrive'],
  HPE_HEADER_OVERFLOW: [431, 'the headers are too large'],
}

/** What is no HTTP never reaches the app; it gets an error body all the same. */
const refuseBrokenRequest = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  refuse(socket, ...(socketRefusals[error.code ?? ''] ?? [400, MALFORMED]))
}

const refuse = (socket: Duplex, status: number, message: string): void => bareAnswer(socket, status, refusalBody(message), refusalHeaders())

const urlOf = (server: Server, host: string): string => {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

const drain = async (server: Server, timeoutMs: number): Promise<void> => {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  // Connections fall idle one by one as their requests are answered.
  const sweep = setInterval(() => server.closeIdleConnections(), DRAIN_STEP_MS)
  const deadline = setTimeout(() => server.closeAllConnections(), timeoutMs)
  await closed
  clearInterval(sweep)
  clearTimeout(deadline)
}

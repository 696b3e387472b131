/** The HTTP server of the Node process. */
import { createServer, type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'

export interface ServerOptions {
  readonly host: string
  readonly port: number
  readonly requestTimeoutMs: number
  /** The app that answers now; it is replaced when the process becomes ready. */
  readonly app: () => Hono
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
    errorHandler: () => jsonResponse(400, 'the request is malformed'),
  })
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      requestTimeout: options.requestTimeoutMs,
      headersTimeout: options.requestTimeoutMs,
      connectionsCheckingInterval: CHECK_MS,
      noDelay: true,
    },
    (incoming, outgoing) => void listener(incoming, outgoing),
  )
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

const jsonResponse = (status: number, message: string): Response =>
  new Response(JSON.stringify({ message }), { status, headers: { 'Content-Type': 'application/json' } })

/** What is no HTTP never reaches the app; it gets an error body all the same. */
const refuseBrokenRequest = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400
  const body = JSON.stringify({ message: 'the request is malformed' })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
}

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

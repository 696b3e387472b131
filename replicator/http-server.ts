/** The replicator's HTTP server: the inner interface for its runtimes, its objects, and what operators ask (docs/formats/inner.md). */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { bareAnswer } from '../snapshots/node/bare-answer.ts'
import type { ObjectStore } from '../snapshots/object-store.ts'
import { known } from '../src/base/assert.ts'
import { LogError } from '../src/log/log.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import type { MetricRegistry } from '../src/ops/metrics.ts'
import type { ReplicatorPlace } from '../src/ops/places.ts'
import { innerPaths, streamProtocol } from '../src/wire/inner.ts'
import { Budget } from './http-budget.ts'
import { listenAt } from './http-listen.ts'
import { answerError, answerJson, answerRefusal, answerText, logBug, type Refusal, refusal, refusalOf } from './http-reply.ts'
import { routeOf } from './http-routes.ts'
import { secretCheck } from './http-secret.ts'
import type { Served } from './http-stream.ts'
import { RuntimeStreams } from './http-streams.ts'

export interface ReplicatorServerOptions {
  readonly place: ReplicatorPlace
  /** Null: whoever reaches the place may do everything. */
  readonly secret: string | null
  /** Null until it has started: everything but `/livez` and `/metrics` answers 503 then. */
  readonly replicator: () => Served | null
  readonly objects: ObjectStore | null
  /** Why `/readyz` is 503, or null. */
  readonly unready: () => string | null
  readonly metrics: MetricRegistry
  readonly log: WriteLogLine
}

export interface ReplicatorServer {
  readonly place: ReplicatorPlace
  /** Connected runtimes. */
  readonly runtimes: number
  /** Refuses new connections, waits for the requests under way, within the time, and ends the streams. */
  close(timeoutMs: number): Promise<void>
}

/** Longer than a runtime keeps an idle connection. */
const KEEP_ALIVE_MS = 80_000
const DRAIN_STEP_MS = 20
/** Least time that runtimes have to hear the last answers. */
const LEAVE_MS = 500

/** Resolves when listening. Rejects with ListenError. */
export const serveReplicator = async (options: ReplicatorServerOptions): Promise<ReplicatorServer> => {
  const streams = new RuntimeStreams(options.log)
  const handler = new Handler(options, streams)
  const server = createServer(
    // What some clients offer with any request is no reason to answer it otherwise.
    { keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true, shouldUpgradeCallback: ({ headers }) => headers.upgrade === streamProtocol },
    (request, response) => void handler.handle(request, response),
  )
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => handler.upgrade(request, socket, head))
  try {
    const place = await listenAt(server, options.place)
    // A connection that cannot be accepted, as when file descriptors are short, ends no replicator.
    server.on('error', (error) => options.log('error', 'connection-refused', { name: error.name, reason: error.message }))
    return {
      place,
      get runtimes() {
        return streams.count
      },
      close: (timeoutMs) => close(server, streams, handler, timeoutMs),
    }
  } catch (error) {
    streams.close()
    throw error
  }
}

const close = async (server: Server, streams: RuntimeStreams, handler: Handler, timeoutMs: number): Promise<void> => {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  const deadline = performance.now() + timeoutMs
  streams.drain()
  while (handler.active + streams.appends > 0 && performance.now() < deadline) {
    await new Promise((resolve) => {
      setTimeout(resolve, DRAIN_STEP_MS)
    })
  }
  await streams.end(Math.max(LEAVE_MS, deadline - performance.now()))
  server.closeAllConnections()
  await closed
}

class Handler {
  readonly #options: ReplicatorServerOptions
  readonly #streams: RuntimeStreams
  readonly #budget = new Budget()
  readonly #authorized: (header: string | undefined) => boolean
  /** Requests that are not answered to their end. */
  active = 0

  constructor(options: ReplicatorServerOptions, streams: RuntimeStreams) {
    this.#options = options
    this.#streams = streams
    this.#authorized = secretCheck(options.secret)
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.active++
    response.once('close', () => this.active--)
    try {
      await this.#answer(request, response)
    } catch (error) {
      logBug(this.#options.log, error)
      answerError(response, error)
    }
  }

  /** A connection that is no stream gets an answer and is closed. */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    // What is no stream yet has nobody else who listens.
    socket.on('error', () => {})
    const refused = this.#refusedUpgrade(request)
    if (refused !== null) {
      bareAnswer(socket, refused.status, refused.body, refused.headers)
      // The other side may never close its half.
      socket.destroySoon()
      return
    }
    if (head.length > 0) socket.unshift(head)
    this.#streams.open(socket, { replicator: known(this.#options.replicator(), 'it was admitted'), budget: this.#budget })
  }

  #refusedUpgrade({ method, url, headers }: IncomingMessage): Refusal | null {
    try {
      const refused = this.#refused(headers)
      if (refused !== null) return refused
      if (method !== 'GET' || url !== innerPaths.stream || headers.upgrade !== streamProtocol) return NOT_FOUND
      this.#streams.checkRoom()
      return null
    } catch (error) {
      return refusalOf(error)
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://replicator')
    const segments = segmentsOf(pathname)
    if (await this.#answerOperator(request, response, pathname)) return undefined
    const route = routeOf(request.method ?? '', segments)
    const refused = this.#refused(request.headers)
    if (refused !== null || route === undefined) return answerRefusal(response, refused ?? NOT_FOUND)
    const replicator = known(this.#options.replicator(), 'it was admitted')
    const { objects } = this.#options
    return route.handle({ request, response, segments, query, replicator, objects, streams: this.#streams, budget: this.#budget })
  }

  /** Throws LogError `unavailable` while the replicator starts. */
  #refused({ origin, authorization }: IncomingHttpHeaders): Refusal | null {
    // Web pages reach the loopback, too; no runtime sends where it comes from.
    if (origin !== undefined || !this.#authorized(authorization)) return refusal(401, 'the secret is missing or another one')
    if (this.#options.replicator() === null) throw new LogError('unavailable', 'the replicator is starting')
    return null
  }

  async #answerOperator(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    if (request.method !== 'GET') return false
    const { unready, metrics } = this.#options
    if (path === '/livez') answerJson(response, { message: 'alive' })
    else if (path === '/readyz') {
      const reason = unready()
      if (reason === null) answerJson(response, { message: 'ready' })
      else answerText(response, 503, JSON.stringify({ message: reason }), { 'content-type': 'application/json', 'retry-after': '1' })
    } else if (path === '/metrics') {
      const { text, contentType } = await metrics.export()
      answerText(response, 200, text, { 'content-type': contentType })
    } else return false
    return true
  }
}

const NOT_FOUND = refusal(404, 'no such endpoint')

/** Decoded; a part that cannot be decoded names nothing. */
const segmentsOf = (pathname: string): readonly string[] => {
  try {
    return pathname.slice(1).split('/').map(decodeURIComponent)
  } catch {
    return []
  }
}

/** One request from its first header to its answer: key, limits, body, consistency token, the route itself, and the headers that every answer carries. */
import { Bug } from '../src/base/assert.ts'
import { QueryError } from '../src/engine/engine.ts'
import { ApiError } from '../src/wire/api-error.ts'
import type { Endpoint } from '../src/wire/endpoints.ts'
import { type Position, parsePosition } from '../src/wire/position.ts'
import { bodyOf, readText } from './body.ts'
import type { Origin } from './edge-origin.ts'
import { Elsewhere } from './elsewhere.ts'
import { failureFields } from './failure-fields.ts'
import type { Principal } from './keys.ts'
import type { Platform } from './platform.ts'
import { type Reply, refusal } from './reply.ts'
import type { Environment, Service } from './service.ts'

/** What a route of an environment gets. */
export interface Call {
  readonly request: Request
  readonly body: string
  readonly environment: Environment
  readonly principal: Principal
  /** The `X-Request-ID` that the client sent, or null. */
  readonly sentRequestId: string | null
}

export interface Route {
  readonly endpoint: Endpoint
  readonly errors?: 'save-policy'
  /** True for what works, and mends, an environment whose policy this version cannot compile. */
  readonly withoutPolicy?: true
  /** True for what needs a good key and nothing else: no policy, no position, no place within the limits, no body. */
  readonly keyOnly?: true
  handle(call: Call, service: Service): Reply | Promise<Reply>
}

/** A route that needs no key and reads no body. */
export interface OpenRoute<Needed = Service> {
  readonly endpoint: Endpoint
  handle(request: Request, needed: Needed): Reply | Promise<Reply>
}

/** The state of one exchange: what the answer's headers and the metrics need. */
export interface Exchange {
  readonly startedMs: number
  /** The client's id when it sent a good one, otherwise a fresh one. */
  readonly requestId: string
  readonly sentRequestId: string | null
  environment: Environment | null
  /** Releases what admission took. */
  release: (() => void) | null
}

export type Finish = (exchange: Exchange, reply: Reply) => Response

/** Visible ASCII up to 128 characters is echoed; everything else is replaced by a fresh id. */
const REQUEST_ID = /^[!-~]{1,128}$/

export const beginExchange = (request: Request, platform: Platform): Exchange => {
  const sent = request.headers.get('x-request-id')
  const sentRequestId = sent !== null && REQUEST_ID.test(sent) ? sent : null
  return {
    startedMs: platform.monotonicMs(),
    sentRequestId,
    requestId: sentRequestId ?? platform.newId(),
    environment: null,
    release: null,
  }
}

/** Answers a request to a route of an environment. Never throws and never rejects. */
export const answer = (route: Route, request: Request, service: Service, finish: Finish): Response | Promise<Response> => {
  const exchange = beginExchange(request, service.platform)
  const refuse = (error: unknown): Response =>
    finish(exchange, refusalOf(unlessDeleted(error, exchange, service), route, exchange, service.platform))
  try {
    if (service.origin !== null && route.endpoint.access === 'write') {
      return forwardWrite(request, service.origin, service, exchange).then((reply) => finish(exchange, reply), refuse)
    }
    const principal = service.keys.identify(request.headers.get('authorization'))
    const proceed = (environment: Environment): Response | Promise<Response> => {
      try {
        return answerIn({ route, request, service, exchange, principal, environment }, finish, refuse)
      } catch (error) {
        return refuse(error)
      }
    }
    const environment = service.environments.find(principal.environment)
    if (environment !== undefined) return proceed(environment)
    const loading = service.environments.load?.(principal.environment)
    if (loading === undefined) throw new ApiError('not-ready', 'the environment of this key is not loaded')
    return loading.then(proceed, (error: unknown) => {
      if (service.keys.wasDeleted(principal.environment)) return refuse(deletedMeanwhile())
      return elsewhere(error, { request, service, exchange, finish, refuse })
    })
  } catch (error) {
    return refuse(error)
  }
}

interface Asked {
  readonly route: Route
  readonly request: Request
  readonly service: Service
  readonly exchange: Exchange
  readonly principal: Principal
  readonly environment: Environment
}

const answerIn = (asked: Asked, finish: Finish, refuse: (error: unknown) => Response): Response | Promise<Response> => {
  const { route, request, service, environment } = asked
  admit(asked)
  const proceed = (body: string): Response | Promise<Response> => {
    const orElsewhere = (error: unknown) => elsewhere(overMemory(error, asked), { ...asked, finish, refuse }, body)
    const answerReached = (position: Position | null): Response | Promise<Response> => {
      // A state that was put back while it was waited for may have lost the position again.
      if (position !== null && environment.reach(position, 0) !== true) throw tooOld(asked)
      return answerNow(asked, body, finish, orElsewhere)
    }
    try {
      const isRead = route.endpoint.access !== 'write' && !route.keyOnly
      const position = isRead ? askedPosition(request) : null
      const ready = isRead ? becomeReady(asked, position) : true
      return ready === true ? answerReached(position) : ready.then(() => answerReached(position)).catch(orElsewhere)
    } catch (error) {
      return orElsewhere(error)
    }
  }
  if (request.method === 'GET' || request.method === 'HEAD' || route.keyOnly) return proceed('')
  const maximum = route.endpoint.access === 'write' ? service.limits.writeBytes : service.limits.readBytes
  return readText(request, maximum).then(proceed, refuse)
}

const admit = ({ route, service, exchange, principal, environment }: Asked): void => {
  const { endpoint, withoutPolicy, keyOnly } = route
  exchange.environment = environment
  if (keyOnly) return
  if (endpoint.access === 'write') {
    if (service.kind === 'fallback') throw new ApiError('read-only', 'this is a fallback node, it cannot change the policy or facts')
    if (service.kind === 'edge') throw new ApiError('read-only', 'this edge has no origin, it cannot change the policy or facts')
    if (principal.access === 'read-only') {
      throw new ApiError('read-only', 'this API key is read-only, it cannot change the policy or facts')
    }
  }
  if (environment.problem !== null && withoutPolicy === undefined) throw new ApiError('not-ready', environment.problem)
  const release = service.rates.admit(environment, endpoint.access)
  const letGo = environment.hold?.()
  exchange.release =
    letGo === undefined
      ? release
      : () => {
          release?.()
          letGo()
        }
}

/** What a read waits for: a state that is young enough, and that has reached its position. */
const becomeReady = ({ service, environment }: Asked, position: Position | null): true | Promise<unknown> => {
  const { tokenWaitMs, maxStalenessMs } = service.limits
  const young = environment.freshen?.(maxStalenessMs, tokenWaitMs) ?? true
  const reached = position === null ? true : environment.reach(position, tokenWaitMs)
  return young === true && reached === true ? true : Promise.all([young, reached])
}

interface Forwarding extends Pick<Asked, 'request' | 'service' | 'exchange'> {
  readonly finish: Finish
  readonly refuse: (error: unknown) => Response
}

/** Asks the origin for what fails here and may be answered there; everything else is refused. `body`: as far as it is read. */
const elsewhere = (
  error: unknown,
  { request, service, exchange, finish, refuse }: Forwarding,
  body?: string,
): Response | Promise<Response> => {
  const { origin } = service
  if (!(error instanceof Elsewhere) || origin === null) return refuse(error)
  const forward = async (): Promise<Response> => {
    const sent = body ?? (await bodyOf(request, service.limits.readBytes))
    return finish(exchange, await origin.forward(request, sent, { requestId: exchange.requestId, because: error.because }))
  }
  return forward().catch(refuse)
}

/** The origin decides on the key, too: one that was made a moment ago has not arrived here. */
const forwardWrite = async (request: Request, origin: Origin, service: Service, exchange: Exchange): Promise<Reply> => {
  exchange.environment = knownEnvironment(request, service)
  const body = await readText(request, service.limits.writeBytes)
  return origin.forward(request, body, { requestId: exchange.requestId, because: 'write' })
}

const knownEnvironment = (request: Request, service: Service): Environment | null => {
  try {
    return service.environments.find(service.keys.identify(request.headers.get('authorization')).environment) ?? null
  } catch (error) {
    if (error instanceof ApiError) return null
    throw error
  }
}

/** Where memory is small, a question that is too large for it is not too large for every server. */
const overMemory = (error: unknown, { service, environment }: Asked): unknown =>
  error instanceof QueryError && error.code === 'query-too-large' && environment.hasLittleMemory && service.origin !== null
    ? new Elsewhere('memory', 'query-refused', error.message)
    : error

const tooOld = ({ request, environment }: Asked): Elsewhere => {
  const token = request.headers.get('osooffset') ?? ''
  return new Elsewhere('token', 'not-fresh', `this node has not reached \`${token}\` yet, it is at \`${environment.position}\``)
}

/** What a read must not be older than; null when it may be. */
const askedPosition = (request: Request): Position | null => {
  const token = request.headers.get('osooffset')
  return token === null || token === '' ? null : parsePosition(token)
}

/** In one turn: nothing is applied and nothing is replaced between the answer and the position that it is sent with. */
const answerNow = (
  asked: Asked,
  body: string,
  finish: Finish,
  refuse: (error: unknown) => Response | Promise<Response>,
): Response | Promise<Response> => {
  const { route, request, service, exchange, principal, environment } = asked
  refuseUnfit(asked)
  const reply = route.handle({ request, body, environment, principal, sentRequestId: exchange.sentRequestId }, service)
  if (!(reply instanceof Promise)) return finish(exchange, reply)
  const leave = environment.enter?.()
  return reply.then((done) => finish(exchange, done), refuse).finally(leave)
}

/** While a body was read or a position waited for, the state may have become one that must not answer. */
const refuseUnfit = ({ route, service, environment }: Asked): void => {
  if (route.keyOnly) return
  if (environment.problem !== null && route.withoutPolicy === undefined) throw new ApiError('not-ready', environment.problem)
  if (route.endpoint.access === 'write') return
  if (environment.isCramped && service.origin !== null) throw new Elsewhere('memory', 'not-fresh', 'there is no room for the newest state')
  const { maxStalenessMs } = service.limits
  if (maxStalenessMs === null) return
  const stalenessMs = environment.stalenessMs()
  if (stalenessMs !== null && stalenessMs <= maxStalenessMs) return
  const found = stalenessMs === null ? 'of unknown age' : `${stalenessMs} ms old`
  throw new Elsewhere('staleness', 'not-fresh', `the state of this node is ${found}, at most ${maxStalenessMs} ms are allowed`)
}

/** What fails in an environment that went meanwhile fails for that reason. Of a deleted one nobody is told to try again. */
const unlessDeleted = (error: unknown, { environment }: Exchange, { environments, keys }: Service): unknown => {
  if (environment === null || (error instanceof ApiError && error.status !== 503)) return error
  if (keys.wasDeleted(environment.id)) return deletedMeanwhile()
  const isServed = error instanceof ApiError || environments.find(environment.id) !== undefined
  return isServed ? error : new ApiError('not-ready', 'the environment of this key is not loaded any more')
}

const deletedMeanwhile = (): ApiError => new ApiError('unauthorized', 'the environment of this key was deleted')

/** The refusal for whatever was thrown. Bugs are logged, never shown. */
export const refusalOf = (error: unknown, route: { readonly errors?: 'save-policy' }, exchange: Exchange, platform: Platform): Reply =>
  refusal(publicError(error, exchange, platform), route.errors ?? 'api')

const publicError = (error: unknown, exchange: Exchange, platform: Platform): ApiError => {
  if (error instanceof ApiError) return error
  if (error instanceof QueryError) return new ApiError('query-refused', error.message)
  platform.log('error', error instanceof Bug ? 'bug' : 'failed', { requestId: exchange.requestId, ...failureFields(error) })
  return new ApiError('internal', `an internal error happened, the server's log has it under request id \`${exchange.requestId}\``)
}

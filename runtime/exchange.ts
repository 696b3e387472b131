/** One request from its first header to its answer: key, limits, body, consistency token, the route itself, and the headers that every answer carries. */
import { Bug } from '../src/base/assert.ts'
import { QueryError } from '../src/engine/engine.ts'
import { ApiError } from '../src/wire/api-error.ts'
import type { Endpoint } from '../src/wire/endpoints.ts'
import { parsePosition } from '../src/wire/position.ts'
import { readText } from './body.ts'
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
  const refuse = (error: unknown): Response => finish(exchange, refusalOf(error, route, exchange, service.platform))
  try {
    const { principal, environment } = authenticate(route, request, service, exchange)
    const proceed = (body: string): Response | Promise<Response> => {
      try {
        const call: Call = { request, body, environment, principal, sentRequestId: exchange.sentRequestId }
        const wait = route.endpoint.access === 'write' || route.keyOnly ? null : waitForToken(request, environment, service)
        const reply = wait === null ? route.handle(call, service) : wait.then(() => route.handle(call, service))
        return reply instanceof Promise ? reply.then((done) => finish(exchange, done), refuse) : finish(exchange, reply)
      } catch (error) {
        return refuse(error)
      }
    }
    if (request.method === 'GET' || request.method === 'HEAD' || route.keyOnly) return proceed('')
    const maximum = route.endpoint.access === 'write' ? service.limits.writeBytes : service.limits.readBytes
    return readText(request, maximum).then(proceed, refuse)
  } catch (error) {
    return refuse(error)
  }
}

const authenticate = (
  { endpoint, withoutPolicy, keyOnly }: Route,
  request: Request,
  service: Service,
  exchange: Exchange,
): { readonly principal: Principal; readonly environment: Environment } => {
  const principal = service.keys.identify(request.headers.get('authorization'))
  const environment = service.environments.find(principal.environment)
  if (environment === undefined) throw new ApiError('not-ready', 'the environment of this key is not loaded')
  exchange.environment = environment
  if (keyOnly) return { principal, environment }
  if (environment.problem !== null && withoutPolicy === undefined) throw new ApiError('not-ready', environment.problem)
  if (endpoint.access === 'write' && principal.access === 'read-only') {
    throw new ApiError('read-only', 'this API key is read-only, it cannot change the policy or facts')
  }
  exchange.release = service.rates.admit(environment, endpoint.access)
  return { principal, environment }
}

/** Null when the state is fresh enough, else a promise that rejects with 503 when it does not get there in time. */
const waitForToken = (request: Request, environment: Environment, service: Service): Promise<void> | null => {
  const token = request.headers.get('osooffset')
  const position = token === null || token === '' ? null : parsePosition(token)
  if (position === null) return null
  const reached = environment.reach(position, service.limits.tokenWaitMs)
  if (reached === true) return null
  return reached.then((inTime) => {
    if (!inTime) throw new ApiError('not-fresh', `this node has not reached \`${token ?? ''}\` yet, it is at \`${environment.position}\``)
  })
}

/** The refusal for whatever was thrown. Bugs are logged, never shown. */
export const refusalOf = (error: unknown, route: { readonly errors?: 'save-policy' }, exchange: Exchange, platform: Platform): Reply =>
  refusal(publicError(error, exchange, platform), route.errors ?? 'api')

const publicError = (error: unknown, exchange: Exchange, platform: Platform): ApiError => {
  if (error instanceof ApiError) return error
  if (error instanceof QueryError) return new ApiError('query-refused', error.message)
  platform.log('error', error instanceof Bug ? 'bug' : 'failed', { requestId: exchange.requestId, ...failureFields(error) })
  return new ApiError('internal', `an internal error happened, the server's log has it under request id \`${exchange.requestId}\``)
}

/** The HTTP app over the routes that it is given: web-standard, the same on every platform. */
import { HonoBase } from 'hono/hono-base'
import { RegExpRouter } from 'hono/router/reg-exp-router'
import { getPath } from 'hono/utils/url'
import { limits } from '../src/base/limits.ts'
import { ApiError } from '../src/wire/api-error.ts'
import { type Endpoint, endpoints } from '../src/wire/endpoints.ts'
import { bodyOf } from './body.ts'
import type { Origin } from './edge-origin.ts'
import { answer, beginExchange, type OpenRoute, type Route, refusalOf } from './exchange.ts'
import { finishFor } from './finish.ts'
import type { Platform } from './platform.ts'
import { refusal } from './reply.ts'
import { actions, authorize, authorizeResources, bulkActions } from './routes/checks.ts'
import { factRoutes } from './routes/facts.ts'
import { getFacts } from './routes/get-facts.ts'
import { inspectEnvironment, policyHistory } from './routes/inspect.ts'
import { list } from './routes/list.ts'
import { localRoutes } from './routes/local.ts'
import { clearData, expect, openRoutes, processRoutes, stats } from './routes/others.ts'
import { getPolicy, policyMetadata, savePolicy, testPolicy } from './routes/policy.ts'
import { evaluateQuery, query } from './routes/queries.ts'
import type { Service } from './service.ts'

/** What every process answers. */
export const coreRoutes: readonly Route[] = [
  authorize,
  list,
  actions,
  authorizeResources,
  bulkActions,
  evaluateQuery,
  query,
  getFacts,
  ...factRoutes,
  clearData,
  getPolicy,
  savePolicy,
  testPolicy,
  policyMetadata,
  stats,
  expect,
  policyHistory,
  inspectEnvironment,
  ...localRoutes,
]

export interface AppRoutes {
  readonly keyed: readonly Route[]
  readonly open: readonly OpenRoute[]
  /** Registers what has steps of its own. */
  readonly register?: (app: HonoBase) => void
}

export const assembleApp = (service: Service, routes: AppRoutes): HonoBase => {
  const app = emptyApp()
  for (const route of routes.keyed) {
    const finish = finishFor(service.platform, route.endpoint.path)
    register(app, route.endpoint, (request) => answer(route, request, service, finish))
  }
  routes.register?.(app)
  for (const route of [...openRoutes, ...routes.open, ...processRoutes]) {
    const finish = finishFor(service.platform, route.endpoint.path)
    register(app, route.endpoint, (request) => answerOpen(route, request, service, finish))
  }
  const finish = finishFor(service.platform, 'unknown')
  app.notFound((context) => answerUnknown(context.req.raw, service, finish))
  app.onError((error, context) => {
    const exchange = beginExchange(context.req.raw, service.platform)
    return finish(exchange, refusalOf(error, {}, exchange, service.platform))
  })
  return app
}

/** The app of a process that is not ready: it is alive and has metrics; whoever asks for more is told to try again, with whatever key, or gets the answer of the
 * origin where there is one. */
export const createStartingApp = (platform: Platform, origin: Origin | null = null): HonoBase => {
  const app = emptyApp()
  for (const route of processRoutes) {
    const finish = finishFor(platform, route.endpoint.path)
    register(app, route.endpoint, (request) => answerOpen(route, request, { platform }, finish))
  }
  const finish = finishFor(platform, 'starting')
  if (origin !== null) {
    // Explanations too, wherever their route is. The origin checks the keys.
    for (const { endpoint } of [...coreRoutes, { endpoint: endpoints.explain }])
      register(app, endpoint, (request) => answerAtOrigin(request, origin, platform, finish))
  }
  app.notFound((context) => {
    const exchange = beginExchange(context.req.raw, platform)
    // A 401 or a 404 would be final for clients.
    return finish(exchange, refusal(new ApiError('not-ready', 'the server is starting'), 'api'))
  })
  return app
}

/** Every path here is one that this router takes: the others, which `Hono` brings along, would never be asked. */
const emptyApp = (): HonoBase => new HonoBase({ getPath: collapsedPath, router: new RegExpRouter() })

/** A base URL that ends in `/` yields `//api/…`, and clients follow a redirect badly: so the path is mended here. */
export const collapsedPath = (request: Request): string => {
  const path = getPath(request)
  return path.includes('//') ? path.replace(/\/{2,}/g, '/') : path
}

export const register = (app: HonoBase, { method, path }: Endpoint, handle: (request: Request) => Response | Promise<Response>): void => {
  app.on(method, path, (context) => handle(context.req.raw))
}

type Finish = ReturnType<typeof finishFor>

const answerOpen = async <Needed extends Pick<Service, 'platform'>>(
  route: OpenRoute<Needed>,
  request: Request,
  service: Needed,
  finish: Finish,
): Promise<Response> => {
  const exchange = beginExchange(request, service.platform)
  try {
    return finish(exchange, await route.handle(request, service))
  } catch (error) {
    return finish(exchange, refusalOf(error, {}, exchange, service.platform))
  }
}

const answerAtOrigin = async (request: Request, origin: Origin, platform: Platform, finish: Finish): Promise<Response> => {
  const exchange = beginExchange(request, platform)
  try {
    const body = await bodyOf(request, limits.developmentWriteBytes)
    return finish(exchange, await origin.forward(request, body, { requestId: exchange.requestId, because: 'not-loaded' }))
  } catch (error) {
    return finish(exchange, refusalOf(error, {}, exchange, platform))
  }
}

const answerUnknown = (request: Request, service: Service, finish: Finish): Response => {
  const exchange = beginExchange(request, service.platform)
  try {
    // Published test harnesses ask for the bare base without a key and expect 401.
    if (/^\/api\/?$/.test(collapsedPath(request))) service.keys.identify(request.headers.get('authorization'))
    throw new ApiError('not-found', 'there is no such endpoint, or not with this method')
  } catch (error) {
    return finish(exchange, refusalOf(error, {}, exchange, service.platform))
  }
}

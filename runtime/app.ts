/** The whole HTTP app, as Node serves it. */
import type { HonoBase } from 'hono/hono-base'
import { assembleApp, coreRoutes, register } from './app-core.ts'
import { answerAdmin } from './control-exchange.ts'
import type { Route } from './exchange.ts'
import { finishFor } from './finish.ts'
import { adminRoutes } from './routes/admin.ts'
import { explainRoute } from './routes/explain.ts'
import { openApiRoute } from './routes/openapi.ts'
import type { Service } from './service.ts'

/** The app over a service; `more` routes go through the same steps as the others. */
export const createApp = (service: Service, more: readonly Route[] = []): HonoBase =>
  assembleApp(service, {
    keyed: [...coreRoutes, explainRoute, ...more],
    open: [openApiRoute],
    register(app) {
      for (const route of adminRoutes) {
        const finish = finishFor(service.platform, route.endpoint.path)
        register(app, route.endpoint, (request) => answerAdmin(route, request, service, finish))
      }
    },
  })

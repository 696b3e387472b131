/** One request to the admin API, from its key to its answer. */
import { controlEnvironment } from '../src/log/control.ts'
import { LogError, type LogErrorCode } from '../src/log/log.ts'
import { ApiError, type ApiErrorCode } from '../src/wire/api-error.ts'
import type { Endpoint } from '../src/wire/endpoints.ts'
import { parsePosition } from '../src/wire/position.ts'
import { readText } from './body.ts'
import type { Admin } from './control-admin.ts'
import { beginExchange, type Finish, refusalOf } from './exchange.ts'
import type { Repeatable } from './repetitions.ts'
import type { Reply } from './reply.ts'
import type { Service } from './service.ts'

export interface AdminCall extends Repeatable {
  readonly admin: Admin
}

export interface AdminRoute {
  readonly endpoint: Endpoint
  handle(call: AdminCall, service: Service): Reply | Promise<Reply>
}

/** Of a request: every one of them is small. */
const BODY_BYTES = 64 * 1024

/** Under which its writes are remembered. */
const asked = { environment: { id: controlEnvironment }, principal: { tokenId: 'admin' } } as const

/** Never rejects. */
export const answerAdmin = async (route: AdminRoute, request: Request, service: Service, finish: Finish): Promise<Response> => {
  const exchange = beginExchange(request, service.platform)
  try {
    const { admin } = service
    if (admin === null) throw new ApiError('not-found', 'this node has no admin API: ask a cell')
    admin.key.check(request.headers.get('authorization'))
    exchange.environment = admin.environment
    const body = request.method === 'GET' || request.method === 'HEAD' ? '' : await readText(request, BODY_BYTES)
    await waitForToken(request, admin, service)
    const call = { admin, request, body, sentRequestId: exchange.sentRequestId, ...asked }
    return finish(exchange, await route.handle(call, service))
  } catch (error) {
    return finish(exchange, refusalOf(adminFailure(error), {}, exchange, service.platform))
  }
}

/** What was changed at another cell a moment ago is known here when its position is reached. */
const waitForToken = async (request: Request, { environment }: Admin, { limits }: Service): Promise<void> => {
  const position = parsePosition(request.headers.get('osooffset') ?? '')
  if (position === null || (await environment.reach(position, limits.tokenWaitMs))) return
  throw new ApiError('not-fresh', `this node has not reached that position yet, it is at \`${environment.position}\``)
}

const codes: Readonly<Record<LogErrorCode, ApiErrorCode>> = {
  'too-large': 'too-large',
  'unknown-outcome': 'unknown-outcome',
  overloaded: 'unavailable',
  unavailable: 'unavailable',
  'out-of-range': 'bad-value',
  corrupted: 'unavailable',
  diverged: 'unavailable',
  unreadable: 'unavailable',
  'unknown-environment': 'conflict',
}

/** Who holds the admin key may know the reason. */
const adminFailure = (error: unknown): unknown => (error instanceof LogError ? new ApiError(codes[error.code], error.message) : error)

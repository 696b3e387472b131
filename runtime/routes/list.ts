/** POST /list: the whole answer, or page by page through an opaque cursor. */
import { limits as bounds } from '../../src/base/limits.ts'
import type { Value } from '../../src/base/value.ts'
import type { Request as Question } from '../../src/engine/engine.ts'
import { ApiError } from '../../src/wire/api-error.ts'
import { decode, parseJson } from '../../src/wire/decode.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { parsePosition } from '../../src/wire/position.ts'
import { type ListRequest, listRequest } from '../../src/wire/requests.ts'
import type { ListBody } from '../../src/wire/responses.ts'
import { questionValue } from '../../src/wire/values.ts'
import type { Call, Route } from '../exchange.ts'
import { formatPageToken, type PageScope, parsePageToken } from '../page-token.ts'
import { json, type Reply } from '../reply.ts'
import type { Environment, Service } from '../service.ts'
import { questionOf } from './question.ts'

export const list: Route = {
  endpoint: endpoints.list,
  handle(call, service) {
    const asked = decode(listRequest, parseJson(call.body))
    const actor = questionValue(asked.actor_type, asked.actor_id, 'actor')
    const question = questionOf(asked.context_facts, call.environment, service)
    const { page_size: size = null, page_token: token = null } = asked
    if (size === null && token === null) {
      const results = call.environment.engine.list(actor, asked.action, asked.resource_type, question)
      return json({ results } satisfies ListBody)
    }
    const paging = { call, service, asked, actor, question, scope: scopeOf(asked, question, call.environment, service) }
    if (token !== null) return nextPage(paging, token)
    return page(paging, { after: null, pageSize: checkSize(size), revision: revisionOf(call.environment) })
  },
}

interface Paging {
  readonly call: Call
  readonly service: Service
  readonly asked: ListRequest
  readonly actor: Value
  readonly question: Question
  readonly scope: PageScope
}

const nextPage = (paging: Paging, token: string): Reply | Promise<Reply> => {
  const cursor = parsePageToken(token, paging.scope)
  const { call, service } = paging
  const { logId } = positionOf(call.environment)
  const first = { logId, revision: cursor.revision }
  const reached = call.environment.reach(first, service.limits.tokenWaitMs)
  if (reached === true) return page(paging, cursor)
  return reached.then((inTime) => {
    if (!inTime || call.environment.reach(first, 0) !== true)
      throw new ApiError('page-not-ready', 'this node has not reached the state of the first page yet')
    return page(paging, cursor)
  })
}

const page = (
  { call, asked, actor, question, scope }: Paging,
  { after, pageSize, revision }: { readonly after: string | null; readonly pageSize: number; readonly revision: number },
): Reply => {
  const { ids, more } = call.environment.engine.listPage(
    actor,
    asked.action,
    { resourceType: asked.resource_type, size: pageSize, after },
    question,
  )
  const last = ids.at(-1)
  const next = more && last !== undefined ? formatPageToken({ after: last, pageSize, revision }, scope) : null
  return { ...json({ results: ids, next_page_token: next } satisfies ListBody), position: call.environment.position }
}

const checkSize = (size: unknown): number => {
  if (!Number.isSafeInteger(size) || typeof size !== 'number' || size < 1) {
    throw new ApiError('malformed-request', '`page_size` must be an integer of at least 1')
  }
  return Math.min(size, bounds.pageIds)
}

/** A token is good for the same query in the same order of the same environment. */
const scopeOf = (asked: ListRequest, { contextFacts }: Question, environment: Environment, { secret }: Service): PageScope => {
  const { logId } = positionOf(environment)
  const { actor_type: actorType, actor_id: actorId, action, resource_type: resourceType } = asked
  return { secret: secret ?? logId, query: JSON.stringify([logId, actorType, actorId, action, resourceType, contextFacts]) }
}

const positionOf = (environment: Environment): { readonly logId: string; readonly revision: number } =>
  parsePosition(environment.position) ?? { logId: '', revision: 0 }

const revisionOf = (environment: Environment): number => positionOf(environment).revision

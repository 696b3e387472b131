/** A good request for every endpoint that needs a key, of an environment in `mainState`. */
import { assert } from '../../../src/base/assert.ts'
import { endpoints } from '../../../src/wire/endpoints.ts'
import { asked, fact } from './harness.ts'
import { basic } from './policies.ts'

const question = asked('User:ana read Repo:r1')
const reader = fact('has_role(User:ana, String:reader, Repo:r1)')
const local = { query: question, data_bindings: '' }

const bodies: Readonly<Record<string, unknown>> = {
  'GET /api/policy': undefined,
  'POST /api/policy': { src: basic },
  'POST /api/policy/test': { src: basic },
  'GET /api/policy_metadata': undefined,
  'GET /api/facts': undefined,
  'POST /api/facts': reader,
  'DELETE /api/facts': reader,
  'POST /api/bulk_load': [reader],
  'POST /api/bulk_delete': [reader],
  'POST /api/bulk': { delete: [], tell: [reader] },
  'POST /api/batch': [{ inserts: [reader] }],
  'POST /api/clear_data': undefined,
  'POST /api/authorize': question,
  'POST /api/authorize_resources': { ...question, resources: [{ type: 'Repo', id: 'r1' }] },
  'POST /api/list': question,
  'POST /api/actions': question,
  'POST /api/bulk_actions': [question],
  'POST /api/query': { fact: fact('has_role(User:ana, _, _)') },
  'POST /api/evaluate_query': {
    predicate: ['has_role', ['u', 'n', 'r']],
    constraints: { u: { type: 'User' }, n: { type: 'String' }, r: { type: 'Repo' } },
  },
  'POST /api/authorize_query': local,
  'POST /api/list_query': local,
  'POST /api/actions_query': local,
  'POST /api/evaluate_query_local': local,
  'POST /api/expect': { request_id: 'x', expected: true },
  'POST /v1/explain': question,
  'GET /api/stats': undefined,
  'GET /v1/policy/history': undefined,
  'GET /v1/environment': undefined,
}

export interface GoodRequest {
  readonly method: string
  readonly path: string
  readonly body: unknown
}

const requestsOf = (access: 'read' | 'write'): readonly GoodRequest[] =>
  Object.values(endpoints)
    .filter((endpoint) => endpoint.access === access)
    .map(({ method, path }) => {
      const key = `${method} ${path}`
      assert(Object.hasOwn(bodies, key), 'a body for every endpoint that needs a key')
      // A fallback asks for a predicate.
      return { method, path: path === endpoints.getFacts.path && method === 'GET' ? `${path}?predicate=_` : path, body: bodies[key] }
    })

export const goodReads = requestsOf('read')
export const goodWrites = requestsOf('write')

export const postOf = (path: string): unknown => bodies[`POST ${path}`]

/** Local authorization, which is not offered yet. */
export const isLocal = (path: string): boolean => /_query$|_local$/.test(path) && path !== endpoints.evaluateQuery.path

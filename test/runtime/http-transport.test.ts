/** The HTTP checklist: transport, keys, headers. */
import { beforeAll, describe, expect, test } from 'vitest'
import { createStartingApp } from '../../runtime/app-core.ts'
import type { Route } from '../../runtime/exchange.ts'
import { webPlatform } from '../../runtime/platform.ts'
import { assert, unreachable } from '../../src/base/assert.ts'
import { noMetrics } from '../../src/ops/metrics.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { type FactBody, factsIn } from './support/bodies.ts'
import { asked, createHarness, fact, type Harness, readOnlyKey, secondKey } from './support/harness.ts'
import { basic } from './support/policies.ts'

const keyed = Object.values(endpoints).filter(({ access }) => access === 'read' || access === 'write')
const reader = 'has_role(User:ana, String:reader, Repo:r1)'
const question = asked('User:ana read Repo:r1')

/** A good body per path, so that every keyed endpoint answers 2xx. */
const bodies: Readonly<Record<string, unknown>> = {
  'POST /api/policy': { src: basic },
  'POST /api/policy/test': { src: basic },
  'POST /api/facts': fact(reader),
  'DELETE /api/facts': fact(reader),
  'POST /api/bulk_load': [fact(reader)],
  'POST /api/bulk_delete': [fact(reader)],
  'POST /api/bulk': { delete: [], tell: [fact(reader)] },
  'POST /api/batch': [{ inserts: [fact(reader)] }],
  'POST /api/authorize': question,
  'POST /v1/explain': question,
  'POST /api/authorize_resources': { ...question, resources: [{ type: 'Repo', id: 'r1' }] },
  'POST /api/list': question,
  'POST /api/actions': question,
  'POST /api/bulk_actions': [question],
  'POST /api/query': { fact: fact('has_role(User:ana, _, _)') },
  'POST /api/evaluate_query': {
    predicate: ['has_role', ['u', 'n', 'r']],
    constraints: { u: { type: 'User' }, n: { type: 'String' }, r: { type: 'Repo' } },
  },
  'POST /api/expect': { request_id: 'x', expected: true },
}
/** What never looks at a body. */
const bodiless: ReadonlySet<string> = new Set(['/api/clear_data', '/api/expect'])
const local = /_query$|_local$/
const isLocal = (path: string) => local.test(path) && path !== '/api/evaluate_query'

/** What a process answers before it is ready. */
const alive: ReadonlySet<string> = new Set(['/livez', '/metrics'])

let http: Harness
beforeAll(async () => {
  http = await createHarness()
  await http.policy(basic)
  await http.facts(reader)
})

test('http 1: a bare `?` is routed', async () => {
  expect((await http.post('/api/authorize?', question)).body).toEqual({ allowed: true })
})

test('http 2: duplicate slashes are routed without a redirect', async () => {
  for (const path of ['//api/authorize', '/api//authorize', '///api///authorize']) {
    const { status, body } = await http.post(`http://localhost${path}`, question)
    expect({ path, status, body }).toEqual({ path, status: 200, body: { allowed: true } })
  }
})

test('http 3, 5: never a 3xx; every 2xx is JSON; every error has a message', async () => {
  const alone = await createHarness()
  const paths = [
    ...keyed.map(({ path }) => path),
    '/',
    '/api',
    '/api/',
    '/nothing',
    '/healthcheck',
    '/api/autocomplete_info',
    '/livez',
    '/readyz',
  ]
  for (const path of paths) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      for (const key of [undefined, null]) {
        const { status, body, headers } = await alone.ask(method, path, method === 'GET' ? undefined : {}, key === null ? { key } : {})
        expect(status < 300 || status >= 400, `${method} ${path} ${status}`).toBe(true)
        expect(headers.get('content-type'), `${method} ${path}`).toBe('application/json')
        expect(body, `${method} ${path}`).not.toBeUndefined()
        if (status >= 400) expect(typeof body.message, `${method} ${path}`).toBe('string')
      }
    }
  }
})

test('http 4: only `Authorization` is needed', async () => {
  const bytes = new TextEncoder().encode(JSON.stringify(question))
  const { status, body } = await http.post('/api/authorize', undefined, { raw: bytes })
  expect({ status, body }).toEqual({ status: 200, body: { allowed: true } })
})

test('http 6: exactly the keys of the specification', async () => {
  const keysOf = (body: unknown) => Object.keys(body as object).sort()
  const post = async (path: string) => (await http.post(path, bodies[`POST ${path}`])).body
  expect(keysOf(await post('/api/batch'))).toEqual(['message'])
  expect(keysOf(await post('/api/policy'))).toEqual(['message'])
  expect(keysOf(await post('/api/authorize'))).toEqual(['allowed'])
  expect(keysOf(await post('/api/list'))).toEqual(['results'])
  expect(keysOf(await post('/api/actions'))).toEqual(['results'])
  expect(keysOf(await post('/api/authorize_resources'))).toEqual(['results'])
  expect(keysOf(await post('/api/evaluate_query'))).toEqual(['results'])
  const query = await post('/api/query')
  expect(keysOf(query)).toEqual(['results'])
  expect(keysOf(query.results[0])).toEqual(['args', 'predicate'])
  expect(keysOf((query.results[0] as FactBody).args[0])).toEqual(['id', 'type'])
  expect(keysOf((await http.post('/api/list', { ...question, page_size: 5 })).body)).toEqual(['next_page_token', 'results'])
  const facts = factsIn((await http.get('/api/facts')).body)
  expect(keysOf(facts[0])).toEqual(['args', 'predicate'])
  expect(keysOf(facts[0]?.args[0])).toEqual(['id', 'type'])
  const policy = (await http.get('/api/policy')).body
  expect(keysOf(policy)).toEqual(['policy'])
  expect(keysOf(policy.policy)).toEqual(['filename', 'src'])
  const metadata = (await http.get('/api/policy_metadata')).body
  for (const entry of Object.values(metadata.metadata.resources)) expect(keysOf(entry)).toEqual(['permissions', 'relations', 'roles'])
  expect(keysOf((await http.post('/api/authorize', {})).body)).toEqual(['message'])
})

describe('http 7: unknown keys are ignored, malformed JSON is 400', () => {
  test('unknown keys', async () => {
    expect((await http.post('/api/authorize', { ...question, more: { deep: [1] } })).body).toEqual({ allowed: true })
    expect((await http.post('/api/batch', [{ inserts: [{ ...fact(reader), note: 1 }], why: 2 }])).status).toBe(200)
  })

  test.each(['', '{', 'nonsense', '[1,', '{"a":1}}', '"\\ud800"', '{"actor_type":"\\q"}'])('%j', async (raw) => {
    for (const { method, path } of keyed.filter(({ method: verb, path: target }) => verb !== 'GET' && !bodiless.has(target))) {
      const { status, body } = await http.ask(method, path, undefined, { raw })
      expect({ path, status }).toEqual({ path, status: 400 })
      expect(typeof body.message).toBe('string')
    }
  })

  test('a wrong shape names the field', async () => {
    const cases: [string, unknown, string][] = [
      ['/api/authorize', [], 'the body must be an object, found an array'],
      ['/api/authorize', { ...question, actor_type: 1 }, '`actor_type` must be a string, found a number'],
      ['/api/authorize', { actor_type: 'User' }, '`actor_id` is missing, expected a string'],
      ['/api/authorize', { ...question, actor_id: '' }, '`actor_id` must be a string that is not empty, found an empty string'],
      ['/api/authorize', { ...question, context_facts: {} }, '`context_facts` must be an array, found an object'],
      [
        '/api/authorize',
        { ...question, context_facts: [{ predicate: 'p', args: [{ type: 5 }] }] },
        '`context_facts[0].args[0].type` must be a string, found a number',
      ],
      ['/api/batch', {}, 'the body must be an array, found an object'],
      ['/api/bulk', { delete: [] }, '`tell` is missing, expected an array'],
      ['/api/policy', { src: 5 }, '`src` must be a string, found a number'],
      ['/api/evaluate_query', { constraints: {} }, '`predicate` is missing, expected a pair of a predicate and its variables'],
      ['/api/evaluate_query', { predicate: ['allow', ['a']] }, '`constraints` is missing, expected an object'],
    ]
    for (const [path, body, message] of cases) {
      const answer = await http.post(path, body)
      expect({ status: answer.status, message: answer.body.message }).toEqual({ status: 400, message })
    }
  })

  test('null means absent', async () => {
    expect((await http.post('/api/authorize', { ...question, context_facts: null })).status).toBe(200)
    expect((await http.post('/api/list', { ...question, page_size: null, page_token: null, context_facts: null })).body).toEqual({
      results: ['r1'],
    })
    expect((await http.post('/api/policy', { src: basic, filename: null })).status).toBe(202)
  })
})

test('http 8: numeric and boolean ids become text, others are 400', async () => {
  await http.facts('has_role(User:7, String:reader, Repo:true)')
  expect((await http.post('/api/authorize', { ...question, actor_id: 7, resource_id: true })).body).toEqual({ allowed: true })
  const inserted = {
    predicate: 'has_role',
    args: [
      { type: 'User', id: 8 },
      { type: 'String', id: 'reader' },
      { type: 'Repo', id: false },
    ],
  }
  expect((await http.post('/api/batch', [{ inserts: [inserted] }])).status).toBe(200)
  expect(await http.allowed('User:8 read Repo:false')).toBe(true)
  for (const id of [{}, [], [1], 1.5, 1e300, { toString: 1 }]) {
    const { status, body } = await http.post('/api/authorize', { ...question, actor_id: id })
    expect({ id, status }).toEqual({ id, status: 400 })
    expect(body.message).toContain('`actor_id`')
  }
})

test('http 9: an unknown route and a wrong method are 404', async () => {
  for (const [method, path] of [
    ['GET', '/api/nothing'],
    ['GET', '/api/authorize'],
    ['POST', '/api/policy_metadata'],
    ['PUT', '/api/policy'],
    ['GET', '/api/autocomplete_info'],
    ['GET', '/healthcheck'],
    ['GET', '/'],
    ['POST', '/api/authorize/'],
  ] as const) {
    const { status, body } = await http.ask(method, path)
    expect({ path, status, message: typeof body.message }).toEqual({ path, status: 404, message: 'string' })
  }
})

test('http 10: GET /api without key is 401, with key 404', async () => {
  expect((await http.get('/api', { key: null })).status).toBe(401)
  expect((await http.get('/api/', { key: null })).status).toBe(401)
  expect((await http.get('/api')).status).toBe(404)
})

test('http 11: missing, malformed and unknown keys are 401 on every keyed endpoint', async () => {
  const headers = [
    {},
    { Authorization: '' },
    { Authorization: 'Bearer' },
    { Authorization: 'Bearer nonsense' },
    { Authorization: 'Basic e_0123456789_12345_osotesttoken01xiIn' },
    { Authorization: 'Bearer e_0123456789_12345_osotesttoken01xiIx' },
    { Authorization: 'Bearer e_0123456789_99999_osotesttoken01xiIn' },
    { Authorization: 'Bearer e_other_12345_osotesttoken01xiIn' },
  ]
  for (const { method, path } of keyed) {
    for (const header of headers) {
      const { status, body } = await http.ask(method, path, bodies[`${method} ${path}`], { key: null, headers: header })
      expect({ path, header, status }).toEqual({ path, header, status: 401 })
      expect(typeof body.message).toBe('string')
    }
  }
  const blanks = { Authorization: '  Bearer   e_0123456789_12345_osotesttoken01xiIn  ' }
  expect((await http.post('/api/authorize', question, { key: null, headers: blanks })).status).toBe(200)
})

test('http 12: a read-only key cannot change anything and can do everything else', async () => {
  for (const { method, path, access } of keyed) {
    const before = await http.stored()
    const { status } = await http.ask(method, path, bodies[`${method} ${path}`], { key: readOnlyKey })
    const expected = access === 'write' ? 403 : isLocal(path) ? 400 : 200
    expect({ method, path, status }).toEqual({ method, path, status: expected })
    expect(await http.stored()).toEqual(before)
  }
})

test('http 13: environments are isolated', async () => {
  const other = await createHarness()
  await other.policy(basic)
  await other.facts(reader)
  expect((await other.get('/api/policy', { key: secondKey })).body).toEqual({ policy: null })
  expect((await other.get('/api/facts', { key: secondKey })).body).toEqual([])
  expect((await other.post('/api/authorize', question, { key: secondKey })).body).toEqual({ allowed: false })
  expect((await other.post('/api/clear_data', undefined, { key: secondKey })).status).toBe(200)
  expect(await other.allowed('User:ana read Repo:r1')).toBe(true)
})

describe('http 14: X-Request-ID', () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  test('echoed on success and error', async () => {
    for (const path of ['/api/policy', '/api/nothing', '/livez', '/api/policy?id=x', '/test_environment']) {
      expect((await http.get(path, { headers: { 'X-Request-ID': 'a-1!~' } })).headers.get('x-request-id')).toBe('a-1!~')
    }
    expect((await http.get('/api/policy', { key: null, headers: { 'X-Request-ID': 'b' } })).headers.get('x-request-id')).toBe('b')
  })

  test.each([undefined, '', 'with blank', 'x'.repeat(129), 'ü'])('%j is replaced', async (id) => {
    const { headers } = await http.get('/api/policy', { headers: id === undefined ? {} : { 'X-Request-ID': id } })
    expect(headers.get('x-request-id')).toMatch(uuid)
  })

  test('128 characters are kept', async () => {
    expect((await http.get('/api/policy', { headers: { 'X-Request-ID': 'x'.repeat(128) } })).headers.get('x-request-id')).toHaveLength(128)
  })
})

test('http 15: Server-Timing starts with `oso;dur=`', async () => {
  for (const path of ['/api/policy', '/api/nothing', '/livez']) {
    expect((await http.get(path)).headers.get('server-timing')).toMatch(/^oso;dur=[0-9]+(\.[0-9]+)?$/)
  }
})

test('every answer to a key carries revision and staleness', async () => {
  for (const [method, path] of [
    ['POST', '/api/authorize'],
    ['POST', '/api/batch'],
    ['GET', '/api/policy?id=999'],
  ] as const) {
    const { headers } = await http.ask(method, path, method === 'GET' ? undefined : (bodies[`${method} ${path}`] ?? {}))
    expect(headers.get('arctos-revision')).toMatch(/^[^:\s]+:[0-9]+$/)
    expect(headers.get('arctos-staleness-ms')).toMatch(/^[0-9]+$/)
  }
})

test('an answer without an environment carries neither', async () => {
  for (const [path, options, status] of [
    ['/api/policy', { key: null }, 401],
    ['/api/policy', { key: `${secondKey}x` }, 401],
    ['/api/nothing', {}, 404],
    ['/api', {}, 404],
    ['/api/healthcheck', {}, 200],
    ['/livez', {}, 200],
    ['/metrics', {}, 200],
  ] as const) {
    const { status: found, headers } = await http.get(path, options)
    expect({ path, found }).toEqual({ path, found: status })
    expect([...headers.keys()].filter((name) => name.startsWith('arctos-') || name === 'osooffset')).toEqual([])
    expect(headers.get('x-request-id')).not.toBeNull()
  }
})

describe('a process that starts', () => {
  const starting = createStartingApp(webPlatform(() => {}, noMetrics))
  const answered = async (method: string, path: string, key?: string) =>
    starting.request(path, { method, headers: { 'X-Request-ID': 'me', ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }) } })

  test('is 503 with Retry-After for every key and path', async () => {
    const paths = [...Object.values(endpoints), { method: 'GET', path: '/api' }, { method: 'GET', path: '/nothing' }]
    for (const { method, path } of paths.filter((endpoint) => !alive.has(endpoint.path))) {
      for (const key of [developmentKey, readOnlyKey, 'nonsense', undefined]) {
        const response = await answered(method, path, key)
        expect({ path, status: response.status, retry: response.headers.get('retry-after') }).toEqual({ path, status: 503, retry: '1' })
        expect(response.headers.get('x-request-id')).toBe('me')
        expect(await response.json()).toEqual({ message: 'the server is starting' })
      }
    }
  })

  test('is alive and has metrics', async () => {
    for (const path of alive) expect({ path, status: (await answered('GET', path)).status }).toEqual({ path, status: 200 })
  })
})

test('a failure is logged by its class and place, without what was sent', async () => {
  const failures: readonly (() => never)[] = [
    () => unreachable({ id: 'hushed' } as never),
    () => assert(false, 'Boolean `hushed\n    at hushed (x:1:1)` is canonical') as never,
    () => {
      throw new TypeError('hushed is no function')
    },
    () => JSON.parse('hushed') as never,
    () => {
      // oxlint-disable-next-line typescript/only-throw-error
      throw 'hushed'
    },
  ]
  const failing = failures.map((handle, index): Route => ({ endpoint: { method: 'GET', path: `/fail${index}`, access: 'read' }, handle }))
  const failed = await createHarness({ routes: failing })
  for (const [index] of failures.entries()) expect((await failed.get(`/fail${index}`)).status).toBe(500)
  const lines = failed.logged.filter(({ level }) => level === 'error')
  expect(lines.map(({ event }) => event)).toEqual(['bug', 'bug', 'failed', 'failed', 'failed'])
  expect(JSON.stringify(lines)).not.toContain('hushed')
  expect(lines.map(({ fields }) => fields)).toMatchObject([
    { name: 'Bug', message: 'unreachable: …', stack: expect.stringContaining('at unreachable (') },
    { name: 'Bug', message: 'Boolean … is canonical', stack: expect.stringContaining('at assert (') },
    { name: 'TypeError', message: null, stack: expect.stringContaining('http-transport.test.ts') },
    { name: 'SyntaxError', message: null, stack: expect.stringContaining('at JSON.parse') },
    { name: 'string', message: null, stack: null },
  ])
})

test('the endpoints of local authorization are 400', async () => {
  for (const { method, path } of keyed.filter(({ path: target }) => isLocal(target))) {
    const { status, body } = await http.ask(method, path, { query: question, data_bindings: '' })
    expect({ status, message: body.message }).toEqual({ status: 400, message: 'local authorization is not available in this version' })
  }
})

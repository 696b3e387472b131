/** The HTTP checklist: transport, keys and headers of reads. */
import { expect } from 'vitest'
import { endpoints } from '../../../src/wire/endpoints.ts'
import { openApi } from '../../../src/wire/openapi.ts'
import { type FactBody, factsIn } from './bodies.ts'
import { asked } from './harness.ts'
import { basic } from './policies.ts'
import type { ReadLines } from './read-place.ts'
import { main, mainState } from './read-states.ts'
import { goodReads, goodWrites, isLocal, postOf } from './requests.ts'

const question = asked('User:ana read Repo:r1')
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const keyed = [...goodReads, ...goodWrites]

export const transportLines: ReadLines = {
  'http 1: a bare `?` is routed': async (place) => {
    const http = await main(place)
    expect((await http.post('/api/authorize?', question)).body).toEqual({ allowed: true })
  },

  'http 2: duplicate slashes are routed without a redirect': async (place) => {
    const http = await main(place)
    for (const path of ['//api/authorize', '/api//authorize', '///api///authorize']) {
      const { status, body } = await http.post(`${place.base}${path}`, question)
      expect({ path, status, body }).toEqual({ path, status: 200, body: { allowed: true } })
    }
  },

  'http 3, 5: never a 3xx; every 2xx is JSON; every error has a message': async (place) => {
    const others = ['/', '/api', '/api/', '/nothing', '/healthcheck', '/api/autocomplete_info', '/livez', '/readyz']
    const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']
    const paths = new Set([...keyed.map(({ path }) => path), ...others])
    const asks = [...paths].flatMap((path) => methods.map((method) => ({ method, path })))
    for (const state of [mainState, {}]) {
      const { ask: http } = await place.world(state)
      for (const { method, path } of asks) {
        for (const key of [undefined, null]) {
          const { status, body, headers } = await http.ask(method, path, method === 'GET' ? undefined : {}, key === null ? { key } : {})
          expect(status < 300 || status >= 400, `${method} ${path} ${status}`).toBe(true)
          expect(headers.get('content-type'), `${method} ${path}`).toBe('application/json')
          expect(body, `${method} ${path}`).not.toBeUndefined()
          if (status >= 400) expect(typeof body.message, `${method} ${path}`).toBe('string')
        }
      }
    }
  },

  'http 4: only `Authorization` is needed': async (place) => {
    const http = await main(place)
    const bytes = new TextEncoder().encode(JSON.stringify(question))
    const { status, body } = await http.post('/api/authorize', undefined, { raw: bytes })
    expect({ status, body }).toEqual({ status: 200, body: { allowed: true } })
  },

  'http 6: reads have exactly the keys of the specification': async (place) => {
    const http = await main(place)
    const keysOf = (body: unknown) => Object.keys(body as object).sort()
    const post = async (path: string) => (await http.post(path, postOf(path))).body
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
    const facts = factsIn((await http.get('/api/facts?predicate=_')).body)
    expect(keysOf(facts[0])).toEqual(['args', 'predicate'])
    expect(keysOf(facts[0]?.args[0])).toEqual(['id', 'type'])
    const policy = (await http.get('/api/policy')).body
    expect(keysOf(policy)).toEqual(['policy'])
    expect(keysOf(policy.policy)).toEqual(['filename', 'src'])
    const metadata = (await http.get('/api/policy_metadata')).body
    for (const entry of Object.values(metadata.metadata.resources)) expect(keysOf(entry)).toEqual(['permissions', 'relations', 'roles'])
    expect(keysOf((await http.post('/api/authorize', {})).body)).toEqual(['message'])
  },

  'http 7: unknown keys are ignored': async (place) => {
    const http = await main(place)
    expect((await http.post('/api/authorize', { ...question, more: { deep: [1] } })).body).toEqual({ allowed: true })
  },

  'http 7: malformed JSON is 400': async (place) => {
    const http = await main(place)
    for (const raw of ['', '{', 'nonsense', '[1,', '{"a":1}}', '"\\ud800"', '{"actor_type":"\\q"}']) {
      for (const { method, path } of goodReads.filter((read) => read.method !== 'GET' && read.path !== endpoints.expect.path)) {
        const { status, body } = await http.ask(method, path, undefined, { raw })
        expect({ path, raw, status }).toEqual({ path, raw, status: 400 })
        expect(typeof body.message).toBe('string')
      }
    }
  },

  'http 7: a wrong shape names the field': async (place) => {
    const http = await main(place)
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
      ['/api/evaluate_query', { constraints: {} }, '`predicate` is missing, expected a pair of a predicate and its variables'],
      ['/api/evaluate_query', { predicate: ['allow', ['a']] }, '`constraints` is missing, expected an object'],
    ]
    for (const [path, body, message] of cases) {
      const answer = await http.post(path, body)
      expect({ status: answer.status, message: answer.body.message }).toEqual({ status: 400, message })
    }
  },

  'http 7: null means absent': async (place) => {
    const http = await main(place)
    expect((await http.post('/api/authorize', { ...question, context_facts: null })).status).toBe(200)
    expect((await http.post('/api/list', { ...question, page_size: null, page_token: null, context_facts: null })).body).toEqual({
      results: ['r1', 'r10', 'r2'],
    })
  },

  'http 8: numeric and boolean ids become text, others are 400': async (place) => {
    const { ask: http } = await place.world({ policies: [basic], facts: ['has_role(User:7, String:reader, Repo:true)'] })
    expect((await http.post('/api/authorize', { ...question, actor_id: 7, resource_id: true })).body).toEqual({ allowed: true })
    for (const id of [{}, [], [1], 1.5, 1e300, { toString: 1 }]) {
      const { status, body } = await http.post('/api/authorize', { ...question, actor_id: id })
      expect({ id, status }).toEqual({ id, status: 400 })
      expect(body.message).toContain('`actor_id`')
    }
  },

  'http 9: an unknown route and a wrong method are 404': async (place) => {
    const http = await main(place)
    for (const [method, path] of [
      ['GET', '/api/nothing'],
      ['GET', '/api/authorize'],
      ['POST', '/api/policy_metadata'],
      ['PUT', '/api/policy'],
      ['GET', '/api/autocomplete_info'],
      ['GET', '/'],
      ['POST', '/api/authorize/'],
    ] as const) {
      const { status, body } = await http.ask(method, path)
      expect({ path, status, message: typeof body.message }).toEqual({ path, status: 404, message: 'string' })
    }
  },

  'http 10: GET /api without key is 401, with key 404': async (place) => {
    const http = await main(place)
    expect((await http.get('/api', { key: null })).status).toBe(401)
    expect((await http.get('/api/', { key: null })).status).toBe(401)
    expect((await http.get('/api')).status).toBe(404)
  },

  'http 11: missing, malformed and unknown keys are 401 on every keyed endpoint': async (place) => {
    const { ask: http, keys } = await place.world(mainState)
    const headers = [
      {},
      { Authorization: '' },
      { Authorization: 'Bearer' },
      { Authorization: 'Bearer nonsense' },
      { Authorization: `Basic ${keys.full}` },
      { Authorization: `Bearer ${keys.full}x` },
      { Authorization: 'Bearer e_0123456789_99999_osotesttoken01xiIn' },
      { Authorization: 'Bearer e_other_12345_osotesttoken01xiIn' },
    ]
    for (const { method, path, body } of keyed) {
      for (const header of headers) {
        const { status, body: refused } = await http.ask(method, path, body, { key: null, headers: header })
        expect({ path, header, status }).toEqual({ path, header, status: 401 })
        expect(typeof refused.message).toBe('string')
      }
    }
    const blanks = { Authorization: `  Bearer   ${keys.full}  ` }
    expect((await http.post('/api/authorize', question, { key: null, headers: blanks })).status).toBe(200)
  },

  'http 12: a read-only key reads everything, and changes nothing': async (place) => {
    const { ask: http, keys } = await place.world(mainState)
    for (const { method, path, body } of goodReads) {
      const { status } = await http.ask(method, path, body, { key: keys.readOnly })
      // A Worker has no room for explanations, and this one nobody to ask.
      const isRefused = isLocal(path) || (place.kind === 'worker' && path === endpoints.explain.path)
      expect({ method, path, status }).toEqual({ method, path, status: isRefused ? 400 : 200 })
    }
    const before = await http.stored('predicate=_')
    for (const { method, path, body } of goodWrites) {
      const { status } = await http.ask(method, path, body, { key: keys.readOnly })
      expect({ method, path, status }).toEqual({ method, path, status: 403 })
      expect(await http.stored('predicate=_')).toEqual(before)
    }
    expect((await http.get('/api/policy')).body.policy.src).toBe(basic)
  },

  'http 13: environments are isolated': async (place) => {
    const { ask: http, keys } = await place.world(mainState)
    const key = keys.other
    // A fallback has one environment.
    if (place.kind === 'fallback') {
      expect((await http.get('/api/policy', { key })).status).toBe(503)
      return
    }
    expect((await http.get('/api/policy', { key })).body).toEqual({ policy: null })
    expect((await http.get('/api/facts?predicate=_', { key })).body).toEqual([])
    expect((await http.post('/api/authorize', question, { key })).body).toEqual({ allowed: false })
    expect((await http.post('/api/authorize', question)).body).toEqual({ allowed: true })
  },

  'http 14: X-Request-ID is echoed on success and error, and made where it is absent or impossible': async (place) => {
    const http = await main(place)
    const idOf = async (path: string, id?: string, key?: null) =>
      (await http.get(path, { headers: id === undefined ? {} : { 'X-Request-ID': id }, ...(key === null && { key }) })).headers.get(
        'x-request-id',
      )
    for (const path of ['/api/policy', '/api/nothing', '/livez', '/api/policy?id=x', '/test_environment']) {
      expect(await idOf(path, 'a-1!~')).toBe('a-1!~')
    }
    expect(await idOf('/api/policy', 'b', null)).toBe('b')
    expect(await idOf('/api/policy', 'x'.repeat(128))).toHaveLength(128)
    for (const id of [undefined, '', 'with blank', 'x'.repeat(129), 'ü']) expect(await idOf('/api/policy', id)).toMatch(uuid)
  },

  'http 15: Server-Timing starts with `oso;dur=`': async (place) => {
    const http = await main(place)
    for (const path of ['/api/policy', '/api/nothing', '/livez']) {
      expect((await http.get(path)).headers.get('server-timing')).toMatch(/^oso;dur=[0-9]+(\.[0-9]+)?$/)
    }
  },

  'answers to a key carry revision and staleness': async (place) => {
    const http = await main(place)
    for (const [method, path] of [
      ['POST', '/api/authorize'],
      ['GET', '/api/stats'],
      ['GET', '/api/policy?id=999'],
    ] as const) {
      const { headers } = await http.ask(method, path, method === 'GET' ? undefined : question)
      expect(headers.get('arctos-revision')).toMatch(/^[^:\s]+:[0-9]+$/)
      // What follows a cell may not know yet how old its state is.
      expect(headers.get('arctos-staleness-ms')).toMatch(place.kind === 'cell' ? /^[0-9]+$/ : /^([0-9]+|unknown)$/)
    }
  },

  'an answer without an environment carries neither': async (place) => {
    const { ask: http, keys } = await place.world(mainState)
    for (const [path, key, status] of [
      ['/api/policy', null, 401],
      ['/api/policy', `${keys.other}x`, 401],
      ['/api/nothing', undefined, 404],
      ['/api', undefined, 404],
      ['/api/healthcheck', undefined, place.kind === 'cell' ? 200 : null],
      ['/livez', undefined, 200],
      ['/metrics', undefined, 200],
    ] as const) {
      const { status: found, headers } = await http.get(path, key === undefined ? {} : { key })
      // Whoever follows a cell is ready when it knows how old its state is.
      expect({ path, found }).toEqual({ path, found: status ?? expect.toBeOneOf([200, 503]) })
      expect([...headers.keys()].filter((name) => name.startsWith('arctos-') || name === 'osooffset')).toEqual([])
      expect(headers.get('x-request-id')).not.toBeNull()
    }
  },

  'GET /v1/openapi.json is the description of this API, with any key and without': async (place) => {
    const { ask: http, keys } = await place.world(mainState)
    const described: unknown = JSON.parse(JSON.stringify(openApi()))
    for (const key of [null, keys.full, `${keys.full}x`]) {
      const { status, headers, body } = await http.get('/v1/openapi.json', { key })
      // A Worker has only what it answers itself.
      const expected = place.kind === 'worker' ? { status: 404, body: { message: expect.any(String) } } : { status: 200, body: described }
      expect({ status, type: headers.get('content-type'), body }).toEqual({ type: 'application/json', ...expected })
    }
  },

  'the endpoints of local authorization are 400': async (place) => {
    const http = await main(place)
    const requests = goodReads.filter(({ path }) => isLocal(path))
    expect(requests).toHaveLength(4)
    for (const { path, body } of requests) {
      for (const sent of [body, {}]) {
        const { status, body: refused } = await http.post(path, sent)
        expect({ status, message: refused.message }).toEqual({
          status: 400,
          message: 'local authorization is not available in this version',
        })
      }
    }
  },
}

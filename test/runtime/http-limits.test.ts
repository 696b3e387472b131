/** The HTTP checklist: limits and operations. */
import { describe, expect, test } from 'vitest'
import type { Route } from '../../runtime/exchange.ts'
import { json } from '../../runtime/reply.ts'
import { asked, createHarness, fact, type Harness, readOnlyKey } from './support/harness.ts'
import { basic } from './support/policies.ts'

const role = (user: string | number) => fact(`has_role(User:${user}, String:reader, Repo:r1)`)
const roles = (count: number) => Array.from({ length: count }, (_, index) => role(index))
const question = asked('User:1 read Repo:r1')

const production = async (settings: Readonly<Record<string, string>> = {}) => {
  const http = await createHarness({ settings: { ARCTOS_MODE: 'production', ...settings } })
  await http.policy(basic)
  return http
}

describe('http 92: in production', () => {
  test('413 for an 11 MiB read, and a 961 KiB write', async () => {
    const http = await production()
    expect((await http.post('/api/authorize', { ...question, more: 'x'.repeat(11 * 1024 * 1024) })).status).toBe(413)
    expect((await http.post('/api/authorize', { ...question, more: 'x'.repeat(9 * 1024 * 1024) })).status).toBe(200)
    const padded = (bytes: number) => [{ inserts: [role(1)], more: 'x'.repeat(bytes) }]
    expect((await http.post('/api/batch', padded(961 * 1024))).status).toBe(413)
    expect((await http.post('/api/batch', padded(900 * 1024))).status).toBe(200)
    expect((await http.post('/api/policy', { src: `${basic}# ${'x'.repeat(961 * 1024)}` })).status).toBe(413)
  })

  test('413 for a declared length, before anything is read', async () => {
    const http = await production()
    const { status } = await http.post('/api/authorize', question, { headers: { 'Content-Length': '99999999' } })
    expect(status).toBe(413)
  })

  test('413 for 101 context facts', async () => {
    const http = await production()
    const ask = async (path: string, body: object, count: number) =>
      (await http.post(path, { ...body, context_facts: roles(count) })).status
    expect(await ask('/api/authorize', question, 100)).toBe(200)
    for (const path of ['/api/authorize', '/api/list', '/api/actions']) expect(await ask(path, question, 101)).toBe(413)
    expect(await ask('/api/query', { fact: role(1) }, 101)).toBe(413)
    const half = { ...question, context_facts: roles(51) }
    expect((await http.post('/api/bulk_actions', [half, half])).status).toBe(413)
  })

  test('413 for 1,001 facts of a batch', async () => {
    const http = await production()
    expect((await http.post('/api/batch', [{ inserts: roles(501) }, { deletes: roles(500) }])).status).toBe(413)
    expect((await http.post('/api/bulk_load', roles(1001))).status).toBe(413)
    expect(await http.stored()).toEqual([])
    expect((await http.post('/api/bulk_load', roles(1000))).status).toBe(200)
  })

  test('413 for a wildcard delete of 10,001 facts, nothing removed', async () => {
    const http = await production()
    for (let start = 0; start < 10_001; start += 1000) {
      const facts = Array.from({ length: Math.min(1000, 10_001 - start) }, (_, index) => role(start + index))
      expect((await http.post('/api/bulk_load', facts)).status).toBe(200)
    }
    const wide = { deletes: [fact('has_role(_, _, Repo:r1)')] }
    expect((await http.post('/api/batch', [wide])).status).toBe(413)
    expect((await http.get('/api/stats')).body.facts.total).toBe(10_001)
    expect((await http.post('/api/batch', [{ deletes: [role(0)] }])).status).toBe(200)
    expect((await http.post('/api/batch', [wide])).status).toBe(200)
    expect((await http.get('/api/stats')).body.facts.total).toBe(0)
  })

  test('no test environments', async () => {
    const http = await production()
    expect((await http.post('/test_environment', undefined, { key: null })).status).toBe(404)
  })
})

test('a development server writes up to 10 MiB', async () => {
  const http = await createHarness()
  await http.policy(basic)
  expect((await http.post('/api/batch', [{ inserts: roles(1500), more: 'x'.repeat(2 * 1024 * 1024) }])).status).toBe(200)
  expect((await http.post('/api/batch', [{ inserts: [], more: 'x'.repeat(10 * 1024 * 1024) }])).status).toBe(413)
  expect((await http.post('/api/authorize', { ...question, context_facts: roles(150) })).status).toBe(200)
})

test('http 93: a query over its budget is 400, and the process goes on', async () => {
  const http = await createHarness({ settings: { ARCTOS_QUERY_TIMEOUT_MS: '30' } })
  await http.policy(`declare number(Integer);
    cycle(a: Integer) if number(a) and number(b) and number(c) and number(d) and number(e) and number(f)
      and a < b and b < c and c < d and d < e and e < f and f < a;`)
  await http.facts(...Array.from({ length: 200 }, (_, index) => `number(Integer:${index})`))
  const { status, body } = await http.post('/api/query', { fact: fact('cycle(Integer:_)') })
  expect({ status, message: body.message }).toEqual({ status: 400, message: expect.stringMatching(/30 ms|too (slow|long)/) })
  expect((await http.post('/api/authorize', question)).status).toBe(200)
})

describe('http 94: rates', () => {
  const clock = () => {
    const state = { nowMs: 0 }
    return { state, platform: { monotonicMs: () => state.nowMs } }
  }

  test('reads per second', async () => {
    const { state, platform } = clock()
    const http = await createHarness({ settings: { ARCTOS_READS_PER_SECOND: '3' }, platform })
    const ask = async () => http.post('/api/authorize', question, { key: readOnlyKey })
    const statuses = [await ask(), await ask(), await ask(), await ask()].map(({ status }) => status)
    expect(statuses).toEqual([200, 200, 200, 429])
    expect((await ask()).headers.get('retry-after')).toBe('1')
    // Writes are not reads.
    expect((await http.post('/api/batch', [])).status).toBe(200)
    state.nowMs = 999
    expect((await ask()).status).toBe(429)
    state.nowMs = 1020
    expect((await ask()).status).toBe(200)
  })

  test('fact updates per minute, wildcard deletes by what they remove', async () => {
    const { state, platform } = clock()
    const http = await createHarness({ settings: { ARCTOS_FACT_UPDATES_PER_MINUTE: '10' }, platform })
    await http.policy(basic)
    const load = async (count: number) => http.post('/api/bulk_load', roles(count))
    expect((await load(6)).status).toBe(200)
    const refused = await load(5)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toMatch(/^[0-9]+$/)
    state.nowMs = 61_000
    expect((await http.post('/api/batch', [{ deletes: [fact('has_role(_, _, _)')] }])).status).toBe(200)
    expect((await load(5)).status).toBe(429)
    expect((await load(4)).status).toBe(200)
  })

  test('concurrent requests', async () => {
    let release: () => void = () => {}
    const slow: Route = {
      endpoint: { method: 'GET', path: '/slow', access: 'read' },
      handle: () =>
        new Promise((resolve) => {
          release = () => resolve(json({}))
        }),
    }
    const http = await createHarness({ settings: { ARCTOS_CONCURRENT_REQUESTS: '1' }, routes: [slow] })
    const running = http.get('/slow')
    const { status, headers } = await http.post('/api/authorize', question)
    expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 429, retry: '1' })
    release()
    expect((await running).status).toBe(200)
    expect((await http.post('/api/authorize', question)).status).toBe(200)
    expect((await http.post('/api/authorize', {})).status).toBe(400)
    expect((await http.post('/api/authorize', question)).status).toBe(200)
  })
})

test('http 95: expect is 200 for known and unknown requests', async () => {
  const http = await createHarness()
  const { headers } = await http.post('/api/authorize', question)
  for (const id of [headers.get('x-request-id'), 'unknown']) {
    const { status, body } = await http.post('/api/expect', { request_id: id, expected: true })
    expect({ status, keys: Object.keys(body) }).toEqual({ status: 200, keys: ['message'] })
  }
})

test('expect is 200 whatever is sent, and whatever state the environment is in', async () => {
  const http = await createHarness({ settings: { ARCTOS_READS_PER_SECOND: '1', ARCTOS_TOKEN_WAIT_MS: '0' } })
  const order = (await http.post('/api/batch', [])).headers.get('osooffset')?.split(':')[0]
  const sent = [
    { raw: '' },
    { raw: '{' },
    { raw: '[]' },
    { raw: '{"request_id":5}' },
    { raw: new Uint8Array([0xff]) },
    { raw: 'x'.repeat(11 * 2 ** 20) },
  ]
  for (const options of [...sent, { raw: '{}', headers: { OsoOffset: `${order}:999` } }]) {
    const { status, body, headers } = await http.post('/api/expect', undefined, options)
    expect({ status, keys: Object.keys(body) }).toEqual({ status: 200, keys: ['message'] })
    expect(headers.get('arctos-revision')).toMatch(`${order}:`)
  }
  expect((await http.post('/api/expect', {}, { key: null })).status).toBe(401)
})

test('http 96: stats and healthcheck', async () => {
  const http = await createHarness()
  expect((await http.get('/api/stats')).body).toEqual({ policy: { versions: [] }, facts: { total: 0, predicates: {} } })
  await http.policy(basic)
  await http.facts(
    'has_role(User:1, String:reader, Repo:r1)',
    'has_role(User:1, String:member, Org:o)',
    'has_relation(Repo:r, String:org, Org:o)',
  )
  expect((await http.get('/api/stats')).body).toEqual({
    policy: { versions: ['1'] },
    facts: { total: 3, predicates: { has_relation: 1, has_role: 2 } },
  })
  for (const path of ['/api/healthcheck', '/livez', '/readyz']) {
    const { status, body } = await http.get(path, { key: null })
    expect({ status, message: typeof body.message }).toEqual({ status: 200, message: 'string' })
  }
  expect((await http.get('/metrics', { key: null })).status).toBe(200)
})

describe('http 100: test environments', () => {
  const create = async (http: Harness, query = '') => {
    const { status, body } = await http.post(`/test_environment${query}`, undefined, { key: null })
    expect({ status, keys: Object.keys(body) }).toEqual({ status: 200, keys: ['token'] })
    expect(body.token).toMatch(/^e_testenv[A-Za-z0-9]{11}_[^_]+_\S+$/)
    return body.token
  }

  test('an empty one, isolated', async () => {
    const http = await createHarness()
    await http.policy(basic)
    await http.post('/api/batch', [{ inserts: [role(1)] }])
    for (const query of ['', '?copy=false', '?copy=yes', '?copy=']) {
      const key = await create(http, query)
      expect((await http.get('/api/policy', { key })).body).toEqual({ policy: null })
      expect((await http.get('/api/facts', { key })).body).toEqual([])
      await http.policy(basic, { key })
      expect((await http.post('/api/batch', [{ inserts: [role(2)] }], { key })).status).toBe(200)
      expect((await http.post('/api/authorize', asked('User:2 read Repo:r1'), { key })).body).toEqual({ allowed: true })
    }
    expect(await http.stored()).toHaveLength(1)
  })

  test('a copy starts with policy and facts, and changes do not reach the default environment', async () => {
    const http = await createHarness()
    await http.policy(basic)
    await http.post('/api/batch', [{ inserts: roles(1200) }])
    const key = await create(http, '?copy=true')
    expect((await http.get('/api/policy', { key })).body.policy.src).toBe(basic)
    expect((await http.get('/api/stats', { key })).body.facts.total).toBe(1200)
    await http.post('/api/clear_data', undefined, { key })
    expect(await http.stored()).toHaveLength(1200)
    expect((await http.get('/api/policy')).body.policy.src).toBe(basic)
  })

  test('at most so many', async () => {
    const http = await createHarness()
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    ;(http.service.limits as { testEnvironments: number }).testEnvironments = 2
    await create(http)
    await create(http)
    const { status, headers } = await http.post('/test_environment', undefined, { key: null })
    expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 429, retry: '1' })
  })
})

/** The HTTP checklist of a cell alone: rates by a clock, what is sent and never looked at, test environments. */
import { describe, expect, test } from 'vitest'
import type { Route } from '../../runtime/exchange.ts'
import { json } from '../../runtime/reply.ts'
import { asked, createHarness, fact, type Harness, readOnlyKey } from './support/harness.ts'
import { basic } from './support/policies.ts'

const role = (user: string | number) => fact(`has_role(User:${user}, String:reader, Repo:r1)`)
const roles = (count: number) => Array.from({ length: count }, (_, index) => role(index))
const question = asked('User:1 read Repo:r1')

test('http 92: 413 for a declared length, before anything is read', async () => {
  const http = await createHarness({ settings: { ARCTOS_MODE: 'production' } })
  const { status } = await http.post('/api/authorize', question, { headers: { 'Content-Length': '99999999' } })
  expect(status).toBe(413)
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

/** Fallbacks: read-only, for one environment, whatever else is down. */
import { describe, expect, test } from 'vitest'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { startCell, startEdge } from './support/edge.ts'
import { asked, fact, readOnlyKey, secondKey } from './support/harness.ts'
import { basic } from './support/policies.ts'

const anaReads = 'User:ana read Repo:r1'
const anaRole = 'has_role(User:ana, String:reader, Repo:r1)'

const started = async () => {
  const all = await startCell()
  await all.cell.policy(basic)
  await all.cell.facts(anaRole, 'has_role(User:bob, String:owner, Org:o1)')
  await all.publish()
  const { edge: fallback, ...rest } = await startEdge({ objects: all.objects, kind: 'fallback' })
  await rest.environments.load(developmentEnvironment)
  return { ...all, fallback, ...rest }
}

/** Every read endpoint with a body that the cell answers with 200. */
const reads: readonly (readonly ['GET' | 'POST', string, unknown?])[] = [
  ['GET', '/api/policy'],
  ['GET', '/api/policy_metadata'],
  ['GET', '/api/facts?predicate=has_role'],
  ['GET', '/api/facts?predicate=_'],
  ['GET', '/api/stats'],
  ['POST', '/api/policy/test', { src: basic }],
  ['POST', '/api/authorize', asked(anaReads)],
  ['POST', '/api/authorize_resources', { actor_type: 'User', actor_id: 'ana', action: 'read', resources: [{ type: 'Repo', id: 'r1' }] }],
  ['POST', '/api/list', { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo' }],
  ['POST', '/api/list', { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo', page_size: 1 }],
  ['POST', '/api/actions', { actor_type: 'User', actor_id: 'ana', resource_type: 'Repo', resource_id: 'r1' }],
  ['POST', '/api/bulk_actions', [{ actor_type: 'User', actor_id: 'ana', resource_type: 'Repo', resource_id: 'r1' }]],
  ['POST', '/api/query', { fact: { predicate: 'has_role', args: [{ type: 'User', id: 'ana' }, {}, {}] } }],
  [
    'POST',
    '/api/evaluate_query',
    {
      predicate: ['has_role', ['var_a', 'var_b', 'var_c']],
      calls: [],
      constraints: {
        var_a: { type: 'User', ids: null },
        var_b: { type: 'String', ids: null },
        var_c: { type: 'Repo', ids: null },
      },
      context_facts: [],
    },
  ],
  ['POST', '/v1/explain', asked(anaReads)],
  ['POST', '/api/expect', {}],
]

test('http 22: it answers immediately whatever the token', async () => {
  const { cell, fallback, state } = await started()
  const { headers } = await cell.post('/api/batch', [{ inserts: [fact('has_role(User:eve, String:reader, Repo:r1)')] }])
  state.gets.length = 0
  for (const token of [headers.get('osooffset') ?? '', 'garbage', 'other.log:5', '9'.repeat(15)]) {
    const answer = await fallback.post('/api/authorize', asked('User:eve read Repo:r1'), { headers: { OsoOffset: token } })
    expect([answer.status, answer.body.allowed]).toEqual([200, false])
  }
  // It did not even look.
  expect(state.gets).toEqual([])
})

test('http 42: GET /facts without predicate is 400', async () => {
  const { fallback, cell } = await started()
  for (const query of ['', '?', '?predicate=', '?args.0.type=User']) {
    const { status, body } = await fallback.get(`/api/facts${query}`)
    expect([query, status]).toEqual([query, 400])
    expect(body.message).toContain('predicate')
    expect((await cell.get(`/api/facts${query}`)).status).toBe(200)
  }
  expect(await fallback.stored('predicate=_')).toEqual(await cell.stored())
})

test('http 73: a page whose list began at a later state is given from what is here, never 409', async () => {
  const { cell, fallback } = await started()
  await cell.facts('has_role(User:ana, String:reader, Repo:r0)', 'has_role(User:ana, String:reader, Repo:r2)')
  const question = { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo' }
  const first = (await cell.post('/api/list', { ...question, page_size: 1 })).body
  expect(first.results).toEqual(['r0'])
  const { status, body } = await fallback.post('/api/list', { ...question, page_token: first.next_page_token })
  expect([status, body.results, body.next_page_token]).toEqual([200, ['r1'], null])
})

test('http 97: every read endpoint answers as the cell does', async () => {
  const { fallback, cell } = await started()
  for (const [method, path, body] of reads) {
    const here = await fallback.ask(method, path, body)
    const there = await cell.ask(method, path, body)
    expect([path, there.status, here.status]).toEqual([path, 200, 200])
    expect([path, here.text]).toEqual([path, there.text])
    expect(here.headers.get('arctos-revision')).toBe(there.headers.get('arctos-revision'))
    expect(here.headers.has('arctos-staleness-ms')).toBe(true)
  }
})

test('http 97: the local authorization endpoints answer as the cell does', async () => {
  const { fallback, cell } = await started()
  for (const path of ['/api/authorize_query', '/api/list_query', '/api/actions_query', '/api/evaluate_query_local']) {
    const here = await fallback.post(path, {})
    const there = await cell.post(path, {})
    expect([path, here.status, here.text]).toEqual([path, there.status, there.text])
  }
})

test('http 97: every mutation is 403, with any key of the environment', async () => {
  const { fallback } = await started()
  const mutations = Object.values(endpoints).filter(({ access }) => access === 'write')
  expect(mutations.length).toBeGreaterThanOrEqual(8)
  for (const { method, path } of mutations) {
    for (const key of [undefined, readOnlyKey]) {
      const { status, body } = await fallback.ask(method, path, [], key === undefined ? {} : { key })
      expect([path, status]).toEqual([path, 403])
      expect(body.message).toContain('fallback')
    }
    expect((await fallback.ask(method, path, [], { key: null })).status).toBe(401)
  }
})

test('http 97: /healthcheck is not 200 before a snapshot is loaded', async () => {
  const { cell, objects, publish } = await startCell()
  await cell.policy(basic)
  const { edge: fallback, environments } = await startEdge({ objects, kind: 'fallback' })
  expect((await fallback.get('/healthcheck', { key: null })).status).toBe(503)
  await publish()
  expect((await fallback.get('/healthcheck', { key: null })).status).toBe(503)
  await environments.load(developmentEnvironment)
  const { status, body } = await fallback.get('/healthcheck', { key: null })
  expect([status, body.message]).toEqual([200, 'a valid snapshot is loaded'])
  // It is not known how old it is, so it is not ready; and answers.
  expect((await fallback.get('/readyz', { key: null })).status).toBe(503)
  expect((await cell.get('/healthcheck', { key: null })).status).toBe(404)
})

describe('keys', () => {
  test('open no environment but its own', async () => {
    const { fallback } = await started()
    const { status } = await fallback.get('/api/stats', { key: secondKey })
    expect(status).toBe(503)
  })

  test('X-Request-ID is echoed', async () => {
    const { fallback } = await started()
    const { headers } = await fallback.post('/api/authorize', asked(anaReads), { headers: { 'X-Request-ID': 'mine' } })
    expect(headers.get('x-request-id')).toBe('mine')
  })

  test('a fact with the id `*` is refused', async () => {
    const { fallback } = await started()
    const context = [fact('has_role(User:*, String:reader, Repo:r1)')]
    expect((await fallback.authorize(anaReads, context)).status).toBe(400)
  })
})

test('it goes on following, and on answering when the store is gone', async () => {
  const { cell, fallback, publish, environments, state } = await started()
  await cell.facts('has_role(User:eve, String:reader, Repo:r1)')
  await publish()
  await environments.refresh()
  expect(await fallback.allowed('User:eve read Repo:r1')).toBe(true)
  state.down = true
  await environments.refresh()
  expect(await fallback.allowed('User:eve read Repo:r1')).toBe(true)
  expect((await fallback.get('/healthcheck', { key: null })).status).toBe(200)
})

test('pages of a list are answered too', async () => {
  const { fallback, cell, publish, environments } = await started()
  await cell.facts('has_role(User:ana, String:reader, Repo:r2)', 'has_role(User:ana, String:reader, Repo:r3)')
  await publish()
  await environments.refresh()
  const question = { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo' }
  const found: unknown[] = []
  let token: string | null = null
  do {
    const { body } = await fallback.post('/api/list', token === null ? { ...question, page_size: 1 } : { ...question, page_token: token })
    found.push(...body.results)
    token = body.next_page_token
  } while (token !== null)
  expect(found).toEqual(['r1', 'r2', 'r3'])
})

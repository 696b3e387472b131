/** The Worker on workerd, fed by a bucket of R2 that a cell publishes to. */
import { describe, expect, test } from 'vitest'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { asked, fact, readOnlyKey } from '../runtime/support/harness.ts'
import { basic } from '../runtime/support/policies.ts'
import { startServer } from '../runtime/support/process.ts'
import { looksOf } from './looks.ts'
import { anaReads, anaRole, startTestWorker, startWorkerEdge, until } from './support.ts'

describe('reads', () => {
  test('what is published arrives behind the answers: deltas in place, a restore by a swap, and nothing as `unchanged`', async () => {
    const { cell, publish, ask, metric, replicator } = await startWorkerEdge()
    const allowed = async (question: string) => (await ask.authorize(question)).body.allowed
    expect(await allowed(anaReads)).toBe(false)
    await cell.facts(anaRole)
    await publish()
    await until(() => allowed(anaReads))
    expect(await metric('arctos_edge_looks{outcome="advanced"}')).toBeGreaterThan(0)
    const revision = Number((await ask.authorize(anaReads)).headers.get('arctos-revision')?.split(':')[1])
    await cell.facts('has_role(User:bob, String:reader, Repo:r1)')
    await publish()
    await until(() => allowed('User:bob read Repo:r1'))
    const swaps = await metric('arctos_edge_looks{outcome="swapped"}')
    await replicator.restore(developmentEnvironment, revision)
    await publish()
    await until(async () => !(await allowed('User:bob read Repo:r1')))
    expect(await allowed(anaReads)).toBe(true)
    expect(await metric('arctos_edge_looks{outcome="swapped"}')).toBe(swaps + 1)
    await until(async () => {
      await ask.authorize(anaReads)
      return (await metric('arctos_edge_looks{outcome="unchanged"}')) > 0
    })
  })

  test('looks are no more frequent than the setting says, and none are without requests', async () => {
    const { ask, worker } = await startWorkerEdge({ settings: { ARCTOS_REFRESH_MS: '3600000' } })
    for (let round = 0; round < 20; round++) expect((await ask.authorize(anaReads)).status).toBe(200)
    const { text } = await ask.get('/metrics')
    expect(text).toContain('arctos_edge_looks{outcome="swapped"} 2\n')
    expect(text).not.toMatch(/arctos_edge_looks\{outcome="(unchanged|advanced)"\} [1-9]/)
    expect((await worker.lines()).filter(({ msg }) => msg === 'loaded')).toHaveLength(1)
  })
})

test('fed by its origin alone: a cell in another process, which tells its objects to whoever has the secret', async () => {
  const settings = { ARCTOS_SECRET: 'a-secret-of-this-cell', ARCTOS_DELTA_INTERVAL_MS: '50', ARCTOS_HEARTBEAT_MS: '50' }
  const cell = await startServer({ settings })
  const { ask } = await startTestWorker({ bucket: false, settings: { ARCTOS_ORIGIN: cell.url, ARCTOS_SECRET: settings.ARCTOS_SECRET } })
  await ask.policy(basic)
  await ask.facts(anaRole)
  await until(async () => {
    const { headers, body } = await ask.authorize(anaReads)
    return headers.get('arctos-served-by') === null && body.allowed
  })
  await until(async () => (await ask.get('/readyz')).status === 200)
  await cell.end('SIGKILL')
  for (let round = 0; round < 20; round++) expect((await ask.authorize(anaReads)).body.allowed).toBe(true)
})

describe('positions', () => {
  const read = (token: string) => ({ headers: { OsoOffset: token } })

  test('http 18: a token that is newer than the replica is brought by a look at once', async () => {
    const { cell, publish, ask, origin } = await startWorkerEdge({ origin: true, settings: { ARCTOS_REFRESH_MS: '3600000' } })
    expect((await ask.authorize(anaReads)).body.allowed).toBe(false)
    const written = await cell.post('/api/batch', [{ inserts: [fact(anaRole)] }])
    await publish()
    const token = written.headers.get('osooffset') ?? ''
    const { status, body, headers } = await ask.post('/api/authorize', asked(anaReads), read(token))
    expect([status, body.allowed, headers.get('arctos-revision'), headers.get('arctos-served-by')]).toEqual([200, true, token, null])
    expect(origin.asked).toEqual([])
  })

  test('http 18: many reads with a newer token wait for one look together', async () => {
    const settings = { ARCTOS_REFRESH_MS: '3600000', ARCTOS_TOKEN_WAIT_MS: '30000' }
    const { cell, publish, ask, origin, worker } = await startWorkerEdge({ origin: true, settings })
    expect((await ask.authorize(anaReads)).body.allowed).toBe(false)
    const written = await cell.post('/api/batch', [{ inserts: [fact(anaRole)] }])
    await publish()
    const before = { looks: await looksOf(ask), ...(await worker.seen()) }
    await worker.holdReads(developmentEnvironment)
    const token = written.headers.get('osooffset') ?? ''
    const answers = Promise.all(Array.from({ length: 20 }, () => ask.post('/api/authorize', asked(anaReads), read(token))))
    await until(async () => (await worker.seen()).arrived === before.arrived + 20)
    expect((await worker.seen()).waiting).toBe(1)
    await worker.holdReads(null)
    expect((await answers).map(({ status, body }) => [status, body.allowed])).toEqual(Array(20).fill([200, true]))
    expect((await answers).map(({ headers }) => headers.get('arctos-revision'))).toEqual(Array(20).fill(token))
    // Whoever finds a look under way joins one more: the first may have begun too early.
    expect((await looksOf(ask)) - before.looks).toBeLessThanOrEqual(2)
    expect(origin.asked).toEqual([])
  })

  test('http 18: otherwise the origin answers, and without one it is 503 with Retry-After', async () => {
    const { cell, ask, origin } = await startWorkerEdge({ origin: true })
    await ask.authorize(anaReads)
    const written = await cell.post('/api/batch', [{ inserts: [fact(anaRole)] }])
    const token = written.headers.get('osooffset') ?? ''
    const { status, body, headers } = await ask.post('/api/authorize', asked(anaReads), read(token))
    expect([status, body.allowed, headers.get('arctos-served-by')]).toEqual([200, true, 'origin; because=token'])
    origin.down = true
    const refused = await ask.post('/api/authorize', asked(anaReads), read(token))
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await ask.authorize(anaReads)).status).toBe(200)

    const alone = await startWorkerEdge({ settings: { ARCTOS_TOKEN_WAIT_MS: '200' } })
    await alone.ask.authorize(anaReads)
    const later = (await alone.cell.post('/api/batch', [{ inserts: [fact(anaRole)] }])).headers.get('osooffset') ?? ''
    const behind = await alone.ask.post('/api/authorize', asked(anaReads), read(later))
    expect([behind.status, behind.headers.get('retry-after')]).toEqual([503, '1'])
    expect(behind.body.message).toContain(later)
  })
})

test('http 73: a page whose list began at a later state is 409 with Retry-After, until that is published', async () => {
  const { cell, publish, ask } = await startWorkerEdge({ settings: { ARCTOS_TOKEN_WAIT_MS: '200' } })
  expect(await ask.allowed(anaReads)).toBe(false)
  await cell.facts(anaRole, 'has_role(User:ana, String:reader, Repo:r2)')
  const question = { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo' }
  const { next_page_token: token } = (await cell.post('/api/list', { ...question, page_size: 1 })).body
  const { status, headers, body } = await ask.post('/api/list', { ...question, page_token: token })
  expect([status, headers.get('retry-after'), typeof body.message]).toEqual([409, '1', 'string'])
  await publish()
  expect((await ask.post('/api/list', { ...question, page_token: token })).body).toEqual({ results: ['r2'], next_page_token: null })
})

describe('writes', () => {
  test('go to the origin, with its answer as it is', async () => {
    const { cell, ask, origin } = await startWorkerEdge({ origin: true })
    const { status, headers } = await ask.post('/api/batch', [{ inserts: [fact(anaRole)] }])
    expect([status, headers.get('arctos-served-by')]).toEqual([200, 'origin; because=write'])
    expect(headers.get('osooffset')).toMatch(/:\d+$/)
    expect(await cell.stored()).toEqual([anaRole])
    expect((await ask.post('/api/batch', [{ inserts: [fact(anaRole)] }], { key: readOnlyKey })).status).toBe(403)
    expect(origin.asked).toEqual(['POST /api/batch', 'POST /api/batch'])
    origin.down = true
    const refused = await ask.post('/api/batch', [])
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  })

  test('without one they are 403', async () => {
    const { ask } = await startWorkerEdge()
    const { status, body } = await ask.post('/api/batch', [])
    expect([status, body.message]).toEqual([403, 'this edge has no origin, it cannot change the policy or facts'])
  })
})

describe('health and metrics', () => {
  test('a fresh isolate is ready as soon as it knows how old its state is; it is alive from the first moment', async () => {
    const { ask } = await startWorkerEdge()
    expect((await ask.get('/livez')).status).toBe(200)
    for (const path of ['/readyz', '/api/healthcheck']) expect((await ask.get(path, { key: null })).status).toBe(200)
    const { headers } = await ask.authorize(anaReads)
    expect(headers.get('arctos-staleness-ms')).not.toBe(null)
    const { text, headers: of } = await ask.get('/metrics', { key: null })
    expect(of.get('content-type')).toContain('version=0.0.4')
    for (const name of [
      'arctos_environments 1',
      'arctos_wasm_bytes ',
      'arctos_http_request_duration_seconds_bucket{route="/api/authorize",status="200",le="',
    ])
      expect(text).toContain(`\n${name}`)
  })

  test('with nothing published it is alive and not ready, and questions are 503', async () => {
    const { ask } = await startTestWorker()
    expect((await ask.get('/livez')).status).toBe(200)
    const { status, headers } = await ask.authorize(anaReads)
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    expect((await ask.get('/readyz')).status).toBe(503)
  })
})

test('settings that cannot be meant are told, whatever is asked', async () => {
  const { worker } = await startTestWorker({ settings: { ARCTOS_REFRESH_MS: 'often' } })
  const response = await fetch(`${worker.url}/api/authorize`, { method: 'POST' })
  expect([response.status, await response.text()]).toEqual([503, expect.stringContaining('ARCTOS_REFRESH_MS must be an integer')])
})

/** Edges: what they answer themselves, what they send to their origin, and what holds when either is gone. */
import { describe, expect, test } from 'vitest'
import { controlEnvironment } from '../../src/log/control.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { originOf, startCell, startEdge } from './support/edge.ts'
import { asked, fact, readOnlyKey, secondKey } from './support/harness.ts'
import { basic } from './support/policies.ts'

const batch = (...facts: string[]) => [{ inserts: facts.map(fact) }]
const anaReads = 'User:ana read Repo:r1'
const anaRole = 'has_role(User:ana, String:reader, Repo:r1)'

const started = async () => {
  const cell = await startCell()
  await cell.cell.policy(basic)
  await cell.publish()
  const origin = originOf(cell.cell)
  return { ...cell, origin, ...(await startEdge({ objects: cell.objects, origin: origin.fetch })) }
}

describe('reads', () => {
  test('are answered from what the cell published, with revision and staleness', async () => {
    const { cell, edge, origin, publish, environments } = await started()
    await cell.facts(anaRole)
    expect(await edge.allowed(anaReads)).toBe(false)
    await publish()
    await environments.refresh()
    const { body, headers } = await edge.authorize(anaReads)
    expect(body.allowed).toBe(true)
    expect(headers.get('arctos-revision')).toBe((await cell.authorize(anaReads)).headers.get('arctos-revision'))
    expect(headers.get('arctos-staleness-ms')).toMatch(/^(\d+|unknown)$/)
    expect(origin.forwarded).toEqual([])
  })

  test('a restore arrives by a swap, and requests go on through it', async () => {
    const { cell, edge, publish, environments } = await started()
    await cell.facts(anaRole)
    const { headers } = await cell.authorize(anaReads)
    const revision = Number(headers.get('arctos-revision')?.split(':')[1])
    await cell.facts('has_role(User:bob, String:reader, Repo:r1)')
    await publish()
    expect(await edge.allowed('User:bob read Repo:r1')).toBe(true)
    const before = environments.find(developmentEnvironment)?.store
    await cell.replicator.restore(developmentEnvironment, revision)
    await publish()
    const [, ...answers] = await Promise.all([environments.refresh(), ...Array.from({ length: 20 }, () => edge.allowed(anaReads))])
    expect(answers).toEqual(Array(20).fill(true))
    expect(await edge.allowed('User:bob read Repo:r1')).toBe(false)
    const found = environments.find(developmentEnvironment)
    expect(found?.store).not.toBe(before)
    expect(Number(found?.position.split(':')[1])).toBeGreaterThan(revision)
  })

  test('an environment is loaded when it is asked for', async () => {
    const { edge, environments, state } = await started()
    expect([...environments.all()]).toEqual([])
    expect((await edge.authorize(anaReads)).status).toBe(200)
    expect([...environments.all()].map(({ id }) => id)).toEqual([developmentEnvironment])
    state.gets.length = 0
    const first = await edge.post('/api/authorize', asked(anaReads), { key: secondKey })
    expect([first.status, first.headers.get('retry-after')]).toEqual([200, null])
    expect((await edge.post('/api/authorize', asked(anaReads), { key: 'e_nowhere_1_secondenvironmentkey01' })).status).toBe(401)
  })

  test('concurrent requests for an environment that is not there share one load', async () => {
    const { edge, state } = await started()
    state.gets.length = 0
    const answers = await Promise.all(Array.from({ length: 10 }, () => edge.authorize(anaReads)))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(state.gets.filter((key) => key.includes('/snapshots/'))).toHaveLength(1)
  })

  test('the store down for the whole run: reads unaffected', async () => {
    const { cell, edge, publish, environments, state } = await started()
    await cell.facts(anaRole)
    await publish()
    await environments.refresh()
    expect(await edge.allowed(anaReads)).toBe(true)
    state.down = true
    for (let round = 0; round < 50; round++) {
      await environments.refresh()
      expect(await edge.allowed(anaReads)).toBe(true)
    }
    state.down = false
    await cell.facts('has_role(User:bob, String:reader, Repo:r1)')
    await publish()
    await environments.refresh()
    expect(await edge.allowed('User:bob read Repo:r1')).toBe(true)
  })
})

describe('positions', () => {
  const written = async (ask: Awaited<ReturnType<typeof started>>) => {
    const { status, headers } = await ask.edge.post('/api/batch', batch(anaRole))
    expect(status).toBe(200)
    return headers.get('osooffset') ?? ''
  }
  const read = (edge: Awaited<ReturnType<typeof started>>['edge'], token: string) =>
    edge.post('/api/authorize', asked(anaReads), { headers: { OsoOffset: token } })

  test('http 18: a read with the token of a write is answered here when a look brings it', async () => {
    const all = await started()
    const token = await written(all)
    await all.publish()
    all.origin.forwarded.length = 0
    const { status, body, headers } = await read(all.edge, token)
    expect([status, body.allowed, headers.get('arctos-revision')]).toEqual([200, true, token])
    expect(all.origin.forwarded).toEqual([])
  })

  test('http 18: otherwise it is answered by the origin', async () => {
    const all = await started()
    const token = await written(all)
    all.origin.forwarded.length = 0
    const { status, body, headers } = await read(all.edge, token)
    expect([status, body.allowed, headers.get('arctos-revision')]).toEqual([200, true, token])
    expect(all.origin.forwarded.map(({ url }) => url)).toEqual(['http://origin/api/authorize'])
  })

  test('http 21: with the origin down too it is 503 with Retry-After, never a stale answer; other reads go on', async () => {
    const all = await started()
    const token = await written(all)
    all.origin.state.down = true
    const { status, headers } = await read(all.edge, token)
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    expect((await all.edge.authorize(anaReads)).body.allowed).toBe(false)
  })

  test('http 21: without an origin it waits, and then is 503', async () => {
    const { cell, publish, objects } = await startCell()
    await cell.policy(basic)
    await publish()
    const { edge } = await startEdge({ objects, settings: { ARCTOS_TOKEN_WAIT_MS: '40' } })
    await edge.authorize(anaReads)
    const { headers } = await cell.post('/api/batch', batch(anaRole))
    const token = headers.get('osooffset') ?? ''
    const late = await read(edge, token)
    expect([late.status, late.headers.get('retry-after')]).toEqual([503, '1'])
    const patient = await startEdge({ objects, settings: { ARCTOS_TOKEN_WAIT_MS: '20000' } })
    const waiting = read(patient.edge, token)
    await publish()
    await expect
      .poll(() => patient.environments.refresh().then(() => patient.environments.find(developmentEnvironment)?.position))
      .toBe(token)
    expect((await waiting).body.allowed).toBe(true)
  })

  test('http 20: foreign and garbled tokens are ignored', async () => {
    const { edge, origin } = await started()
    for (const token of ['garbage', 'other.log:99', 'other.log:x', '', ' '])
      expect((await edge.post('/api/authorize', asked(anaReads), { headers: { OsoOffset: token } })).status).toBe(200)
    expect(origin.forwarded).toEqual([])
  })
})

describe('writes', () => {
  test('go to the origin as they came, and its answer comes back as it is', async () => {
    const { edge, origin } = await started()
    const { status, headers, body } = await edge.post('/api/batch?force=%20x', batch(anaRole), {
      headers: { 'X-Request-ID': 'abc', OsoOffset: 'before:1', 'X-Oso-Instance-Id': 'me', Connection: 'x-private', 'X-Private': 'p' },
    })
    expect(status).toBe(200)
    expect(body.message).toBe('1 change written')
    expect(headers.get('x-request-id')).toBe('abc')
    expect(headers.get('osooffset')).toMatch(/:\d+$/)
    expect(headers.get('server-timing')).toMatch(/^oso;dur=/)
    expect(headers.get('arctos-revision')).not.toBe(null)
    const sent = new Headers(origin.forwarded[0]?.init.headers)
    expect(origin.forwarded[0]?.url).toBe('http://origin/api/batch?force=%20x')
    expect(Object.fromEntries(sent)).toMatchObject({ 'x-request-id': 'abc', osooffset: 'before:1', 'x-oso-instance-id': 'me' })
    for (const name of ['connection', 'x-private', 'host', 'content-length', 'transfer-encoding']) expect(sent.has(name)).toBe(false)
  })

  test('a request id of ours goes both ways', async () => {
    const { edge, origin } = await started()
    const { headers } = await edge.post('/api/batch', [])
    expect(headers.get('x-request-id')).toBe(new Headers(origin.forwarded[0]?.init.headers).get('x-request-id'))
  })

  test('refusals of the origin come back too, in the shape of the endpoint', async () => {
    const { edge, cell } = await started()
    expect((await edge.post('/api/batch', [], { key: readOnlyKey })).status).toBe(403)
    expect((await edge.post('/api/batch', [], { key: null })).status).toBe(401)
    const refused = await edge.post('/api/policy', { src: 'nonsense' })
    expect([refused.status, refused.body.error_type]).toEqual([400, 'Validation'])
    expect((await edge.ask('DELETE', '/api/facts', fact(anaRole))).status).toBe(200)
    expect(await cell.stored()).toEqual([])
  })

  test('http 57: a repetition with the same request id has one effect', async () => {
    const { edge, cell } = await started()
    const options = { headers: { 'X-Request-ID': 'once' } }
    const first = await edge.post('/api/batch', batch(anaRole), options)
    await cell.post('/api/batch', [{ deletes: [fact(anaRole)] }])
    const again = await edge.post('/api/batch', batch(anaRole), options)
    expect(again.headers.get('osooffset')).toBe(first.headers.get('osooffset'))
    expect(await cell.stored()).toEqual([])
  })

  test('with the origin down they are 503 with Retry-After, with the revision of this edge, and reads go on', async () => {
    const { edge, origin } = await started()
    await edge.authorize(anaReads)
    origin.state.down = true
    const { status, headers, body } = await edge.post('/api/batch', batch(anaRole))
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    expect(headers.get('arctos-revision')).not.toBe(null)
    expect(body.message).toContain('origin')
    const policy = await edge.post('/api/policy', { src: basic })
    expect([policy.status, policy.body.error_type]).toEqual([503, 'Generic'])
    expect((await edge.authorize(anaReads)).status).toBe(200)
  })

  test('an origin that does not answer in time is 503', async () => {
    const { cell, publish, objects } = await startCell()
    await publish()
    expect(await cell.stored()).toEqual([])
    const hangs = (_: string, { signal }: RequestInit): Promise<Response> =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('aborted')))
      })
    const { edge } = await startEdge({ objects, origin: hangs })
    expect((await edge.post('/api/batch', [])).status).toBe(503)
  })

  test('no answer of this API is none: redirects and answers without a body are 503', async () => {
    const { objects } = await startCell()
    for (const status of [301, 302, 204, 304]) {
      const { edge } = await startEdge({ objects, origin: async () => new Response(null, { status, headers: { Location: '/' } }) })
      expect((await edge.post('/api/batch', [])).status).toBe(503)
    }
  })

  test('an edge whose origin is itself ends after a few hops', async () => {
    const { objects } = await startCell()
    const loop: { fetch?: (url: string, init: RequestInit) => Promise<Response> } = {}
    let hops = 0
    const { edge } = await startEdge({
      objects,
      origin: async (url, init) => {
        hops++
        return (await loop.fetch?.(url, init)) ?? new Response()
      },
    })
    loop.fetch = async (url, init) => edge.app.request(new URL(url).pathname, init)
    expect((await edge.post('/api/batch', [])).status).toBe(503)
    expect(hops).toBe(4)
  })

  test('without an origin they are 403', async () => {
    const { cell, publish, objects } = await startCell()
    await cell.policy(basic)
    await publish()
    const { edge } = await startEdge({ objects })
    for (const [method, path] of mutations) {
      const { status, body } = await edge.ask(method, path, {})
      expect([path, status]).toEqual([path, 403])
      expect(body.message).toContain('no origin')
    }
    expect((await edge.post('/api/batch', [], { key: null })).status).toBe(401)
  })
})

export const mutations = [
  ['POST', '/api/policy'],
  ['POST', '/api/facts'],
  ['DELETE', '/api/facts'],
  ['POST', '/api/bulk_load'],
  ['POST', '/api/bulk_delete'],
  ['POST', '/api/bulk'],
  ['POST', '/api/batch'],
  ['POST', '/api/clear_data'],
] as const

describe('control', () => {
  test('keys that are made and revoked take effect with the next look; deleted environments go', async () => {
    const { cell, edge, publish, environments, keys } = await started()
    await cell.replicator.createEnvironment('acme')
    const key = 'e_acme_k1_acmesecretkey000001'
    const hash = Array.from(cell.service.platform.sha256(key), (byte) => byte.toString(16).padStart(2, '0')).join('')
    const args = [
      { type: 'Environment', id: 'acme' },
      { type: 'String', id: 'k1' },
      { type: 'String', id: 'read-write' },
      { type: 'String', id: hash },
    ]
    await cell.replicator.append(
      controlEnvironment,
      { kind: 'facts', changes: [{ kind: 'insert', fact: { predicate: 'key', args } }] },
      'key-1',
    )
    expect((await edge.get('/api/stats', { key })).status).toBe(401)
    await publish()
    await environments.refresh()
    expect((await edge.get('/api/stats', { key })).status).toBe(200)
    const pattern = { predicate: 'key', args }
    await cell.replicator.append(controlEnvironment, { kind: 'facts', changes: [{ kind: 'delete', pattern }] }, 'key-2')
    await publish()
    await environments.refresh()
    expect((await edge.get('/api/stats', { key })).status).toBe(401)
    expect(environments.find('acme')).not.toBe(undefined)
    await cell.replicator.deleteEnvironment('acme')
    await cell.replicator.publish(controlEnvironment)
    await environments.refresh()
    expect(environments.find('acme')).toBe(undefined)
    expect(keys.records().some(({ environment }) => environment === 'acme')).toBe(false)
  })

  test('nobody reaches the environment `control` by a key', async () => {
    const { environments } = await started()
    expect(environments.load(controlEnvironment)).toBe(undefined)
  })
})

describe('memory', () => {
  test('the least recently used environment goes, and comes back when it is asked for', async () => {
    const { cell, publish, objects } = await startCell()
    await cell.policy(basic)
    await cell.policy(basic, { key: secondKey })
    await publish()
    const { edge, environments, pool } = await startEdge({ objects, environments: { maxBytes: 1 } })
    const ask = async (key?: string) => (await edge.get('/api/stats', key === undefined ? {} : { key })).status
    expect(await ask()).toBe(200)
    expect(await ask(secondKey)).toBe(200)
    expect([...environments.all()].map(({ id }) => id)).toEqual(['second'])
    expect(await ask()).toBe(200)
    expect([...environments.all()].map(({ id }) => id)).toEqual([developmentEnvironment])
    for (let round = 0; round < 10; round++) expect([await ask(), await ask(secondKey)]).toEqual([200, 200])
    // `control`, the one that is left, and the scratch database of policy checks.
    expect(pool.use().used).toBe(3)
  })

  test('a request in flight ends on an environment that was dropped', async () => {
    const { cell, publish, objects } = await startCell()
    await cell.policy(basic)
    await cell.facts(anaRole)
    await publish()
    const { edge, environments } = await startEdge({ objects, environments: { maxBytes: 1 } })
    await edge.authorize(anaReads)
    const slow = new TransformStream<Uint8Array, Uint8Array>()
    const writer = slow.writable.getWriter()
    const init: RequestInit & { readonly duplex: 'half' } = {
      method: 'POST',
      headers: { Authorization: 'Bearer e_0123456789_12345_osotesttoken01xiIn' },
      body: slow.readable,
      duplex: 'half',
    }
    const answer = edge.app.request('/api/authorize', init)
    const bytes = new TextEncoder().encode(JSON.stringify(asked(anaReads)))
    await writer.write(bytes.slice(0, 10))
    await edge.get('/api/stats', { key: secondKey })
    expect(environments.find(developmentEnvironment)).toBe(undefined)
    await writer.write(bytes.slice(10))
    await writer.close()
    expect(await (await answer).json()).toEqual({ allowed: true })
  })
})

describe('readiness', () => {
  test('an edge is not ready before it knows how old its state is, and answers all the same', async () => {
    const { edge, environments } = await started()
    expect((await edge.get('/readyz')).status).toBe(503)
    expect((await edge.authorize(anaReads)).status).toBe(200)
    await expect
      .poll(
        async () => {
          await environments.refresh()
          return (await edge.get('/readyz')).status
        },
        { timeout: 30_000 },
      )
      .toBe(200)
  })

  test('and not past the bound', async () => {
    const { edge, environments, clock, state } = await started()
    await edge.authorize(anaReads)
    await expect
      .poll(
        async () => {
          await environments.refresh()
          return environments.find(developmentEnvironment)?.stalenessMs() === null ? 'of unknown age' : environments.problem()
        },
        { timeout: 30_000 },
      )
      .toBe(null)
    state.down = true
    clock.ms += 60_000
    await environments.refresh()
    expect((await edge.get('/readyz')).status).toBe(503)
    const { status, headers } = await edge.authorize(anaReads)
    expect(status).toBe(200)
    expect(Number(headers.get('arctos-staleness-ms'))).toBeGreaterThanOrEqual(60_000)
  })

  test('with a fence, what is too old or of unknown age is refused', async () => {
    const { cell, publish, objects } = await startCell()
    await cell.policy(basic)
    await publish()
    const { edge, environments, clock } = await startEdge({ objects, settings: { ARCTOS_MAX_STALENESS_MS: '5000' } })
    const first = await edge.authorize(anaReads)
    expect([first.status, first.headers.get('retry-after')]).toEqual([503, '1'])
    await expect
      .poll(
        async () => {
          await environments.refresh()
          return (await edge.authorize(anaReads)).status
        },
        { timeout: 30_000 },
      )
      .toBe(200)
    clock.ms += 60_000
    expect((await edge.authorize(anaReads)).status).toBe(503)
  })
})

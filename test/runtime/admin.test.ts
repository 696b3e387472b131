/** The admin API over in-memory parts: environments and keys come and go while the process serves. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { LogError } from '../../src/log/log.ts'
import { developmentEnvironment, developmentKey } from '../../src/wire/api-key.ts'
import { adminKey, askAdmin, createAdminHarness, createEnvironment, createKey } from './support/admin.ts'
import { createHarness, secondKey } from './support/harness.ts'
import { passOn } from './support/pass-on.ts'
import { basic } from './support/policies.ts'
import { readerOf } from './support/roles.ts'

const open = async () => createAdminHarness(await inMemoryReplicator())

const paths = [
  ['GET', '/v1/status'],
  ['GET', '/v1/admin/environments'],
  ['POST', '/v1/admin/environments'],
  ['DELETE', '/v1/admin/environments'],
  ['GET', '/v1/admin/keys'],
  ['POST', '/v1/admin/keys'],
  ['DELETE', '/v1/admin/keys'],
  ['POST', '/v1/admin/snapshot'],
  ['POST', '/v1/admin/restore'],
] as const

const bodyFor = (method: string): unknown => (method === 'GET' ? undefined : {})

describe('the admin key', () => {
  test('missing, wrong, malformed, or an API key: 401', async () => {
    const http = await open()
    for (const key of [null, 'a_adminkeyofthetests012345678', `${adminKey}0`, 'nonsense', developmentKey, adminKey.toUpperCase()]) {
      for (const [method, path] of paths) expect((await askAdmin(http, `${method} ${path}`, bodyFor(method), { key })).status).toBe(401)
    }
  })

  test('not configured: 404', async () => {
    const http = await createHarness({ replicator: await inMemoryReplicator() })
    for (const [method, path] of paths) {
      expect((await askAdmin(http, `${method} ${path}`, bodyFor(method))).status).toBe(404)
      expect((await askAdmin(http, `${method} ${path}`, bodyFor(method), { key: developmentKey })).status).toBe(404)
    }
  })

  test('it opens no environment', async () => {
    const http = await open()
    expect((await http.get('/api/facts', { key: adminKey })).status).toBe(401)
  })
})

describe('environments', () => {
  test('one that is created serves at once, with a key of its own', async () => {
    const http = await open()
    const created = await askAdmin(http, 'POST /v1/admin/environments', { id: 'blue', partition: 1 })
    expect(created.status).toBe(200)
    expect(created.body).toMatchObject({ id: 'blue', partition: 1, temporary: false, facts: 0, keys: 0, problem: null })
    expect(created.headers.get('Arctos-Applied')).toBeNull()
    const { key } = await createKey(http, 'blue')
    await http.policy(basic, { key })
    expect((await http.post('/api/facts', readerOf('ann', 'r1'), { key })).status).toBe(200)
    expect((await http.get('/api/facts', { key })).body).toHaveLength(1)
    expect(await http.stored()).toEqual([])
  })

  test('creating one again answers what is there; another partition is a conflict', async () => {
    const http = await open()
    await createEnvironment(http, 'blue', 1)
    expect((await askAdmin(http, 'POST /v1/admin/environments', { id: 'blue' })).body.partition).toBe(1)
    const other = await askAdmin(http, 'POST /v1/admin/environments', { id: 'blue', partition: 0 })
    expect([other.status, other.body.message]).toEqual([409, 'environment `blue` exists in partition 1'])
    expect(other.headers.get('Retry-After')).toBeNull()
  })

  test('bad ids and bodies: 400', async () => {
    const http = await open()
    for (const id of ['', 'a_b', 'a b', 'ä', '../x', 'x'.repeat(65), 'control', '*'])
      expect((await askAdmin(http, 'POST /v1/admin/environments', { id })).status).toBe(400)
    for (const body of [
      {},
      { id: 1 },
      { id: null },
      [],
      'x',
      { id: 'x', partition: -1 },
      { id: 'x', partition: 'a' },
      { id: 'x', partition: 1.5 },
    ])
      expect((await askAdmin(http, 'POST /v1/admin/environments', body)).status).toBe(400)
    expect((await askAdmin(http, 'POST /v1/admin/environments', undefined, { raw: '{' })).status).toBe(400)
    expect((await askAdmin(http, 'POST /v1/admin/environments', undefined, { raw: ' '.repeat(70_000) })).status).toBe(413)
  })

  test('the list has all of them, those of this process too, and never control', async () => {
    const http = await open()
    await createEnvironment(http, 'blue')
    const { body: made } = await http.post('/test_environment')
    const { body } = await askAdmin(http, 'GET /v1/admin/environments')
    const temporary = made.token.split('_')[1]
    expect(new Set(body.environments.map(({ id }) => id))).toEqual(new Set([developmentEnvironment, 'blue', 'second', temporary]))
    expect(body.environments.find(({ id }) => id === temporary)).toMatchObject({ temporary: true, partition: null, keys: 1 })
  })

  test('a deleted one is 401 from then on, and its id is never used again', async () => {
    const http = await open()
    await createEnvironment(http, 'blue')
    const { key } = await createKey(http, 'blue')
    expect((await http.get('/api/stats', { key })).status).toBe(200)
    expect((await askAdmin(http, 'DELETE /v1/admin/environments', { id: 'blue' })).status).toBe(200)
    expect((await http.get('/api/stats', { key })).status).toBe(401)
    const again = await askAdmin(http, 'POST /v1/admin/environments', { id: 'blue' })
    expect([again.status, again.body.message]).toEqual([
      409,
      'environment `blue` was deleted, and ids are never used again: choose another one',
    ])
    for (const [method, path, body] of [
      ['DELETE', '/v1/admin/environments', { id: 'blue' }],
      ['POST', '/v1/admin/keys', { environment: 'blue' }],
      ['POST', '/v1/admin/snapshot', { environment: 'blue' }],
      ['POST', '/v1/admin/restore', { environment: 'blue', revision: 1 }],
    ] as const)
      expect((await askAdmin(http, `${method} ${path}`, body)).status).toBe(404)
  })

  test('keys that a process was configured with end with their environment, too', async () => {
    const http = await open()
    expect((await http.get('/api/stats', { key: secondKey })).status).toBe(200)
    expect((await askAdmin(http, 'DELETE /v1/admin/environments', { id: 'second' })).status).toBe(200)
    expect((await http.get('/api/stats', { key: secondKey })).status).toBe(401)
  })

  test('a process that starts with keys of a deleted environment serves the others', async () => {
    const replicator = await inMemoryReplicator()
    const before = await createAdminHarness(replicator)
    await askAdmin(before, 'DELETE /v1/admin/environments', { id: 'second' })
    const http = await createAdminHarness(replicator)
    expect((await http.get('/api/stats', { key: secondKey })).status).toBe(401)
    expect((await http.get('/api/stats')).status).toBe(200)
    expect(http.logged.map(({ event }) => event)).toContain('keys-of-a-deleted-environment')
  })

  test('the default one of a development server stays; test environments are no business of it', async () => {
    const http = await open()
    expect((await askAdmin(http, 'DELETE /v1/admin/environments', { id: developmentEnvironment })).status).toBe(409)
    const { body } = await http.post('/test_environment')
    const id = body.token.split('_')[1]
    expect((await askAdmin(http, 'DELETE /v1/admin/environments', { id })).status).toBe(404)
    expect((await askAdmin(http, 'POST /v1/admin/environments', { id })).status).toBe(409)
    expect((await http.get('/api/stats', { key: body.token })).status).toBe(200)
  })

  test('many creations of one environment give one partition', async () => {
    const replicator = await inMemoryReplicator()
    const cells = [await createAdminHarness(replicator), await createAdminHarness(replicator)]
    const answers = await Promise.all(
      [0, 1, 0, 1, 0, 1].flatMap((partition) =>
        cells.map((http) => askAdmin(http, 'POST /v1/admin/environments', partition === 0 ? { id: 'blue' } : { id: 'blue', partition })),
      ),
    )
    for (const http of cells) {
      const { body } = await askAdmin(http, 'GET /v1/admin/environments')
      const [only, ...more] = body.environments.filter(({ id }) => id === 'blue')
      expect(more).toEqual([])
      const good = answers.filter(({ status }) => status === 200)
      expect(good.length).toBeGreaterThan(0)
      for (const answer of good) expect(answer.body.partition).toBe(only?.partition)
    }
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true)
  })

  test('an environment that cannot be opened is tried again', async () => {
    const replicator = await inMemoryReplicator()
    let failures = 2
    const http = await createAdminHarness(
      passOn(replicator, {
        async createEnvironment(env, options) {
          await replicator.createEnvironment(env, options)
          if (env === 'blue' && failures-- > 0) throw new LogError('unavailable', 'the log is away')
        },
      }),
    )
    expect((await askAdmin(http, 'POST /v1/admin/environments', { id: 'blue' })).status).toBe(503)
    await expect.poll(() => http.environments.find('blue') !== undefined, { timeout: 10_000 }).toBe(true)
    expect(http.logged.map(({ event }) => event)).toContain('environment-not-opened')
    expect((await http.get('/readyz', { key: null })).status).toBe(200)
  })
})

describe('keys', () => {
  test('the list never shows a key or a hash', async () => {
    const http = await open()
    const { key, tokenId } = await createKey(http, developmentEnvironment, 'read-only')
    const { text, body } = await askAdmin(http, `GET /v1/admin/keys?environment=${developmentEnvironment}`)
    expect(body.keys).toContainEqual({ environment: developmentEnvironment, token_id: tokenId, access: 'read-only', source: 'control' })
    expect(body.keys).toContainEqual({ environment: developmentEnvironment, token_id: '12345', access: 'read-write', source: 'process' })
    expect(text).not.toContain(key.split('_')[3])
    expect(text).not.toMatch(/[0-9a-f]{64}/)
    expect((await askAdmin(http, 'GET /v1/admin/keys')).body.keys.length).toBeGreaterThan(body.keys.length)
  })

  test('a read-only key reads and does not write', async () => {
    const http = await open()
    const { key } = await createKey(http, developmentEnvironment, 'read-only')
    expect((await http.get('/api/stats', { key })).status).toBe(200)
    expect((await http.post('/api/clear_data', {}, { key })).status).toBe(403)
  })

  test('a revoked key is 401 with the next request, although it was in use', async () => {
    const http = await open()
    const { key, tokenId } = await createKey(http, developmentEnvironment)
    for (let times = 0; times < 3; times++) expect((await http.get('/api/stats', { key })).status).toBe(200)
    const revoked = await askAdmin(http, 'DELETE /v1/admin/keys', { environment: developmentEnvironment, token_id: tokenId })
    expect(revoked.status).toBe(200)
    expect((await http.get('/api/stats', { key })).status).toBe(401)
    expect((await askAdmin(http, 'DELETE /v1/admin/keys', { environment: developmentEnvironment, token_id: tokenId })).status).toBe(404)
    expect((await http.get('/api/stats')).status).toBe(200)
  })

  test('configured keys cannot be revoked here', async () => {
    const http = await open()
    const { status, body } = await askAdmin(http, 'DELETE /v1/admin/keys', { environment: developmentEnvironment, token_id: '12345' })
    expect([status, body.message]).toEqual([409, 'key `12345` does not come from the control environment: take it out of the key file'])
  })

  test('the 129th key of an environment is refused, concurrent requests or not', async () => {
    const http = await open()
    await createEnvironment(http, 'blue')
    const make = async (count: number) =>
      Promise.all(Array.from({ length: count }, () => askAdmin(http, 'POST /v1/admin/keys', { environment: 'blue' })))
    const made = [...(await make(60)), ...(await make(60))]
    expect(made.every(({ status }) => status === 200)).toBe(true)
    // 8 more fit, whichever they are.
    const last = await make(20)
    expect(last.filter(({ status }) => status === 200)).toHaveLength(8)
    const refused = last.filter(({ status }) => status === 409)
    expect(refused).toHaveLength(12)
    for (const { body } of refused) expect(body.message).toBe('environment `blue` has 128 keys, at most 128 are allowed')
    expect((await askAdmin(http, 'GET /v1/admin/keys?environment=blue')).body.keys).toHaveLength(128)
  })

  test('bad requests: 400, unknown environments: 404', async () => {
    const http = await open()
    for (const body of [{}, { environment: 1 }, { environment: 'x', access: 'all' }, []])
      expect((await askAdmin(http, 'POST /v1/admin/keys', body)).status).toBe(400)
    for (const environment of ['nowhere', 'control', '', 'a_b'])
      expect((await askAdmin(http, 'POST /v1/admin/keys', { environment })).status).toBe(404)
  })

  test('more changes than may wait: 503, and none of those is made', async () => {
    const http = await open()
    const answers = await Promise.all(
      Array.from({ length: 80 }, () => askAdmin(http, 'POST /v1/admin/keys', { environment: developmentEnvironment })),
    )
    const refused = answers.filter(({ status }) => status === 503)
    expect(refused.length).toBe(16)
    expect(refused[0]?.headers.get('Retry-After')).toBe('1')
    const { body } = await askAdmin(http, `GET /v1/admin/keys?environment=${developmentEnvironment}`)
    expect(body.keys.filter(({ source }) => source === 'control')).toHaveLength(64)
  })
})

describe('repetitions', () => {
  test('with the same X-Request-ID a key is made once', async () => {
    const http = await open()
    const headers = { 'X-Request-ID': 'once' }
    const [first, second] = await Promise.all([
      askAdmin(http, 'POST /v1/admin/keys', { environment: developmentEnvironment }, { headers }),
      askAdmin(http, 'POST /v1/admin/keys', { environment: developmentEnvironment }, { headers }),
    ])
    expect(first.body.key).toBe(second.body.key)
    expect((await http.get('/api/stats', { key: first.body.key })).status).toBe(200)
  })

  test('after an unknown outcome the same key is made', async () => {
    let lost = 1
    const replicator = await inMemoryReplicator()
    const http = await createAdminHarness(
      passOn(replicator, {
        async append(env, body, writeId) {
          const appended = await replicator.append(env, body, writeId)
          if (env === 'control' && lost-- > 0) throw new LogError('unknown-outcome', 'the answer was lost')
          return appended
        },
      }),
    )
    const headers = { 'X-Request-ID': 'again' }
    const body = { environment: developmentEnvironment }
    expect((await askAdmin(http, 'POST /v1/admin/keys', body, { headers })).status).toBe(503)
    const { status, body: made } = await askAdmin(http, 'POST /v1/admin/keys', body, { headers })
    expect(status).toBe(200)
    expect((await http.get('/api/stats', { key: made.key })).status).toBe(200)
    const { body: listed } = await askAdmin(http, `GET /v1/admin/keys?environment=${developmentEnvironment}`)
    expect(listed.keys.filter(({ source }) => source === 'control')).toHaveLength(1)
  })
})

describe('snapshots and status', () => {
  test('snapshot and restore go to the replicator', async () => {
    const asked: unknown[] = []
    const http = await createAdminHarness(
      passOn(await inMemoryReplicator(), {
        publish: async (env) => {
          asked.push(env)
          return { revision: 3, coveredThrough: 5, key: `${env}/snapshots/3` }
        },
        restore: async (env, revision) => {
          asked.push([env, revision])
          if (revision === 99) throw new LogError('out-of-range', 'revision 99 is not retained')
          return { revision: 0, applied: true }
        },
      }),
    )
    const { body } = await askAdmin(http, 'POST /v1/admin/snapshot', { environment: 'second' })
    expect(body).toEqual({ environment: 'second', revision: 3, covered_through: 5, key: 'second/snapshots/3' })
    expect((await askAdmin(http, 'POST /v1/admin/snapshot', { environment: 'control' })).status).toBe(200)
    const restored = await askAdmin(http, 'POST /v1/admin/restore', { environment: 'second', revision: 2 })
    expect(restored.body).toEqual({ environment: 'second', revision: 0 })
    const gone = await askAdmin(http, 'POST /v1/admin/restore', { environment: 'second', revision: 99 })
    expect([gone.status, gone.body.message]).toEqual([400, 'revision 99 is not retained'])
    expect((await askAdmin(http, 'POST /v1/admin/restore', { environment: 'control', revision: 2 })).status).toBe(400)
    expect(asked).toEqual(['second', 'control', ['second', 2], ['second', 99]])
  })

  test('status: the log, and each environment with its lag', async () => {
    const http = await open()
    await http.policy(basic)
    const { body } = await askAdmin(http, 'GET /v1/status')
    expect(body.unready).toBeNull()
    expect(body.log).toMatchObject({ state: 'running', problem: null, pending_appends: 0 })
    const found = body.environments.find(({ id }) => id === developmentEnvironment)
    expect(found).toMatchObject({ lag: 0, staleness_ms: 0, problem: null })
    expect(found?.revision).toBe(found?.head)
    expect(body.environments.map(({ id }) => id)).toContain('control')
  })

  test('status without the replicator', async () => {
    const replicator = await inMemoryReplicator()
    let away = false
    const http = await createAdminHarness(
      passOn(replicator, {
        async environments() {
          if (away) throw new LogError('unavailable', 'the replicator does not answer')
          return replicator.environments()
        },
      }),
    )
    away = true
    const { status, body } = await askAdmin(http, 'GET /v1/status')
    expect(status).toBe(200)
    expect(body.log.problem).toBe('the replicator does not answer')
    expect(body.environments.every(({ head, lag }) => head === null && lag === null)).toBe(true)
  })
})

describe('bad input', () => {
  /** Nothing is a bug, whatever was sent. */
  const checkCalm = (
    http: Awaited<ReturnType<typeof open>>,
    what: string,
    { status, text }: { readonly status: number; readonly text: string },
  ) => {
    expect({ what, text, calm: [200, 400, 404, 409].includes(status) ? 'yes' : status }).toEqual({ what, text, calm: 'yes' })
    expect(http.logged.filter(({ level }) => level === 'error')).toEqual([])
  }
  const writes = fc.constantFrom(...paths.filter(([method]) => method !== 'GET').map((what) => what.join(' ')))
  const text = fc.oneof(
    fc.constantFrom('blue', '', '__proto__', '\ud800', '\0', '../x', 'control', developmentEnvironment, '12345'),
    fc.string(),
  )
  const odd = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(-1, 1.5, 1e300, 2 ** 53, 'read-only'))

  test('random JSON and bytes', async () => {
    const http = await open()
    await fc.assert(
      fc.asyncProperty(writes, fc.oneof(fc.json(), fc.string()), async (what, raw) => {
        checkCalm(http, what, await askAdmin(http, what, undefined, { raw }))
      }),
      { numRuns: 200 },
    )
  })

  test('good shapes with odd members', async () => {
    const publish = async () => ({ revision: 1, coveredThrough: 1, key: 'k' })
    const restore = async () => ({ revision: 1, applied: true })
    const http = await createAdminHarness(passOn(await inMemoryReplicator(), { publish, restore }))
    await createEnvironment(http, 'blue')
    const body = fc.record({ id: text, partition: odd, environment: text, access: odd, token_id: odd, revision: odd }, { requiredKeys: [] })
    await fc.assert(
      fc.asyncProperty(writes, body, async (what, sent) => {
        checkCalm(http, what, await askAdmin(http, what, sent))
      }),
      { numRuns: 200 },
    )
    expect((await http.get('/api/stats')).status).toBe(200)
  })
})

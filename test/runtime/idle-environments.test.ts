/** Environments that nobody uses are dropped from memory when it is short, and nobody who asks for one notices. */
import { describe, expect, test } from 'vitest'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { leastUsed } from '../../runtime/least-used.ts'
import { known } from '../../src/base/assert.ts'
import { controlEnvironment } from '../../src/log/control.ts'
import type { InnerReplicator } from '../../src/log/inner.ts'
import { LogError } from '../../src/log/log.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { serve } from '../replicator/http-harness.ts'
import { adminHash, adminKey, askAdmin, createAdminHarness, createEnvironment, createKey } from './support/admin.ts'
import { eventually, startCell } from './support/cell-process.ts'
import { asked, fact, type Harness, type HarnessOptions } from './support/harness.ts'
import { passOn } from './support/pass-on.ts'
import { basic } from './support/policies.ts'
import { get } from './support/process.ts'

describe('which go', () => {
  const one = (id: string, usedAt: number, canGo = true) => ({ id, usedAt, bytes: 10, canGo })

  test('none while all fit', () => {
    expect(leastUsed([one('a', 1), one('b', 2)], 20)).toEqual([])
  })

  test('the least recently used first, as many as it takes', () => {
    expect(leastUsed([one('c', 3), one('a', 1), one('b', 2)], 25)).toEqual(['a'])
    expect(leastUsed([one('c', 3), one('a', 1), one('b', 2)], 15)).toEqual(['a', 'b'])
  })

  test('never the one that was used last, and none that must not', () => {
    expect(leastUsed([one('c', 3), one('a', 1, false), one('b', 2)], 0)).toEqual(['b'])
    expect(leastUsed([one('a', 1)], 0)).toEqual([])
    expect(leastUsed([], 0)).toEqual([])
  })
})

/** Everything is too much, and everything that no request holds is idle. */
const short: HarnessOptions = { settings: { ARCTOS_MEMORY_MIB: '1' }, idleMs: 0 }

const environmentWith = async (http: Harness, id: string): Promise<string> => {
  await createEnvironment(http, id)
  const { key } = await createKey(http, id)
  await http.policy(basic, { key })
  await insert(http, key, 'r1')
  return key
}

const grantOf = (repo: string) => fact(`has_role(User:ana, String:reader, Repo:${repo})`)

const insert = (http: Harness, key: string, repo: string) => http.post('/api/batch', [{ inserts: [grantOf(repo)] }], { key })

const allowed = async (http: Harness, key: string, repo: string, token?: string | null) => {
  const { status, body } = await http.post('/api/authorize', asked(`User:ana read Repo:${repo}`), {
    key,
    ...(token != null && { headers: { OsoOffset: token } }),
  })
  return status === 200 ? body.allowed : status
}

/** Drops all that can be, and looks that `id` is among it. */
const unload = async (http: Harness, id: string): Promise<void> => {
  if (http.environments.find(developmentEnvironment) === undefined) await http.environments.load(developmentEnvironment)
  http.environments.dropIdle()
  expect(http.environments.serves(id)).toBe(true)
  expect(idsInMemory(http)).not.toContain(id)
}

const idsInMemory = (http: Harness): readonly string[] => Array.from(http.environments.all(), ({ id }) => id).toSorted()

/** In one process, and as runtimes of a replicator that is another one. */
const cells: readonly (readonly [
  string,
  () => Promise<{ replicator: InnerReplicator; another: () => InnerReplicator; end: () => Promise<void> }>,
])[] = [
  [
    'all-in-one',
    async () => {
      const replicator = await inMemoryReplicator()
      return { replicator, another: () => replicator, end: () => replicator.close() }
    },
  ],
  [
    'two processes',
    async () => {
      const served = await serve()
      return { replicator: served.client(), another: () => served.client(), end: served.end }
    },
  ],
]

describe.each(cells)('an environment that nobody uses, %s', (_name, start) => {
  const use = async (work: (http: Harness, cell: Awaited<ReturnType<typeof start>>) => Promise<void>): Promise<void> => {
    const cell = await start()
    const http = await createAdminHarness(cell.replicator, short)
    try {
      await work(http, cell)
    } finally {
      http.environments.close()
      await cell.end()
    }
  }

  test('gives its memory back, and is loaded for the first question', () =>
    use(async (http) => {
      const key = await environmentWith(http, 'blue')
      const others = http.pool.use().used - idsInMemory(http).length
      await unload(http, 'blue')
      expect(http.pool.use().used).toBe(others + idsInMemory(http).length)
      expect([await allowed(http, key, 'r1'), await allowed(http, key, 'r2')]).toEqual([true, false])
      expect(idsInMemory(http)).toContain('blue')
    }))

  test('is loaded once for questions that come together, each of them answered', () =>
    use(async (http) => {
      const keys = [await environmentWith(http, 'blue'), await environmentWith(http, 'green')]
      for (let round = 0; round < 5; round++) {
        for (const id of ['blue', 'green']) await unload(http, id)
        const { reloads } = http.environments
        const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => allowed(http, known(keys[index % 2], 'a key'), 'r1')))
        expect(answers).toEqual(answers.map(() => true))
        expect(http.environments.reloads).toBe(reloads + 2)
      }
    }))

  test('takes writes, which are read at once', () =>
    use(async (http) => {
      const key = await environmentWith(http, 'blue')
      for (let round = 0; round < 5; round++) {
        await unload(http, 'blue')
        const written = await insert(http, key, `w${round}`)
        expect([written.status, written.headers.get('Arctos-Applied')]).toEqual([200, null])
        expect(await allowed(http, key, `w${round}`)).toBe(true)
        await unload(http, 'blue')
        expect(await allowed(http, key, `w${round}`, written.headers.get('OsoOffset'))).toBe(true)
      }
      expect(await allowed(http, key, 'r1')).toBe(true)
    }))

  test('has what another runtime wrote meanwhile, also a policy, and holds up none of its writes', () =>
    use(async (http, cell) => {
      const key = await environmentWith(http, 'blue')
      const other = await createAdminHarness(cell.another())
      await expect.poll(() => other.environments.serves('blue'), { timeout: 20_000 }).toBe(true)
      await unload(http, 'blue')
      const written = await insert(other, key, 'r2')
      expect([written.status, written.headers.get('Arctos-Applied')]).toEqual([200, null])
      expect([await allowed(http, key, 'r2'), await allowed(http, key, 'r2', written.headers.get('OsoOffset'))]).toEqual([true, true])
      await unload(http, 'blue')
      await other.policy('actor User {} resource Repo { permissions = ["read"]; }', { key })
      expect(await allowed(http, key, 'r2')).toBe(false)
      other.environments.close()
    }))

  test('that is deleted is gone for good: 401, whether it was in memory or being loaded', () =>
    use(async (http) => {
      const key = await environmentWith(http, 'blue')
      await unload(http, 'blue')
      const asking = Array.from({ length: 10 }, () => allowed(http, key, 'r1'))
      const { status } = await askAdmin(http, 'DELETE /v1/admin/environments', { id: 'blue' })
      expect(status).toBe(200)
      for (const answer of await Promise.all(asking)) expect([true, 401]).toContain(answer)
      await expect.poll(() => allowed(http, key, 'r1'), { timeout: 20_000 }).toBe(401)
      expect(http.environments.serves('blue')).toBe(false)
      const green = await environmentWith(http, 'green')
      await unload(http, 'green')
      await askAdmin(http, 'DELETE /v1/admin/environments', { id: 'green' })
      await expect.poll(() => allowed(http, green, 'r1'), { timeout: 20_000 }).toBe(401)
      expect(http.environments.serves('green')).toBe(false)
    }))

  test('is told as such by the admin API, which restores it too', () =>
    use(async (http) => {
      const key = await environmentWith(http, 'blue')
      const { body: before } = await askAdmin(http, 'POST /v1/admin/snapshot', { environment: 'blue' })
      await insert(http, key, 'r2')
      await unload(http, 'blue')
      const { body: status } = await askAdmin(http, 'GET /v1/status')
      expect(status.environments.find(({ id }) => id === 'blue')).toMatchObject({ revision: null, problem: null, lag: null })
      const { body: list } = await askAdmin(http, 'GET /v1/admin/environments')
      expect(list.environments.find(({ id }) => id === 'blue')).toMatchObject({
        revision: null,
        facts: null,
        problem: null,
        temporary: false,
      })
      expect((await askAdmin(http, 'POST /v1/admin/environments', { id: 'blue' })).headers.get('Arctos-Applied')).toBeNull()
      const restored = await askAdmin(http, 'POST /v1/admin/restore', { environment: 'blue', revision: before.revision })
      expect([restored.status, restored.headers.get('Arctos-Applied')]).toEqual([200, null])
      expect([await allowed(http, key, 'r1'), await allowed(http, key, 'r2')]).toEqual([true, false])
    }))
})

test.each(cells)('behind a fence the first question is answered, too, %s', async (_name, start) => {
  const cell = await start()
  const http = await createAdminHarness(cell.replicator, { ...short, settings: { ...short.settings, ARCTOS_MAX_STALENESS_MS: '20000' } })
  try {
    const key = await environmentWith(http, 'blue')
    for (let round = 0; round < 3; round++) {
      await unload(http, 'blue')
      expect(await allowed(http, key, 'r1')).toBe(true)
    }
  } finally {
    http.environments.close()
    await cell.end()
  }
})

describe('what stays in memory', () => {
  test('`control`, the one that was used last, and test environments', async () => {
    const http = await createAdminHarness(await inMemoryReplicator(), short)
    const { body } = await http.post('/test_environment')
    const temporary = known(body.token.split('_')[1], 'an id')
    await environmentWith(http, 'blue')
    http.environments.dropIdle()
    expect(idsInMemory(http)).toEqual([controlEnvironment, 'blue', temporary].toSorted())
    expect((await http.get('/api/stats', { key: body.token })).status).toBe(200)
  })

  test('what was used a moment ago', async () => {
    let nowMs = 0
    const http = await createAdminHarness(await inMemoryReplicator(), { ...short, idleMs: 1000, platform: { monotonicMs: () => nowMs } })
    await environmentWith(http, 'blue')
    await environmentWith(http, 'green')
    nowMs = 999
    http.environments.dropIdle()
    expect(idsInMemory(http)).toContain('blue')
    nowMs = 1001
    http.environments.find('green')
    http.environments.dropIdle()
    expect(idsInMemory(http)).toEqual([controlEnvironment, 'green'])
  })

  test('all of it while it fits', async () => {
    const http = await createAdminHarness(await inMemoryReplicator(), { idleMs: 0 })
    await environmentWith(http, 'blue')
    http.environments.dropIdle()
    expect(idsInMemory(http)).toContain('blue')
  })

  test('what a request holds, until it is answered', async () => {
    const inner = await inMemoryReplicator()
    const slow = Promise.withResolvers<void>()
    let isSlow = false
    const http = await createAdminHarness(
      passOn(inner, {
        append: async (env, body, writeId) => {
          if (isSlow) await slow.promise
          return inner.append(env, body, writeId)
        },
      }),
      short,
    )
    const key = await environmentWith(http, 'blue')
    await unload(http, 'blue')
    const environment = await known(http.environments.load('blue'), 'it is idle')
    isSlow = true
    const writing = insert(http, key, 'r2')
    await http.environments.load(developmentEnvironment)
    http.environments.dropIdle()
    expect(http.environments.find('blue')).toBe(environment)
    slow.resolve()
    const written = await writing
    expect([written.status, written.headers.get('Arctos-Applied')]).toEqual([200, null])
    await unload(http, 'blue')
    expect(await allowed(http, key, 'r2')).toBe(true)
  })

  test('what could not be had again, because its replicator does not answer', async () => {
    const inner = await inMemoryReplicator()
    let tailOf: ((error: LogError) => void) | undefined
    let isDown = false
    const down = (): never => {
      throw new LogError('unavailable', 'the replicator is away')
    }
    const http = await createAdminHarness(
      passOn(inner, {
        tail: (env, after, reader) => {
          if (isDown) down()
          if (env === 'blue') tailOf = (error) => reader.failed(error)
          return inner.tail(env, after, reader)
        },
        snapshot: (env) => (isDown ? down() : inner.snapshot(env)),
        environments: () => (isDown ? down() : inner.environments()),
      }),
      short,
    )
    const key = await environmentWith(http, 'blue')
    isDown = true
    known(tailOf, 'it is followed')(new LogError('unavailable', 'the replicator is away'))
    await expect.poll(() => http.environments.find('blue')?.isDispensable).toBe(false)
    http.environments.find(developmentEnvironment)
    http.environments.dropIdle()
    expect(await allowed(http, key, 'r1')).toBe(true)
    isDown = false
    await expect.poll(() => http.environments.find('blue')?.isDispensable, { timeout: 20_000 }).toBe(true)
    await unload(http, 'blue')
  })
})

test('a replicator that fails while one is loaded: 503, and the next question finds it', async () => {
  const inner = await inMemoryReplicator()
  let isDown = false
  const http = await createAdminHarness(
    passOn(inner, {
      snapshot: (env) => (isDown ? Promise.reject(new LogError('unavailable', 'the replicator is away')) : inner.snapshot(env)),
    }),
    short,
  )
  const key = await environmentWith(http, 'blue')
  await unload(http, 'blue')
  isDown = true
  expect(await allowed(http, key, 'r1')).toBe(503)
  expect(http.logged.filter(({ event }) => event === 'environment-not-loaded')).toHaveLength(1)
  isDown = false
  expect(await allowed(http, key, 'r1')).toBe(true)
})

test('many environments at a start with little memory: each is loaded when it is asked for', async () => {
  const replicator = await inMemoryReplicator()
  const first = await createAdminHarness(replicator)
  const keys: string[] = []
  for (let index = 0; index < 6; index++) keys.push(await environmentWith(first, `e${index}`))
  const second = await createAdminHarness(replicator, short)
  expect(second.environments.idleCount).toBeGreaterThanOrEqual(6)
  expect(second.service.unready()).toBeNull()
  for (const key of keys) expect(await allowed(second, key, 'r1')).toBe(true)
  expect(second.environments.reloads).toBe(6)
})

test('under load, with environments dropped all the time: no request fails, and each write is read', async () => {
  const http = await createAdminHarness(await inMemoryReplicator(), short)
  const keys: string[] = []
  for (let index = 0; index < 3; index++) keys.push(await environmentWith(http, `e${index}`))
  const over = new AbortController()
  const dropping = (async () => {
    while (!over.signal.aborted) {
      http.environments.dropIdle()
      await new Promise((resolve) => {
        setTimeout(resolve, 1)
      })
    }
  })()
  const client = async (worker: number): Promise<void> => {
    for (let round = 0; round < 30; round++) {
      const key = known(keys[(worker + round) % keys.length], 'a key')
      const { status, headers } = await insert(http, key, `w${worker}-${round}`)
      expect([status, headers.get('Arctos-Applied')]).toEqual([200, null])
      expect(await allowed(http, key, `w${worker}-${round}`, headers.get('OsoOffset'))).toBe(true)
    }
  }
  await Promise.all([0, 1, 2].map(client))
  over.abort()
  await dropping
  expect(http.environments.reloads).toBeGreaterThan(0)
  expect(http.logged.filter(({ level }) => level === 'error')).toEqual([])
})

test('a cell of two processes: an idle environment goes, is counted, and answers with the replicator killed', {
  timeout: 120_000,
}, async () => {
  const settings = { ARCTOS_MEMORY_MIB: '1', ARCTOS_ADMIN_KEY: adminHash, ARCTOS_DELTA_INTERVAL_MS: '50' }
  const cell = await startCell(1, settings)
  const runtime = known(cell.runtimes[0], 'a runtime')
  const ask = async (method: string, path: string, key: string, body?: unknown) => {
    const headers = { Authorization: `Bearer ${key}` }
    const response = await fetch(`${runtime.url}${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
    return { status: response.status, body: (await response.json()) as { readonly key: string; readonly allowed: boolean } }
  }
  expect((await ask('POST', '/v1/admin/environments', adminKey, { id: 'blue' })).status).toBe(200)
  const { key } = (await ask('POST', '/v1/admin/keys', adminKey, { environment: 'blue' })).body
  await ask('POST', '/api/policy', key, { src: basic })
  await ask('POST', '/api/batch', key, [{ inserts: [grantOf('r1')] }])
  const question = asked('User:ana read Repo:r1')
  expect((await ask('POST', '/api/authorize', key, question)).body).toEqual({ allowed: true })
  const metric = async (name: string) => {
    const text = await (await fetch(`${runtime.url}/metrics`)).text()
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1])
  }
  expect(await metric('arctos_environments')).toBe(2)
  await eventually(
    async () => {
      // The other one is used all the time.
      await get(runtime, '/api/stats')
      return metric('arctos_environments_idle')
    },
    (count) => count === 1,
  )
  expect(await metric('arctos_environments')).toBe(2)
  await cell.replicator.end('SIGKILL')
  const answer = await ask('POST', '/api/authorize', key, question)
  expect([answer.status, answer.body]).toEqual([200, { allowed: true }])
  expect(await metric('arctos_environments_idle')).toBe(0)
  expect(await metric('arctos_environment_reloads_total')).toBeGreaterThan(0)
  expect(await metric('arctos_databases_bytes')).toBeGreaterThan(2 ** 20)
})

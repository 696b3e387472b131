/** What follows from the `control` environment in every process, over in-memory parts: also under load, and never into another environment. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { Control } from '../../runtime/control.ts'
import { KeyRing } from '../../runtime/keys.ts'
import { at } from '../../src/base/assert.ts'
import { controlEnvironment } from '../../src/log/control.ts'
import { createMemoryLog } from '../../src/log/memory-log.ts'
import { askAdmin, createAdminHarness, createEnvironment, createKey } from './support/admin.ts'
import { factsIn } from './support/bodies.ts'
import { type Answer, asked, fact, type Harness } from './support/harness.ts'
import { passOn } from './support/pass-on.ts'
import { basic } from './support/policies.ts'

/** Both environments of a test share one partition, and `control` with them. */
const sharedPartition = async () => inMemoryReplicator({ log: createMemoryLog({ logId: 'shared', partitions: 1 }) })

const open = async () => createAdminHarness(await sharedPartition())

const environmentWith = async (http: Harness, id: string, ...facts: string[]): Promise<string> => {
  await createEnvironment(http, id)
  const { key } = await createKey(http, id)
  await http.policy(basic, { key })
  if (facts.length > 0) expect((await http.post('/api/batch', [{ inserts: facts.map(fact) }], { key })).status).toBe(200)
  return key
}

const eventually = { timeout: 10_000, interval: 5 }

describe('every runtime follows', () => {
  test('two runtimes on one replicator', async () => {
    const replicator = await sharedPartition()
    const [first, second] = [await createAdminHarness(replicator), await createAdminHarness(replicator)]
    const key = await environmentWith(first, 'blue', 'has_role(User:ana, String:reader, Repo:r1)')
    await expect.poll(async () => (await second.get('/api/stats', { key })).status, eventually).toBe(200)
    expect((await second.post('/api/authorize', asked('User:ana read Repo:r1'), { key })).body).toEqual({ allowed: true })
    const { key: other, tokenId } = await createKey(second, 'blue')
    await expect.poll(async () => (await first.get('/api/stats', { key: other })).status, eventually).toBe(200)
    await askAdmin(first, 'DELETE /v1/admin/keys', { environment: 'blue', token_id: tokenId })
    await expect.poll(async () => (await second.get('/api/stats', { key: other })).status, eventually).toBe(401)
    expect((await second.get('/api/stats', { key })).status).toBe(200)
    await askAdmin(second, 'DELETE /v1/admin/environments', { id: 'blue' })
    await expect.poll(async () => (await first.get('/api/stats', { key })).status, eventually).toBe(401)
  })

  test('a position of one runtime makes the admin API of another wait for it', async () => {
    const replicator = await sharedPartition()
    const [first, second] = [await createAdminHarness(replicator), await createAdminHarness(replicator)]
    for (let round = 0; round < 10; round++) {
      const { headers } = await askAdmin(first, 'POST /v1/admin/environments', { id: `e${round}` })
      const offset = headers.get('OsoOffset')
      expect(offset).toMatch(/^shared\.control:\d+$/)
      const { body } = await askAdmin(second, 'GET /v1/admin/environments', undefined, { headers: { OsoOffset: offset ?? '' } })
      expect(body.environments.map(({ id }) => id)).toContain(`e${round}`)
    }
    const never = await askAdmin(second, 'GET /v1/status', undefined, { headers: { OsoOffset: 'shared.control:999999' } })
    expect(never.status).toBe(503)
  })

  test('a runtime that starts later serves what was made before, and nothing that was deleted', async () => {
    const replicator = await sharedPartition()
    const before = await createAdminHarness(replicator)
    const blue = await environmentWith(before, 'blue', 'has_role(User:ana, String:reader, Repo:r1)')
    const red = await environmentWith(before, 'red')
    await askAdmin(before, 'DELETE /v1/admin/environments', { id: 'red' })
    const http = await createAdminHarness(replicator)
    expect((await http.get('/api/facts', { key: blue })).body).toHaveLength(1)
    expect((await http.get('/api/facts', { key: red })).status).toBe(401)
    expect((await askAdmin(http, 'POST /v1/admin/environments', { id: 'red' })).status).toBe(409)
  })

  test('deletions and creations of one id that race end the same everywhere', async () => {
    const replicator = await sharedPartition()
    const cells = [await createAdminHarness(replicator), await createAdminHarness(replicator)]
    for (let round = 0; round < 8; round++) {
      const id = `e${round}`
      const [http] = cells
      if (http === undefined) throw new Error('no cell')
      await createEnvironment(http, id)
      const answers = await Promise.all(
        cells.flatMap((cell) => [
          askAdmin(cell, 'DELETE /v1/admin/environments', { id }),
          askAdmin(cell, 'POST /v1/admin/environments', { id }),
        ]),
      )
      expect(answers.every(({ status }) => [200, 404, 409].includes(status))).toBe(true)
      for (const cell of cells) {
        await expect.poll(() => cell.environments.find(id), eventually).toBeUndefined()
        expect((await askAdmin(cell, 'POST /v1/admin/environments', { id })).status).toBe(409)
      }
    }
  })
})

describe('any changes through any runtime', () => {
  const id = fc.constantFrom('a', 'b', 'c')
  const cell = fc.nat({ max: 2 })
  const change = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('create' as const), cell, id }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('key' as const), cell, id }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('revoke' as const), cell, id }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), cell, id }) },
  )

  /** Keys of each environment; null for one that was deleted. */
  class Model {
    readonly keys = new Map<string, { readonly key: string; readonly tokenId: string }[] | null>()
    readonly dead: string[] = []
    offset = ''

    /** Makes the change; the status that came, and the one that had to. */
    async run(http: Harness, { kind, id: env }: { readonly kind: string; readonly id: string }): Promise<readonly [number, number]> {
      const known = this.keys.get(env)
      if (kind === 'create') {
        if (known === undefined) this.keys.set(env, [])
        return [(await this.#ask(http, 'POST /v1/admin/environments', { id: env })).status, known === null ? 409 : 200]
      }
      if (kind === 'key') {
        const { status, body } = await this.#ask(http, 'POST /v1/admin/keys', { environment: env })
        known?.push({ key: body.key, tokenId: body.token_id })
        return [status, known ? 200 : 404]
      }
      if (kind === 'revoke') {
        const one = known?.shift()
        if (one !== undefined) this.dead.push(one.key)
        const { status } = await this.#ask(http, 'DELETE /v1/admin/keys', { environment: env, token_id: one?.tokenId ?? 'none' })
        return [status, one === undefined ? 404 : 200]
      }
      if (known) this.keys.set(env, null)
      this.dead.push(...(known ?? []).map(({ key }) => key))
      return [(await this.#ask(http, 'DELETE /v1/admin/environments', { id: env })).status, known ? 200 : 404]
    }

    async #ask(http: Harness, what: string, body: unknown) {
      const answer = await askAdmin(http, what, body, { headers: { OsoOffset: this.offset } })
      this.offset = answer.headers.get('OsoOffset') ?? this.offset
      return answer
    }
  }

  test('end in the same keys and environments everywhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 25 }), async (changes) => {
        const replicator = await sharedPartition()
        const cells = [await createAdminHarness(replicator), await createAdminHarness(replicator), await createAdminHarness(replicator)]
        const model = new Model()
        for (const one of changes) {
          const [status, expected] = await model.run(at(cells, one.cell), one)
          expect({ one, status }).toEqual({ one, status: expected })
        }
        for (const http of cells) {
          await askAdmin(http, 'GET /v1/status', undefined, { headers: { OsoOffset: model.offset } })
          for (const [env, keys] of model.keys) {
            await expect.poll(() => http.environments.find(env) !== undefined, eventually).toBe(keys !== null)
            for (const { key } of keys ?? []) expect((await http.get('/api/stats', { key })).status).toBe(200)
          }
          for (const key of model.dead) expect((await http.get('/api/stats', { key })).status).toBe(401)
          expect(http.logged.filter(({ level }) => level === 'error')).toEqual([])
          http.service.admin?.control.close()
          http.environments.close()
        }
        await replicator.close()
      }),
      { numRuns: 12 },
    )
  }, 60_000)
})

/** Asks as fast as answers come, in several lanes, until `stop`; the statuses of all answers. */
const load = (lanes: readonly (() => Promise<Answer>)[]): { readonly stop: () => Promise<readonly Answer[]> } => {
  const answers: Answer[] = []
  let running = true
  const lane = async (ask: () => Promise<Answer>): Promise<void> => {
    while (running) {
      answers.push(await ask())
      await new Promise((resolve) => {
        setTimeout(resolve, 0)
      })
    }
  }
  const ended = lanes.map(lane)
  return {
    stop: async () => {
      running = false
      await Promise.all(ended)
      return answers
    },
  }
}

const moment = async (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

describe('under load', () => {
  const question = asked('User:ana read Repo:r1')
  const lanesOf = (http: Harness, key: string): (() => Promise<Answer>)[] => {
    let writes = 0
    let offset = ''
    return [
      async () => http.post('/api/authorize', question, { key }),
      async () => http.post('/api/list', { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo' }, { key }),
      async () => http.get('/api/facts', { key, headers: { OsoOffset: offset } }),
      async () => {
        const answer = await http.post('/api/batch', [{ inserts: [fact(`has_role(User:u${writes++}, String:reader, Repo:r2)`)] }], { key })
        offset = answer.headers.get('OsoOffset') ?? offset
        return answer
      },
      async () => http.post('/api/policy', { src: `${basic}\n# ${writes}` }, { key }),
      async () => http.get('/api/policy', { key }),
    ]
  }

  test('an environment is deleted: right answers, then 401, nothing else', async () => {
    const http = await open()
    for (let round = 0; round < 5; round++) {
      const key = await environmentWith(http, `e${round}`, 'has_role(User:ana, String:reader, Repo:r1)')
      const running = load(lanesOf(http, key))
      await moment(30)
      // One of them waits for a position that never comes.
      const waiting = http.get('/api/facts', { key, headers: { OsoOffset: `shared.e${round}:999999` } })
      expect((await askAdmin(http, 'DELETE /v1/admin/environments', { id: `e${round}` })).status).toBe(200)
      const later = await http.post('/api/authorize', question, { key })
      expect(later.status).toBe(401)
      await moment(10)
      const answers = await running.stop()
      const statuses = new Set(answers.map(({ status }) => status))
      expect(statuses).toEqual(new Set([200, 401]))
      expect((await waiting).status).toBe(401)
      for (const { status, body } of answers) if (status === 200 && 'allowed' in body) expect(body.allowed).toBe(true)
    }
    expect(http.logged.filter(({ level }) => level === 'error')).toEqual([])
    expect((await http.get('/api/stats')).status).toBe(200)
  })

  test('a key is revoked: right answers, then 401; the other key goes on', async () => {
    const http = await open()
    const key = await environmentWith(http, 'blue', 'has_role(User:ana, String:reader, Repo:r1)')
    const { key: revoked, tokenId } = await createKey(http, 'blue')
    const [running, others] = [load(lanesOf(http, revoked)), load(lanesOf(http, key).slice(0, 3))]
    await moment(30)
    expect((await askAdmin(http, 'DELETE /v1/admin/keys', { environment: 'blue', token_id: tokenId })).status).toBe(200)
    expect((await http.post('/api/authorize', question, { key: revoked })).status).toBe(401)
    await moment(10)
    expect(new Set((await running.stop()).map(({ status }) => status))).toEqual(new Set([200, 401]))
    expect([...new Set((await others.stop()).map(({ status }) => status))]).toEqual([200])
    expect(http.logged.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('environments are made while others answer', async () => {
    const http = await open()
    const key = await environmentWith(http, 'blue', 'has_role(User:ana, String:reader, Repo:r1)')
    const running = load(lanesOf(http, key))
    await Promise.all(Array.from({ length: 12 }, async (_, index) => createEnvironment(http, `e${index}`)))
    expect([...new Set((await running.stop()).map(({ status }) => status))]).toEqual([200])
    expect((await http.get('/readyz', { key: null })).status).toBe(200)
  })
})

describe('isolation of environments that are made at run time and share a partition', () => {
  const setUp = async () => {
    const http = await open()
    const blue = await environmentWith(
      http,
      'blue',
      'has_role(User:ana, String:reader, Repo:r1)',
      'has_role(User:ana, String:reader, Repo:r2)',
    )
    const red = await environmentWith(http, 'red', 'has_role(User:bob, String:writer, Repo:r1)')
    return { http, blue, red }
  }

  test('they do share one', async () => {
    const { http } = await setUp()
    const { body } = await askAdmin(http, 'GET /v1/admin/environments')
    expect(new Set(body.environments.map(({ partition }) => partition))).toEqual(new Set([0]))
  })

  test('facts, counts, policies and questions', async () => {
    const { http, blue, red } = await setUp()
    expect(await http.stored('', { key: red })).toEqual(['has_role(User:bob, String:writer, Repo:r1)'])
    expect(await http.stored('', { key: blue })).toHaveLength(2)
    expect((await http.get('/api/stats', { key: red })).body.facts).toEqual({ total: 1, predicates: { has_role: 1 } })
    await http.policy(`${basic}\n# of red alone`, { key: red })
    expect((await http.get('/api/policy', { key: blue })).text).not.toContain('of red alone')
    expect((await http.get('/api/stats', { key: blue })).body.policy.versions).toHaveLength(1)
    for (const [key, allowed] of [
      [blue, true],
      [red, false],
    ] as const)
      expect((await http.post('/api/authorize', asked('User:ana read Repo:r1'), { key })).body).toEqual({ allowed })
    expect((await http.post('/api/clear_data', {}, { key: red })).status).toBe(200)
    expect(await http.stored('', { key: blue })).toHaveLength(2)
    expect(await http.stored()).toEqual([])
  })

  test('page tokens', async () => {
    const { http, blue, red } = await setUp()
    const ask = async (key: string, token: string | null = null) =>
      http.post(
        '/api/list',
        { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo', page_size: 1, page_token: token },
        { key },
      )
    const { body } = await ask(blue)
    expect(body.results).toEqual(['r1'])
    expect((await ask(blue, body.next_page_token)).body.results).toEqual(['r2'])
    const foreign = await ask(red, body.next_page_token)
    expect(foreign.status).toBe(400)
    expect(foreign.text).not.toContain('r2')
  })

  test('lag is that of the environment', async () => {
    const { http, red } = await setUp()
    await http.post('/api/batch', [{ inserts: [fact('has_role(User:eve, String:reader, Repo:r9)')] }], { key: red })
    const lags = async () => (await askAdmin(http, 'GET /v1/status')).body.environments.map(({ lag }) => lag)
    // That only the head moved is told in a moment.
    await expect.poll(lags, eventually).toEqual([0, 0, 0, 0, 0])
  })

  test('a partition that the log does not have is refused', async () => {
    const { http } = await setUp()
    const { status, body } = await askAdmin(http, 'POST /v1/admin/environments', { id: 'green', partition: 7 })
    expect(status).toBe(400)
    expect(body.message).toContain('partition')
    await createEnvironment(http, 'green')
  })

  test('positions: one of another environment is ignored, however far it is', async () => {
    const { http, blue, red } = await setUp()
    const { headers } = await http.get('/api/stats', { key: blue })
    expect(headers.get('Arctos-Revision')).toMatch(/^shared\.blue:\d+$/)
    expect((await http.get('/api/stats', { key: red, headers: { OsoOffset: 'shared.blue:999999' } })).status).toBe(200)
    expect((await http.get('/api/stats', { key: red, headers: { OsoOffset: 'shared.control:999999' } })).status).toBe(200)
  })

  test('a repeated request id is one of its environment', async () => {
    const { http, blue, red } = await setUp()
    const headers = { 'X-Request-ID': 'same' }
    const body = [{ inserts: [fact('has_role(User:eve, String:reader, Repo:r9)')] }]
    await http.post('/api/batch', body, { key: blue, headers })
    await http.post('/api/batch', body, { key: red, headers })
    for (const key of [blue, red]) expect(await http.stored('', { key })).toContain('has_role(User:eve, String:reader, Repo:r9)')
  })

  test('errors and metrics name nothing of another environment', async () => {
    const { http, red } = await setUp()
    for (const path of ['/api/policy?id=99', '/api/facts?predicate=has_role&args.0.id=ana', '/api/nothing', '/metrics']) {
      const { text } = await http.get(path, { key: red })
      expect(text).not.toMatch(/blue|ana|r2/)
    }
  })

  test('a key opens its own environment alone, whatever it is made to look like', async () => {
    const { http, blue, red } = await setUp()
    const [, , tokenId, secret] = blue.split('_')
    for (const key of [`e_red_${tokenId}_${secret}`, `e_control_${tokenId}_${secret}`, red.replace('e_red', 'e_blue')])
      expect((await http.get('/api/facts', { key })).status).toBe(401)
  })
})

describe('control', () => {
  test('no key opens it, even one that was put into its facts or the key file', async () => {
    const replicator = await sharedPartition()
    const http = await createAdminHarness(replicator)
    const { key, tokenId } = await createKey(http, 'second')
    const found = http.service.keys.records().find((record) => record.tokenId === tokenId)
    expect(found).toBeDefined()
    const made = 'e_control_1_keyofcontrolforatest'
    const hash = [...http.service.platform.sha256(made)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    http.service.keys.add({ environment: controlEnvironment, tokenId: '1', access: 'read-write', hash })
    await replicator.append(
      controlEnvironment,
      {
        kind: 'facts',
        changes: [
          {
            kind: 'insert',
            fact: {
              predicate: 'key',
              args: [
                { type: 'Environment', id: controlEnvironment },
                { type: 'String', id: '2' },
                { type: 'String', id: 'read-write' },
                { type: 'String', id: hash },
              ],
            },
          },
        ],
      },
      'planted',
    )
    for (const header of [made, made.replace('_1_', '_2_')]) expect((await http.get('/api/facts', { key: header })).status).toBe(401)
    expect((await http.get('/api/facts', { key })).status).toBe(200)
    expect((await http.get('/api/stats', { key })).body.facts).toEqual({ total: 0, predicates: {} })
  })

  test('it cannot be deleted or made', async () => {
    const http = await open()
    expect((await askAdmin(http, 'DELETE /v1/admin/environments', { id: controlEnvironment })).status).toBe(404)
    expect((await askAdmin(http, 'POST /v1/admin/environments', { id: controlEnvironment })).status).toBe(400)
  })

  test('following ends with its replica, and when it is closed', async () => {
    const http = await open()
    const environment = http.environments.find(controlEnvironment)
    if (environment === undefined) throw new Error('control is open')
    let waits = 0
    const control = new Control({
      environment: {
        store: environment.store,
        position: environment.position,
        async reach() {
          waits++
          return false
        },
      },
      environments: http.environments,
      keys: new KeyRing(http.service.platform.sha256),
      platform: http.service.platform,
    })
    await control.start()
    await moment(20)
    expect(waits).toBe(1)
    control.close()
  })

  test('a change that does not arrive within the wait is durable, and said not to be in effect', async () => {
    const replicator = await sharedPartition()
    let holdBack = false
    const held: (() => void)[] = []
    const http = await createAdminHarness(
      passOn(replicator, {
        tail: (env, after, reader) =>
          replicator.tail(env, after, {
            push: async (records, through) => {
              if (holdBack && env === controlEnvironment)
                await new Promise<void>((resolve) => {
                  held.push(resolve)
                })
              await reader.push(records, through)
            },
            failed: (error) => reader.failed(error),
          }),
      }),
      { settings: { ARCTOS_APPLIED_WAIT_MS: '50' } },
    )
    holdBack = true
    const { status, headers } = await askAdmin(http, 'POST /v1/admin/environments', { id: 'blue' })
    expect([status, headers.get('Arctos-Applied'), headers.get('OsoOffset')]).toEqual([200, 'false', null])
    holdBack = false
    for (const release of held) release()
    await expect.poll(() => http.environments.find('blue') !== undefined, eventually).toBe(true)
  })
})

test('a test environment is no environment of control', async () => {
  const http = await open()
  const { body } = await http.post('/test_environment')
  const key = body.token
  await http.policy(basic, { key })
  await http.post('/api/facts', fact('has_role(User:ana, String:reader, Repo:r1)'), { key })
  expect(factsIn((await http.get('/api/facts', { key })).body)).toHaveLength(1)
  expect(http.service.admin?.control.placed().map(({ id }) => id)).not.toContain(key.split('_')[1])
})

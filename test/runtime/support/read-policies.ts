/** The HTTP checklist: policies, numbers and positions. */
import { expect } from 'vitest'
import { asked } from './harness.ts'
import { basic, failing, passing } from './policies.ts'
import { type ReadLines, write } from './read-place.ts'
import { main, mainState } from './read-states.ts'

const blocks = `
  actor Member {}
  resource Vault { roles = ["keeper"]; permissions = ["seal"]; }
  resource Box {
    roles = ["viewer", "holder", "mover"];
    permissions = ["peek", "move", "lift"];
    relations = { vault: Vault, owner: Member, lid: Box };
    "move" if "holder"; "peek" if "viewer"; "lift" if "mover";
  }
`
const resources = {
  Box: {
    roles: ['holder', 'mover', 'viewer'],
    permissions: ['lift', 'move', 'peek'],
    relations: { lid: 'Box', owner: 'Member', vault: 'Vault' },
  },
  Member: { roles: [], permissions: [], relations: {} },
  Vault: { roles: ['keeper'], permissions: ['seal'], relations: {} },
  global: { roles: [], permissions: [], relations: {} },
}

const manyTests = `
actor User {}
resource Repo { roles = ["reader"]; permissions = ["read", "tour"]; "read" if "reader"; }
open(r: Repo) if r = Repo{"pub"};
has_permission(_: User, "tour", r: Repo) if not closed(r);
has_permission(_: User, "view", _: Repo);
test fixture base { has_role(User{"ana"}, "reader", Repo{"r1"}); }
test "one" {
  setup { fixture base; has_role(User{"ana"}, "reader", Repo{"r2"}); }
  assert allow(User{"ana"}, "read", r: Repo) iff r in [Repo{"r1"}, Repo{"r2"}];
  assert allow(User{"ana"}, "read", r: Repo) iff r = Repo{"r1"} or r = Repo{"r2"};
  assert_not allow(User{"ana"}, "read", r: Repo) iff r in [Repo{"r1"}];
  assert allow(User{"ana"}, "read", r: Repo);
  assert allow(User{"ana"}, "view", r: Repo);
  assert allow(User{"ana"}, "tour", Repo{"x"});
  assert open(r: Repo) iff open(r);
}
test "two" {
  setup { fixture base; }
  assert allow(User{"ana"}, "read", r: Repo) iff r in [Repo{"r1"}];
  assert_not allow(User{"ana"}, "read", Repo{"r2"});
  assert_not allow(User{"bob"}, "read", _: Repo);
}
test "bad" {
  assert allow(User{"ana"}, "view", r: Repo) iff r in [Repo{"r1"}];
  assert allow(User{"ana"}, "tour", r: Repo);
}
`

export const policyLines: ReadLines = {
  'http 23, 35, 36, 37: null and 404 without a policy, source and blocks afterwards': async (place) => {
    const { ask: http, change } = await place.world({})
    expect((await http.get('/api/policy')).body).toEqual({ policy: null })
    expect((await http.get('/api/policy_metadata')).status).toBe(404)
    await change((cell) => cell.post('/api/policy', { src: blocks, filename: 'main.polar' }))
    expect((await http.get('/api/policy')).body).toEqual({ policy: { filename: 'main.polar', src: blocks } })
    const { body: described, text } = await http.get('/api/policy_metadata')
    expect(described).toEqual({ metadata: { resources } })
    // That holds whatever the order of keys is.
    expect(Object.keys(described.metadata.resources)).toEqual(['Box', 'Member', 'Vault', 'global'])
    expect(text).toContain(`"relations":${JSON.stringify(resources.Box.relations)}`)
    const [version] = (await http.get('/api/stats')).body.policy.versions
    await change((cell) => cell.policy(basic))
    for (const parameter of ['id', 'version']) {
      expect((await http.get(`/api/policy_metadata?${parameter}=${version}`)).body).toEqual({ metadata: { resources } })
      expect((await http.get(`/api/policy_metadata?${parameter}=99`)).status).toBe(404)
    }
    expect(Object.keys((await http.get('/api/policy_metadata')).body.metadata.resources)).toEqual([
      'Group',
      'Org',
      'Repo',
      'User',
      'global',
    ])
    await change((cell) => cell.post('/api/clear_data'))
    expect((await http.get('/api/policy_metadata')).status).toBe(404)
    await change((cell) => cell.policy(basic))
    expect((await http.get('/api/policy_metadata')).status).toBe(200)
  },

  'http 32, 33: policy/test is 200 for what passes, fails and is invalid, sees no facts, and changes nothing': async (place) => {
    const { ask: http, keys } = await place.world({})
    const ask = async (src: string) => {
      const { status, body } = await http.post('/api/policy/test', { src }, { key: keys.readOnly })
      expect(status).toBe(200)
      expect(Object.keys(body).sort()).toEqual(['errors', 'success', 'tests'])
      return body
    }
    expect(await ask(passing)).toEqual({ success: true, errors: [], tests: [{ name: 'readers read', passed: 2, total: 2 }] })
    expect((await ask(failing)).success).toBe(false)
    const invalid = await ask('nonsense')
    expect({ success: invalid.success, tests: invalid.tests, type: invalid.errors[0]?.error_type }).toEqual({
      success: false,
      tests: [],
      type: 'ValidationFailed',
    })
    expect((await http.get('/api/policy')).body).toEqual({ policy: null })
    const full = await main(place)
    expect(await full.allowed('User:ana read Repo:r1')).toBe(true)
    const src = `${basic} test "t" { assert_not allow(User{"ana"}, "read", Repo{"r1"}); }`
    expect((await full.post('/api/policy/test', { src })).body.success).toBe(true)
    const { status, body } = await http.post('/api/policy/test', undefined, { raw: '{' })
    expect({ status, keys: Object.keys(body) }).toEqual({ status: 400, keys: ['message'] })
  },

  'policy tests: conditions, wildcards, refused goals, isolation': async (place) => {
    const { ask: http } = await place.world({})
    const { body } = await http.post('/api/policy/test', { src: manyTests })
    expect(body.tests).toEqual([
      { name: 'one', passed: 7, total: 7 },
      { name: 'two', passed: 3, total: 3 },
      { name: 'bad', passed: 0, total: 2 },
    ])
    expect(body.errors[0]?.message).toContain('not expected `*`')
    expect(body.errors[1]?.message).toMatch(/cannot be enumerated|has no value/)
  },

  'http 34: older versions': async (place) => {
    const { ask: http } = await place.world({ policies: [`${basic}# 1`, `${basic}# 2`] })
    const [first, second] = (await http.get('/api/stats')).body.policy.versions
    expect((await http.get(`/api/policy?id=${first}`)).body.policy.src).toBe(`${basic}# 1`)
    expect((await http.get(`/api/policy?id=${second}`)).body.policy.src).toBe(`${basic}# 2`)
    expect((await http.get('/api/policy?id=')).body.policy.src).toBe(`${basic}# 2`)
    for (const id of ['77', '0', '-1', '9223372036854775807']) expect((await http.get(`/api/policy?id=${id}`)).status).toBe(404)
    for (const id of ['x', '1.5', '1e3', '%20', '0x1']) expect((await http.get(`/api/policy?id=${id}`)).status).toBe(400)
  },

  'http 95: expect is 200 for known and unknown requests': async (place) => {
    const http = await main(place)
    const { headers } = await http.post('/api/authorize', asked('User:ana read Repo:r1'))
    for (const id of [headers.get('x-request-id'), 'unknown']) {
      const { status, body } = await http.post('/api/expect', { request_id: id, expected: true })
      expect({ status, keys: Object.keys(body) }).toEqual({ status: 200, keys: ['message'] })
    }
  },

  'http 96: stats and healthcheck': async (place) => {
    const { ask: http, change } = await place.world({})
    expect((await http.get('/api/stats')).body).toEqual({ policy: { versions: [] }, facts: { total: 0, predicates: {} } })
    await change((cell) => write(cell, mainState))
    expect((await http.get('/api/stats')).body).toEqual({
      policy: { versions: ['1'] },
      facts: { total: 5, predicates: { has_relation: 2, has_role: 3 } },
    })
    // What has followed many environments for long may have to look after them first.
    await expect.poll(async () => (await http.get('/api/healthcheck', { key: null })).status, { timeout: 40_000 }).toBe(200)
    expect(typeof (await http.get('/api/healthcheck', { key: null })).body.message).toBe('string')
    const alive = await http.get('/livez', { key: null })
    expect([alive.status, typeof alive.body.message]).toEqual([200, 'string'])
    const ready = await http.get('/readyz', { key: null })
    expect([ready.status, typeof ready.body.message]).toEqual([200, 'string'])
    expect((await http.get('/metrics', { key: null })).status).toBe(200)
  },

  'http 97: GET /healthcheck is what a fallback answers, and nobody else': async (place) => {
    const http = await main(place)
    const { status, body } = await http.get('/healthcheck', { key: null })
    expect({ status, message: typeof body.message }).toEqual({ status: place.kind === 'fallback' ? 200 : 404, message: 'string' })
  },

  'http 100: test environments are made by development servers alone': async (place) => {
    const make = async (settings: Readonly<Record<string, string>>) =>
      (await (await place.world({ settings })).ask.post('/test_environment', undefined, { key: null })).status
    expect(await make({})).toBe(place.kind === 'cell' ? 200 : 404)
    expect(await make({ ARCTOS_MODE: 'production' })).toBe(404)
  },

  'http 20: garbage, foreign and empty tokens are ignored': async (place) => {
    const { ask: http, keys } = await place.world({ ...mainState, settings: { ARCTOS_TOKEN_WAIT_MS: '60000' } })
    const revisionOf = async (key: string) => (await http.get('/api/stats', { key })).headers.get('arctos-revision') ?? ':'
    const own = (await revisionOf(keys.full)).split(':')[0]
    const ahead = place.kind === 'fallback' ? [] : [`${(await revisionOf(keys.other)).split(':')[0]}:999`]
    expect(ahead).not.toContain(`${own}:999`)
    const tokens = ['', 'x', ':', 'x:', ':5', 'other:999999', '5', 'x:-1', 'x:1.5', 'a b:7', 'x'.repeat(5000), ...ahead, `${own}:1e9`]
    for (const token of tokens) {
      for (const path of ['/api/facts?predicate=_', '/api/policy', '/api/stats', '/api/policy_metadata']) {
        expect({ token, status: (await http.get(path, { headers: { OsoOffset: token } })).status }).toEqual({ token, status: 200 })
      }
    }
  },

  'http 21, 22: a position that is not reached is 503 with the one that is; on a fallback it is not waited for': async (place) => {
    const { ask: http } = await place.world({ ...mainState, settings: { ARCTOS_TOKEN_WAIT_MS: '30' } })
    const position = (await http.get('/api/policy')).headers.get('arctos-revision') ?? ''
    const ahead = `${position.split(':')[0]}:${Number(position.split(':')[1]) + 1}`
    const ask = async (sent: object) => http.post('/api/authorize', sent, { headers: { OsoOffset: ahead } })
    if (place.kind === 'fallback') {
      const { status, body } = await ask(asked('User:ana read Repo:r1'))
      expect([status, body]).toEqual([200, { allowed: true }])
      return
    }
    // It waits before it looks at the question.
    for (const sent of [asked('User:ana read Repo:r1'), {}]) {
      const { status, headers, body } = await ask(sent)
      expect([status, headers.get('retry-after'), headers.get('arctos-revision')]).toEqual([503, '1', position])
      expect(body.message).toContain(position)
    }
  },
}

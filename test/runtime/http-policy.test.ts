/** The HTTP checklist: policies and their tests. */
import { describe, expect, test } from 'vitest'
import { createHarness, readOnlyKey } from './support/harness.ts'
import { basic } from './support/policies.ts'

const passing = `${basic}
test "readers read" {
  setup { has_role(User{"ana"}, "reader", Repo{"r"}); }
  assert allow(User{"ana"}, "read", Repo{"r"});
  assert_not allow(User{"bob"}, "read", Repo{"r"});
}
`
const failing = `${basic}
test "first" {
  setup { has_role(User{"ana"}, "reader", Repo{"r"}); }
  assert allow(User{"ana"}, "read", Repo{"r"});
  assert allow(User{"bob"}, "read", Repo{"r"});
  assert allow(User{"eve"}, "read", Repo{"r"});
}
test "second" {
  assert_not allow(User{"ana"}, "read", Repo{"r"});
}
test "third" {
  setup { has_role(User{"ana"}, "writer", Repo{"r"}); }
  assert allow(User{"ana"}, what: String, Repo{"r"}) iff what in ["read", "erase"];
}
`

test('http 23: null before a policy is loaded, source and file name afterwards', async () => {
  const http = await createHarness()
  expect((await http.get('/api/policy')).body).toEqual({ policy: null })
  await http.post('/api/policy', { src: basic, filename: 'main.polar' })
  expect((await http.get('/api/policy')).body).toEqual({ policy: { filename: 'main.polar', src: basic } })
})

test('http 24: no query flags, file name absent, null or empty', async () => {
  const http = await createHarness()
  const bodies = [{ src: `${basic}# 1` }, { src: `${basic}# 2`, filename: null }, { src: `${basic}# 3`, filename: '' }]
  for (const body of bodies) {
    const { status, body: answer } = await http.post('/api/policy', body)
    expect({ status, message: answer.message }).toEqual({ status: 200, message: 'the policy is saved' })
  }
})

test('http 25: the same source is 202 and its tests are not run', async () => {
  const http = await createHarness()
  expect((await http.post('/api/policy?force=true', { src: failing })).status).toBe(200)
  const before = (await http.get('/api/stats')).body.policy.versions
  // Without force its tests would refuse it.
  const { status, headers } = await http.post('/api/policy', { src: failing, filename: 'other.polar' })
  expect({ status, offset: headers.get('osooffset') === null }).toEqual({ status: 202, offset: false })
  expect((await http.get('/api/stats')).body.policy.versions).toEqual(before)
})

test('http 26: one ValidationFailed per diagnostic, with its place', async () => {
  const http = await createHarness()
  const src = 'actor User {}\nresource Repo {\n  roles = ["reader"]\n  permissions = ["read"];\n  "read" if "reder";\n}\n'
  const { status, body } = await http.post('/api/policy', { src, filename: 'a.polar' })
  expect(status).toBe(400)
  expect(body.error_type).toBe('Validation')
  expect(typeof body.message).toBe('string')
  expect(body.errors.length).toBeGreaterThan(0)
  for (const error of body.errors) {
    expect(Object.keys(error).sort()).toEqual(['error_type', 'message'])
    expect(error.error_type).toBe('ValidationFailed')
    expect(error.message).toMatch(/^a\.polar:[0-9]+:[0-9]+: \S/)
  }
  expect(body.errors[0]?.message).toMatch(/^a\.polar:[34]:/)
  const unnamed = await http.post('/api/policy', { src: 'nonsense' })
  expect(unnamed.body.errors[0]?.message).toMatch(/^policy\.polar:1:/)
  const two = await http.post('/api/policy', { src: 'p(x: Integer) if x < "a";\nq(x: Integer) if x < "b";' })
  expect(two.body.errors).toHaveLength(2)
})

test('http 26: positions in the original files when several travel as one', async () => {
  const http = await createHarness()
  const { body } = await http.post('/api/policy', { src: `# file: one.polar\n${basic}\n# file: two.polar\n\nnonsense` })
  expect(body.errors[0]?.message).toMatch(/^two\.polar:2:/)
})

test('http 27: a failing test is TestsFailed with counts, and the old policy stays', async () => {
  const http = await createHarness()
  await http.policy(basic)
  const { status, body } = await http.post('/api/policy', { src: failing })
  expect(status).toBe(400)
  expect(body.error_type).toBe('TestsFailed')
  expect(Object.keys(body).sort()).toEqual(['error_type', 'message', 'test_results'])
  expect(Object.keys(body.test_results).sort()).toEqual(['errors', 'success', 'tests'])
  expect(body.test_results.success).toBe(false)
  expect(body.test_results.tests).toEqual([
    { name: 'first', passed: 1, total: 3 },
    { name: 'second', passed: 1, total: 1 },
    { name: 'third', passed: 0, total: 1 },
  ])
  expect(body.test_results.errors.map(({ error_type }: { error_type: string }) => error_type)).toEqual([
    'AssertionFailed',
    'AssertionFailed',
    'AssertionFailed',
  ])
  const [first, , third] = body.test_results.errors
  expect(first?.message).toMatch(/^policy\.polar:[0-9]+:[0-9]+: assertion failed: .*User\{"bob"\}.*expected true, found false/)
  expect(third?.message).toContain('missing `erase`, not expected `write`')
  expect((await http.get('/api/policy')).body.policy.src).toBe(basic)
})

test('http 28: force saves failing tests, a validation error still blocks', async () => {
  const http = await createHarness()
  const { status, body } = await http.post('/api/policy?force=true', { src: failing })
  expect(status).toBe(200)
  expect(body.message).toContain('2 of 3 policy tests failed')
  expect((await http.get('/api/policy')).body.policy.src).toBe(failing)
  const refused = await http.post('/api/policy?force=true', { src: 'nonsense' })
  expect({ status: refused.status, type: refused.body.error_type }).toEqual({ status: 400, type: 'Validation' })
})

test('http 29: facts that are no longer used do not block, and are reported', async () => {
  const http = await createHarness()
  await http.policy(basic)
  await http.facts('has_role(User:ana, String:reader, Repo:r1)', 'has_role(User:ana, String:writer, Repo:r1)')
  const renamed = basic.replaceAll('"reader"', '"viewer"')
  const { status, body } = await http.post('/api/policy?show_suggestions=true', { src: renamed })
  expect(status).toBe(200)
  expect(body.message).toContain('1 fact has_role(User, String, Repo) is no longer used')
  expect(await http.stored()).toHaveLength(2)
  expect(await http.allowed('User:ana write Repo:r1')).toBe(true)
})

describe('http 30', () => {
  test('fail_fast stops at the first failing assertion', async () => {
    const http = await createHarness()
    const { body } = await http.post('/api/policy?fail_fast=true', { src: failing })
    expect(body.test_results.tests).toEqual([{ name: 'first', passed: 1, total: 3 }])
    expect(body.test_results.errors).toHaveLength(1)
  })

  test('show_suggestions adds hints', async () => {
    const http = await createHarness()
    const src = 'actor User {}\nresource Repo { roles = ["reader"]; permissions = ["read"]; "read" if "reder"; }'
    const plain = (await http.post('/api/policy', { src })).body.errors[0]?.message
    const hinted = (await http.post('/api/policy?show_suggestions=true', { src })).body.errors[0]?.message
    expect(hinted?.startsWith(plain ?? '?')).toBe(true)
    expect(hinted).toMatch(/\(hint: .*reader/)
  })

  test('a flag that is no boolean is 400', async () => {
    const http = await createHarness()
    const { status, body } = await http.post('/api/policy?force=maybe', { src: basic })
    expect({ status, body }).toEqual({ status: 400, body: { error_type: 'Generic', message: '`force` must be `true` or `false`' } })
  })
})

test('http 31: errors of POST /policy are SavePolicyError objects, also 401, 403 and 413', async () => {
  const http = await createHarness({ settings: { ARCTOS_MODE: 'production' } })
  const cases = [
    { options: { key: null }, body: { src: basic }, status: 401 },
    { options: { key: readOnlyKey }, body: { src: basic }, status: 403 },
    { options: {}, body: { src: `# ${'x'.repeat(961 * 1024)}` }, status: 413 },
    { options: {}, body: { src: 1 }, status: 400 },
  ]
  for (const { options, body, status } of cases) {
    const answer = await http.post('/api/policy', body, options)
    expect({ status: answer.status, type: answer.body.error_type, keys: Object.keys(answer.body).sort() }).toEqual({
      status,
      type: 'Generic',
      keys: ['error_type', 'message'],
    })
  }
})

describe('http 32, 33: POST /policy/test', () => {
  test('passing, failing and invalid policies are 200 and change nothing', async () => {
    const http = await createHarness()
    const ask = async (src: string) => {
      const { status, body } = await http.post('/api/policy/test', { src }, { key: readOnlyKey })
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
  })

  test('environment facts are not seen, malformed JSON is an ApiError', async () => {
    const http = await createHarness()
    await http.policy(basic)
    await http.facts('has_role(User:zed, String:reader, Repo:r)')
    const src = `${basic} test "t" { assert_not allow(User{"zed"}, "read", Repo{"r"}); }`
    expect((await http.post('/api/policy/test', { src })).body.success).toBe(true)
    const { status, body } = await http.post('/api/policy/test', undefined, { raw: '{' })
    expect({ status, keys: Object.keys(body) }).toEqual({ status: 400, keys: ['message'] })
  })
})

test('http 34: older versions', async () => {
  const http = await createHarness()
  await http.policy(`${basic}# 1`)
  await http.policy(`${basic}# 2`)
  const [first, second] = (await http.get('/api/stats')).body.policy.versions
  expect((await http.get(`/api/policy?id=${first}`)).body.policy.src).toBe(`${basic}# 1`)
  expect((await http.get(`/api/policy?id=${second}`)).body.policy.src).toBe(`${basic}# 2`)
  expect((await http.get('/api/policy?id=')).body.policy.src).toBe(`${basic}# 2`)
  for (const id of ['77', '0', '-1', '9223372036854775807']) expect((await http.get(`/api/policy?id=${id}`)).status).toBe(404)
  for (const id of ['x', '1.5', '1e3', '%20', '0x1']) expect((await http.get(`/api/policy?id=${id}`)).status).toBe(400)
})

describe('http 35, 36, 37: metadata', () => {
  test('every block and always `global`, sorted', async () => {
    const http = await createHarness()
    expect((await http.get('/api/policy_metadata')).status).toBe(404)
    await http.policy(`
      actor Member {}
      resource Vault { roles = ["keeper"]; permissions = ["seal"]; }
      resource Box { roles = ["holder"]; permissions = ["peek", "move"]; relations = { vault: Vault }; "move" if "holder"; }
    `)
    const expected = {
      Box: { roles: ['holder'], permissions: ['move', 'peek'], relations: { vault: 'Vault' } },
      Member: { roles: [], permissions: [], relations: {} },
      Vault: { roles: ['keeper'], permissions: ['seal'], relations: {} },
      global: { roles: [], permissions: [], relations: {} },
    }
    expect((await http.get('/api/policy_metadata')).body).toEqual({ metadata: { resources: expected } })
    const [version] = (await http.get('/api/stats')).body.policy.versions
    await http.policy(basic)
    for (const parameter of ['id', 'version']) {
      expect((await http.get(`/api/policy_metadata?${parameter}=${version}`)).body).toEqual({ metadata: { resources: expected } })
      expect((await http.get(`/api/policy_metadata?${parameter}=99`)).status).toBe(404)
    }
    expect(Object.keys((await http.get('/api/policy_metadata')).body.metadata.resources)).toEqual([
      'Group',
      'Org',
      'Repo',
      'User',
      'global',
    ])
    await http.post('/api/clear_data')
    expect((await http.get('/api/policy_metadata')).status).toBe(404)
    await http.policy(basic)
    expect((await http.get('/api/policy_metadata')).status).toBe(200)
  })
})

test('policy tests: conditions, wildcards, refused goals, isolation', async () => {
  const http = await createHarness()
  const src = `
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
  const { body } = await http.post('/api/policy/test', { src })
  expect(body.tests).toEqual([
    { name: 'one', passed: 7, total: 7 },
    { name: 'two', passed: 3, total: 3 },
    { name: 'bad', passed: 0, total: 2 },
  ])
  expect(body.errors[0]?.message).toContain('not expected `*`')
  expect(body.errors[1]?.message).toMatch(/cannot be enumerated|has no value/)
})

/** Lines of the language's checklist that show over HTTP: facts that come and go, policies that are saved, and their tests. */
import { describe, expect, test } from 'vitest'
import { createHarness, fact, type Harness } from '../runtime/support/harness.ts'

const members = `actor Member {}
actor Robot extends Member {}
resource Vault { roles = ["keeper"]; permissions = ["seal"]; "seal" if "keeper"; }
resource Safe extends Vault {}
`

const withPolicy = async (src: string): Promise<Harness> => {
  const http = await createHarness()
  await http.policy(src)
  return http
}

const inserted = async (http: Harness, text: string): Promise<boolean> => {
  const { status } = await http.post('/api/batch', [{ inserts: [fact(text)] }])
  return status === 200
}

/** Counts and messages of a policy's tests, on a server without a policy. */
const runTests = async (src: string): Promise<{ passed: string[]; messages: string[] }> => {
  const { body } = await (await createHarness()).post('/api/policy/test', { src })
  return {
    passed: body.tests.map(({ name, passed, total }: { name: string; passed: number; total: number }) => `${name} ${passed}/${total}`),
    messages: body.errors.map(({ message }: { message: string }) => message),
  }
}

test('polar 2: several files in one text are one policy, and errors name the file and line that was written', async () => {
  const http = await createHarness()
  const joined = (second: string): string => `# file: vaults.polar\n${members}\n# file: boxes.polar\n\n${second}`
  await http.policy(joined('resource Box { relations = { vault: Vault }; permissions = ["move"]; "move" if "seal" on "vault"; }'))
  await http.facts('has_role(Member:ana, String:keeper, Vault:v)', 'has_relation(Box:b, String:vault, Vault:v)')
  expect(await http.allowed('Member:ana move Box:b')).toBe(true)
  const { status, body } = await http.post('/api/policy', {
    src: joined('resource Box { relations = { vault: Vualt }; }\nresource Vault { permissions = ["keeper"]; }'),
  })
  expect(status).toBe(400)
  expect(body.errors.map(({ message }: { message: string }) => message)).toEqual([
    'boxes.polar:2:37: the type `Vualt` of the relation `vault` is not declared',
    'boxes.polar:3:33: `keeper` is a permission here and a role in another block of the same type (see vaults.polar:3)',
  ])
})

test('polar 25: a call without rules makes facts of its types insertable', async () => {
  const http = await withPolicy(`${members} late(m: Member) if missed(m, n) and n > 3;`)
  expect(await inserted(http, 'missed(Member:ana, Integer:4)')).toBe(true)
  for (const refused of [
    'missed(Member:ana, String:4)',
    'missed(Member:ana)',
    'missed(Vault:v, Integer:4)',
    'absent(Member:ana, Integer:4)',
  ])
    expect(await inserted(http, refused)).toBe(false)
})

test('polar 26: a policy of declares alone, whose facts can be inserted and read', async () => {
  const http = await withPolicy('declare badge(String, Integer); declare badge(String);')
  await http.facts('badge(String:ana, Integer:7)', 'badge(String:ana)')
  expect(await http.stored('predicate=badge')).toEqual(['badge(String:ana)', 'badge(String:ana, Integer:7)'])
  expect(await inserted(http, 'badge(Integer:7)')).toBe(false)
})

test('polar 28: facts of 5 arguments are accepted, of 6 and of none refused', async () => {
  const http = await withPolicy('declare five(Integer, Integer, Integer, Integer, Integer);')
  const args = (count: number): string => Array.from({ length: count }, (_, index) => `Integer:${index}`).join(', ')
  expect(await inserted(http, `five(${args(5)})`)).toBe(true)
  const refused = async (count: number): Promise<string> =>
    (await http.post('/api/batch', [{ inserts: [fact(`five(${args(count)})`)] }])).body.message
  expect(await refused(6)).toMatch(/at most 5/)
  expect(await refused(0)).toMatch(/at least|1 to 5|no arguments/)
})

describe('polar 68, 69, 70: which facts a policy accepts', () => {
  const refusal = async (http: Harness, text: string): Promise<string> =>
    (await http.post('/api/batch', [{ inserts: [fact(text)] }])).body.message
  test('an undeclared role name, and `declare` for every name', async () => {
    const http = await withPolicy(members)
    expect(await refusal(http, 'has_role(Member:ana, String:jester, Vault:v)')).toMatch(
      /has_role\(Member, "?jester"?, Vault\).* is not used in policy/,
    )
    await http.policy(`${members} declare has_role(Actor, String, Vault);`)
    expect(await inserted(http, 'has_role(Member:ana, String:jester, Vault:v)')).toBe(true)
    expect(await inserted(http, 'has_role(Member:ana, String:jester, Member:v)')).toBe(false)
  })
  test('a literal elsewhere stands for its type', async () => {
    const http = await withPolicy(`${members} open(v: Vault) if status(v, "open");`)
    expect(await inserted(http, 'status(Vault:v, String:closed)')).toBe(true)
    expect(await inserted(http, 'status(Vault:v, Integer:1)')).toBe(false)
  })
  test('has_permission under the implicit rules, and not under a rule named `allow`', async () => {
    const granted = 'has_permission(User:bob, String:read, Repo:acme)'
    const http = await withPolicy(members)
    expect(await inserted(http, granted)).toBe(true)
    expect(await http.allowed('User:bob read Repo:acme')).toBe(true)
    expect(await inserted(http, 'allow(User:bob, String:read, Repo:acme)')).toBe(false)
    await http.policy(`${members} allow(m: Member, "seal", v: Vault) if has_permission(m, "seal", v);`)
    expect(await refusal(http, granted)).toContain('is not used in policy')
    expect(await http.allowed('User:bob read Repo:acme')).toBe(false)
  })
})

test('polar 76: the clock is read once for a request', async () => {
  let seconds = 1_000_000
  const http = await createHarness({ platform: { nowMs: () => 1000 * seconds++ } })
  await http.policy(
    'actor User {} resource Box { permissions = ["a", "b"]; }\nhas_permission(u: User, x: String, b: Box) if owns(u, b) and n = @current_unix_time and m = @current_unix_time and n = m and x in ["a", "b"];\ndrift(u: User) if owns(u, _) and n = @current_unix_time and m = @current_unix_time and n != m;',
  )
  await http.facts('owns(User:ana, Box:b)')
  expect(
    (await http.post('/api/actions', { actor_type: 'User', actor_id: 'ana', resource_type: 'Box', resource_id: 'b' })).body.results,
  ).toEqual(['a', 'b'])
  const drift = { fact: { predicate: 'drift', args: [{ type: 'User', id: null }] } }
  expect((await http.post('/api/query', drift)).body.results).toEqual([])
  expect(seconds).toBeGreaterThan(1_000_001)
})

describe('polar 91: 384 bytes per argument, counted in bytes', () => {
  const fits = ['x'.repeat(384), 'é'.repeat(192), '😀'.repeat(96)]
  const exceeds = ['x'.repeat(385), 'é'.repeat(193), `${'😀'.repeat(96)}x`]
  const policy = `${members} declare note(String); declare note(Vault);`
  test('stored facts', async () => {
    const http = await withPolicy(policy)
    for (const type of ['String', 'Vault']) {
      for (const id of fits) expect(await inserted(http, `note(${type}:${id})`)).toBe(true)
      for (const id of exceeds) expect(await inserted(http, `note(${type}:${id})`)).toBe(false)
    }
    expect(await http.stored()).toHaveLength(6)
  })
  test('context facts', async () => {
    const http = await withPolicy(policy)
    const status = async (id: string): Promise<number> =>
      (await http.authorize('Member:ana seal Vault:v', [fact(`note(String:${id})`)])).status
    for (const id of fits) expect(await status(id)).toBe(200)
    for (const id of exceeds) expect(await status(id)).toBe(400)
  })
  test('policy facts, setups and fixtures', async () => {
    const errors = async (src: string): Promise<number> => (await runTests(src)).messages.length
    const inSetup = (id: string): string => `declare note(String); test "t" { setup { note("${id}"); } assert note("${id}"); }`
    const inFixture = (id: string): string =>
      `declare note(String); test fixture f { note("${id}"); } test "t" { setup { fixture f; } assert note("${id}"); }`
    for (const make of [(id: string) => `note("${id}");`, inSetup, inFixture]) {
      for (const id of fits) expect(await errors(make(id))).toBe(0)
      for (const id of exceeds) expect(await errors(make(id))).toBeGreaterThan(0)
    }
  })
})

test('polar 92: a pattern of a type is about exactly that type', async () => {
  const http = await withPolicy(members)
  const all = [
    'has_role(Member:ana, String:keeper, Safe:s)',
    'has_role(Member:ana, String:keeper, Vault:v)',
    'has_role(Robot:ana, String:keeper, Vault:v)',
  ]
  await http.facts(...all)
  const stored = async (query: string): Promise<string[]> => (await http.stored(`predicate=has_role&${query}`)).toSorted()
  expect(await stored('args.0.type=Member')).toEqual(all.slice(0, 2))
  expect(await stored('args.0.type=Robot')).toEqual(all.slice(2))
  expect(await stored('args.2.type=Vault')).toEqual(all.slice(1))
  expect(await stored('args.0.type=Actor')).toEqual([])
  expect(await stored('args.0.type=Robot&args.0.id=ana')).toEqual(all.slice(2))
  await http.post('/api/batch', [{ deletes: [fact('has_role(Member:_, _, Vault:_)')] }])
  expect((await http.stored()).toSorted()).toEqual([all[0], all[2]])
  await http.post('/api/batch', [{ deletes: [fact('has_role(Actor:_, _, _)')] }])
  expect(await http.stored()).toHaveLength(2)
})

test('polar 93: facts that a policy has no place for grant nothing, stay, and grant again', async () => {
  const http = await withPolicy(members)
  await http.facts('has_role(Member:ana, String:keeper, Vault:v)')
  expect(await http.allowed('Member:ana seal Vault:v')).toBe(true)
  const renamed = await http.post('/api/policy?show_suggestions=true', { src: members.replaceAll('keeper', 'warden') })
  expect(renamed.body.message).toContain('1 fact has_role(Member, String, Vault) is no longer used')
  expect(await http.allowed('Member:ana seal Vault:v')).toBe(false)
  expect(await http.stored()).toEqual(['has_role(Member:ana, String:keeper, Vault:v)'])
  expect(await inserted(http, 'has_role(Member:bob, String:keeper, Vault:v)')).toBe(false)
  await http.policy(members)
  expect(await http.allowed('Member:ana seal Vault:v')).toBe(true)
  await http.policy(members.replaceAll('keeper', 'warden'))
  await http.post('/api/batch', [{ deletes: [fact('has_role(Member:ana, String:keeper, Vault:v)')] }])
  expect(await http.stored()).toEqual([])
})

test('polar 95: a test sees its own setup, rules and policy facts, and nothing else', async () => {
  const http = await withPolicy(members)
  await http.facts('has_role(Member:env, String:keeper, Vault:v)')
  const src = `${members}
    has_role(Member{"written"}, "keeper", Vault{"v"});
    test fixture f { has_role(Member{"fixture"}, "keeper", Vault{"v"}); }
    test "one" {
      setup { fixture f; has_role(Member{"own"}, "keeper", Vault{"v"}); }
      assert allow(m: Member, "seal", Vault{"v"}) iff m in [Member{"written"}, Member{"fixture"}, Member{"own"}];
    }
    test "two" { assert allow(m: Member, "seal", Vault{"v"}) iff m in [Member{"written"}]; }`
  expect((await http.post('/api/policy/test', { src })).body).toMatchObject({ success: true, errors: [] })
  expect((await http.post('/api/policy', { src })).status).toBe(200)
  expect(await http.stored()).toEqual(['has_role(Member:env, String:keeper, Vault:v)'])
  expect(await http.allowed('Member:own seal Vault:v')).toBe(false)
})

describe('polar 85, 86: refusals name the rule and the variables', () => {
  const src = `${members}has_permission(_: Member, "tour", v: Vault) if
  known(v) or
  not closed(v);
self(m: Member, m: Member);
`
  const list = { actor_type: 'Member', actor_id: 'ana', action: 'tour', resource_type: 'Vault' }
  test('what cannot be enumerated, with and without data', async () => {
    const http = await createHarness()
    await http.post('/api/policy', { src, filename: 'tours.polar' })
    const expected =
      '`v` in the rule at tours.polar:5:1 cannot be enumerated: the condition at tours.polar:7:3 needs a value for it; add a condition that gives it a value, or ask with a value for it'
    const refusal = async () => {
      const { status, body } = await http.post('/api/list', list)
      return { status, message: body.message }
    }
    expect(await refusal()).toEqual({ status: 400, message: expected })
    await http.facts('closed(Vault:v1)', 'known(Vault:v1)')
    expect(await refusal()).toEqual({ status: 400, message: expected })
    expect(await http.allowed('Member:ana tour Vault:v2')).toBe(true)
  })
  const lines = `${members}
declare level(Integer); declare known(Member);
small(n: Integer) if n < 3;
other(n: Integer) if n != 3;
late(n: Integer) if @current_unix_time <= n;
apart(m: Member, n: Member) if known(m) and m != n;
between(low: Integer, n: Integer) if level(low) and (n = low or low < n);
`
  test.each([
    ['small(Integer:_)', '`n`', '7:1', '7:22'],
    ['other(Integer:_)', '`n`', '8:1', '8:22'],
    ['late(Integer:_)', '`n`', '9:1', '9:21'],
    ['apart(Member:_, Member:_)', '`n`', '10:1', '10:45'],
    ['between(Integer:4, Integer:_)', '`n`', '11:1', '11:65'],
  ])('a comparison or `!=`: %s, with and without data', async (asked, variable, rule, condition) => {
    const http = await withPolicy(lines)
    const refusal = async () => {
      const { status, body } = await http.post('/api/query', { fact: fact(asked) })
      return { status, message: body.message }
    }
    const expected = {
      status: 400,
      message: `${variable} in the rule at policy.polar:${rule} cannot be enumerated: the condition at policy.polar:${condition} needs a value for it; add a condition that gives it a value, or ask with a value for it`,
    }
    expect(await refusal()).toEqual(expected)
    await http.facts('level(Integer:1)', 'level(Integer:4)', 'known(Member:ana)', 'known(Member:bob)')
    expect(await refusal()).toEqual(expected)
    const given = fact(asked.replaceAll('Integer:_', 'Integer:4').replaceAll('Member:_', 'Member:ana'))
    expect((await http.post('/api/query', { fact: given })).status).toBe(200)
  })
  test('linked wildcards', async () => {
    const http = await withPolicy(src)
    const ask = async (...args: readonly string[]) => http.post('/api/query', { fact: fact(`self(${args.join(', ')})`) })
    const { status, body } = await ask('Member:_', 'Member:_')
    expect({ status, message: body.message }).toEqual({
      status: 400,
      message: '`argument 1` and `argument 2` would both be every value, and equal: give one of them a value',
    })
    expect((await ask('Member:ana', 'Member:_')).body.results).toEqual([fact('self(Member:ana, Member:ana)')])
  })
})

const roles = `${members.replace('permissions = ["seal"]', 'permissions = ["seal", "peek"]')}
resource Hall { permissions = ["enter"]; }
has_permission(_: Member, "enter", _: Hall);
has_permission(_: Member, "peek", v: Vault) if not shut(v);
`
const assertions = (...lines: readonly string[]): string => `${roles}
test "t" {
  setup { has_role(Member{"ana"}, "keeper", Vault{"v1"}); has_role(Member{"ana"}, "keeper", Vault{"v2"}); }
  ${lines.join('\n  ')}
}`

describe('polar 96: iff', () => {
  test('any order; conditions of other forms', async () => {
    const goal = 'assert allow(Member{"ana"}, "seal", v: Vault) iff'
    const lines = [
      'v in [Vault{"v1"}, Vault{"v2"}]',
      'v in [Vault{"v2"}, Vault{"v1"}]',
      'v = Vault{"v1"} or v = Vault{"v2"}',
      'has_role(_, "keeper", v)',
    ]
    expect(await runTests(assertions(...lines.map((condition) => `${goal} ${condition};`)))).toEqual({ passed: ['t 4/4'], messages: [] })
  })
  test.each([
    ['a missing value', 'assert allow(Member{"ana"}, "seal", v: Vault) iff v in [Vault{"v1"}, Vault{"v2"}, Vault{"v3"}];', 'missing `v3`'],
    ['a value in excess', 'assert allow(Member{"ana"}, "seal", v: Vault) iff v in [Vault{"v1"}];', 'not expected `v2`'],
    ['both', 'assert allow(Member{"ana"}, "seal", v: Vault) iff v in [Vault{"v1"}, Vault{"v3"}];', 'missing `v3`, not expected `v2`'],
    ['a wildcard', 'assert allow(Member{"ana"}, "enter", h: Hall) iff h in [Hall{"h1"}];', 'not expected `*`'],
    ['nothing where some were expected', 'assert allow(Member{"bob"}, "seal", v: Vault) iff v in [Vault{"v1"}];', 'missing `v1`'],
    [
      'equal sets under `assert_not`',
      'assert_not allow(Member{"ana"}, "seal", v: Vault) iff v in [Vault{"v2"}, Vault{"v1"}];',
      'assertion failed',
    ],
  ])('fails for %s', async (_, line, said) => {
    const { passed, messages } = await runTests(assertions(line))
    expect(passed).toEqual(['t 0/1'])
    expect(messages).toEqual([expect.stringContaining(said)])
    expect(messages[0]).toMatch(/^policy\.polar:12:3: /)
  })
  test('holds for `assert_not` when the sets differ, and for an empty list', async () => {
    const { passed } = await runTests(
      assertions(
        'assert_not allow(Member{"ana"}, "seal", v: Vault) iff v in [Vault{"v1"}];',
        'assert allow(Member{"bob"}, "seal", v: Vault) iff v in [];',
      ),
    )
    expect(passed).toEqual(['t 2/2'])
  })
})

describe('polar 97: a variable without iff', () => {
  test('some value, no value', async () => {
    const holds = [
      'assert allow(m: Member, "seal", Vault{"v1"});',
      'assert allow(_: Member, "seal", Vault{"v1"});',
      'assert_not allow(m: Member, "seal", Vault{"v9"});',
      'assert allow(Member{"x"}, "enter", h: Hall);',
      'assert_not allow(m: Robot, "seal", Vault{"v1"});',
    ]
    expect(await runTests(assertions(...holds))).toEqual({ passed: ['t 5/5'], messages: [] })
    const fails = ['assert allow(m: Member, "seal", Vault{"v9"});', 'assert_not allow(m: Member, "seal", Vault{"v1"});']
    const { passed, messages } = await runTests(assertions(...fails))
    expect([passed, messages.length]).toEqual([['t 0/2'], 2])
  })
  test('a question that cannot be enumerated fails its assertion', async () => {
    const { passed, messages } = await runTests(
      assertions('assert allow(Member{"ana"}, "peek", v: Vault);', 'assert allow(Member{"ana"}, "peek", Vault{"v1"});'),
    )
    expect(passed).toEqual(['t 1/2'])
    expect(messages).toEqual([
      'policy.polar:12:3: assertion failed: `assert allow(Member{"ana"}, "peek", v: Vault)`: `v` in the rule at policy.polar:8:1 cannot be enumerated: the condition at policy.polar:8:48 needs a value for it; add a condition that gives it a value, or ask with a value for it',
    ])
  })
})

describe('polar 98: goals', () => {
  test('an argument of the wrong type makes the goal false, with a warning', async () => {
    const src = assertions('assert_not has_role(true, "keeper", Vault{"v1"});')
    expect((await runTests(src)).passed).toEqual(['t 1/1'])
    const { status, body } = await (await createHarness()).post('/api/policy?show_suggestions=true', { src })
    expect([status, body.message]).toEqual([
      200,
      expect.stringContaining('policy.polar:12:23: the type `Boolean` of `true` fits no rule of `has_role`'),
    ])
    expect((await runTests(src.replace('assert_not', 'assert'))).passed).toEqual(['t 0/1'])
  })
  test.each(['alow(Member{"a"}, "seal", Vault{"v"})', 'allow(Member{"a"})', 'shut(Vault{"v"}, Vault{"w"})'])(
    '%s is an error, also for assert_not',
    async (goal) => {
      const { passed, messages } = await runTests(assertions(`assert_not ${goal};`))
      expect([passed, messages.length]).toEqual([[], 1])
    },
  )
})

describe('polar 99: saving', () => {
  const failing = `${members} test "first" { assert allow(Member{"a"}, "seal", Vault{"v"}); assert_not allow(Member{"a"}, "seal", Vault{"v"}); assert allow(Member{"b"}, "seal", Vault{"v"}); } test "second" { assert_not allow(Member{"a"}, "seal", Vault{"v"}); }`
  const current = async (http: Harness): Promise<string | undefined> => (await http.get('/api/policy')).body.policy.src
  test('a failing assertion does not stop the rest, and blocks', async () => {
    const http = await withPolicy(members)
    const { status, body } = await http.post('/api/policy', { src: failing })
    expect([status, body.error_type]).toEqual([400, 'TestsFailed'])
    expect(body.test_results.tests).toEqual([
      { name: 'first', passed: 1, total: 3 },
      { name: 'second', passed: 1, total: 1 },
    ])
    expect(body.test_results.errors).toHaveLength(2)
    expect(await current(http)).toBe(members)
  })
  test('`force` saves it, and reports', async () => {
    const http = await withPolicy(members)
    const { status, body } = await http.post('/api/policy?force=true', { src: failing })
    expect([status, await current(http)]).toEqual([200, failing])
    expect(body.message).toContain('1 of 2 policy tests failed')
  })
  test('an error of validation blocks also with `force`', async () => {
    const http = await withPolicy(members)
    for (const src of [
      'p(x',
      'p(Vault{1});',
      `${members} test "t" { assert alow(1); }`,
      'a(m: Member) if f(m) and not b(m); b(m: Member) if f(m) and not a(m);',
    ]) {
      const { status, body } = await http.post('/api/policy?force=true', { src })
      expect([status, body.error_type, await current(http)]).toEqual([400, 'Validation', members])
    }
  })
  test('an identical source is unchanged: nothing is saved, tests are not run', async () => {
    const http = await createHarness()
    await http.post('/api/policy?force=true', { src: failing })
    const versions = async (): Promise<unknown> => (await http.get('/api/stats')).body.policy.versions
    const before = await versions()
    expect((await http.post('/api/policy', { src: failing })).status).toBe(202)
    expect(await versions()).toEqual(before)
    expect((await http.post('/api/policy', { src: `${failing} ` })).status).toBe(400)
  })
  test('warnings block nothing', async () => {
    const { status, body } = await (await createHarness()).post('/api/policy?show_suggestions=true', { src: 'p(x: Stranger) if f(x, y);' })
    expect([status, body.message]).toEqual([200, expect.stringContaining('the type `Stranger` has no block')])
  })
})

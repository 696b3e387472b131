/** The HTTP checklist: checks, pages, queries. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { FactBody } from './support/bodies.ts'
import { asked, createHarness, fact, type Harness, secondKey, value } from './support/harness.ts'
import { basic, wild } from './support/policies.ts'

let http: Harness
let wide: Harness
beforeAll(async () => {
  http = await createHarness()
  await http.policy(basic)
  await http.facts(
    'has_role(User:ana, String:writer, Repo:r2)',
    'has_role(User:ana, String:reader, Repo:r10)',
    'has_role(User:ana, String:member, Org:o1)',
    'has_relation(Repo:r1, String:org, Org:o1)',
    'has_relation(Repo:r2, String:org, Org:o1)',
  )
  wide = await createHarness()
  await wide.policy(wild)
  await wide.facts('has_role(User:ana, String:reader, Repo:r1)')
})

const member = (user: string) => fact(`has_role(User:${user}, String:member, Org:o1)`)
const list = async (on: Harness, question: string, more: object = {}) => {
  const [actor = '', action, type] = question.split(' ')
  const { type: actorType, id: actorId } = value(actor)
  return on.post('/api/list', { actor_type: actorType, actor_id: actorId, action, resource_type: type, ...more })
}

test('http 58: true and false, never an error', async () => {
  expect(await http.allowed('User:ana write Repo:r2')).toBe(true)
  expect(await http.allowed('User:ana read Repo:r1')).toBe(true)
  for (const question of [
    'User:ana write Repo:r1',
    'User:ana fly Repo:r1',
    'User:ana read Rocket:r1',
    'Robot:ana read Repo:r1',
    'User:zed read Repo:zed',
    'Actor:ana read Resource:r1',
    'String:ana read Integer:5',
  ]) {
    expect({ question, allowed: await http.allowed(question) }).toEqual({ question, allowed: false })
  }
  expect((await http.authorize('Integer:x read Repo:r1')).status).toBe(400)
})

test('http 59: authorize_resources keeps order and duplicates', async () => {
  const ask = async (resources: readonly unknown[]) =>
    http.post('/api/authorize_resources', { actor_type: 'User', actor_id: 'ana', action: 'read', resources })
  const resources = ['Repo:r2', 'Org:o1', 'Repo:zed', 'Repo:r1', 'Repo:r2'].map(value)
  expect((await ask(resources)).body).toEqual({ results: ['Repo:r2', 'Repo:r1', 'Repo:r2'].map(value) })
  expect((await ask([])).body).toEqual({ results: [] })
  for (const bad of [{ type: 'Repo', id: null }, { type: null, id: null }, { type: 'Repo' }, {}, { type: 'Repo', id: '*' }]) {
    expect({ bad, status: (await ask([bad])).status }).toEqual({ bad, status: 400 })
  }
})

test('http 60: list and actions are distinct and sorted bytewise', async () => {
  expect((await list(http, 'User:ana read Repo')).body).toEqual({ results: ['r1', 'r10', 'r2'] })
  const actions = async (actor: string, resource: string) => {
    const { type, id } = value(resource)
    const { type: actorType, id: actorId } = value(actor)
    return (await http.post('/api/actions', { actor_type: actorType, actor_id: actorId, resource_type: type, resource_id: id })).body
  }
  expect(await actions('User:ana', 'Repo:r2')).toEqual({ results: ['read', 'write'] })
  expect(await actions('User:ana', 'Org:o1')).toEqual({ results: ['view'] })
  expect(await actions('User:zed', 'Org:o1')).toEqual({ results: [] })
  expect(await actions('Nothing:zed', 'Nothing:o1')).toEqual({ results: [] })
})

test('http 61, 62: a grant over all ids', async () => {
  expect((await list(wide, 'User:ana open Repo')).body).toEqual({ results: ['*', 'r1'] })
  expect((await list(wide, 'User:bob open Repo')).body).toEqual({ results: ['*'] })
  expect(await wide.allowed('User:never-seen open Repo:never-seen')).toBe(true)
  expect((await list(wide, 'User:bob open Repo', { page_size: 1 })).body).toEqual({ results: ['*'], next_page_token: null })
  const first = (await list(wide, 'User:ana open Repo', { page_size: 1 })).body
  expect(first.results).toEqual(['*'])
  expect((await list(wide, 'User:ana open Repo', { page_token: first.next_page_token })).body).toEqual({
    results: ['r1'],
    next_page_token: null,
  })
})

test('http 63: what cannot be enumerated', async () => {
  expect(await wide.allowed('User:bob touch Repo:x')).toBe(true)
  for (const more of [{}, { page_size: 10 }]) {
    const { status, body } = await list(wide, 'User:bob touch Repo', more)
    expect({ status, message: body.message }).toEqual({ status: 400, message: expect.stringContaining('`r`') })
  }
})

describe('context facts', () => {
  test('http 64: count for one request, on each endpoint', async () => {
    const ask = async (path: string, body: object) => (await http.post(path, { ...body, context_facts: [member('eve')] })).body
    const eve = { actor_type: 'User', actor_id: 'eve' }
    const r1 = { resource_type: 'Repo', resource_id: 'r1' }
    expect(await ask('/api/authorize', { ...eve, action: 'read', ...r1 })).toEqual({ allowed: true })
    expect(await ask('/api/authorize_resources', { ...eve, action: 'read', resources: ['Repo:r1', 'Repo:x'].map(value) })).toEqual({
      results: [value('Repo:r1')],
    })
    expect(await ask('/api/list', { ...eve, action: 'read', resource_type: 'Repo' })).toEqual({ results: ['r1', 'r2'] })
    expect(await ask('/api/list', { ...eve, action: 'read', resource_type: 'Repo', page_size: 10 })).toEqual({
      results: ['r1', 'r2'],
      next_page_token: null,
    })
    expect(await ask('/api/actions', { ...eve, ...r1 })).toEqual({ results: ['read'] })
    expect(await ask('/api/query', { fact: fact('has_role(User:eve, _, _)') })).toEqual({
      results: [
        fact('has_role(User:eve, String:member, Org:o1)'),
        fact('has_role(User:eve, String:reader, Repo:r1)'),
        fact('has_role(User:eve, String:reader, Repo:r2)'),
      ],
    })
    expect(
      await ask('/api/evaluate_query', {
        predicate: ['allow', ['u', 'a', 'r']],
        constraints: { u: { type: 'User', ids: ['eve'] }, a: { type: 'String' }, r: { type: 'Repo' } },
      }),
    ).toEqual({
      results: [
        { u: 'eve', a: 'read', r: 'r1' },
        { u: 'eve', a: 'read', r: 'r2' },
      ],
    })
    const bulk = await http.post('/api/bulk_actions', [{ ...eve, ...r1, context_facts: [member('eve')] }])
    expect(bulk.body).toEqual([{ results: ['read'] }])
    expect(await http.allowed('User:eve read Repo:r1')).toBe(false)
    expect(await http.stored('args.0.type=User&args.0.id=eve')).toEqual([])
  })

  test('http 65: not used in the policy or with a wildcard is 400', async () => {
    for (const [text, message] of [
      ['nothing(User:eve)', 'nothing(User) is not used in policy'],
      ['has_role(User:eve, String:bos, Org:o1)', 'has_role(User, "bos", Org) is not used in policy'],
      ['has_role(User:eve, String:member, Org:_)', 'must have a type and an id'],
      ['has_role(User:eve, _, Org:o1)', 'must have a type and an id'],
      ['has_role(User:*, String:member, Org:o1)', 'reserved'],
      ['has_role(User:eve, String:member, Org:o1, User:a, User:b, User:c)', 'at most 5'],
    ] as const) {
      const { status, body } = await http.authorize('User:eve read Repo:r1', [fact(text)])
      expect({ text, status, message: body.message }).toEqual({ text, status: 400, message: expect.stringContaining(message) })
    }
  })
})

test('http 66: without a policy everything is denied or empty', async () => {
  const empty = await createHarness()
  const question = asked('User:ana read Repo:r1')
  expect((await empty.post('/api/authorize', question)).body).toEqual({ allowed: false })
  expect((await empty.post('/api/list', question)).body).toEqual({ results: [] })
  expect((await empty.post('/api/list', { ...question, page_size: 5 })).body).toEqual({ results: [], next_page_token: null })
  expect((await empty.post('/api/actions', question)).body).toEqual({ results: [] })
  expect((await empty.post('/api/bulk_actions', [question])).body).toEqual([{ results: [] }])
  expect((await empty.post('/api/authorize_resources', { ...question, resources: [value('Repo:r')] })).body).toEqual({ results: [] })
  expect((await empty.post('/api/query', { fact: fact('has_role(_, _, _)') })).body).toEqual({ results: [] })
  expect((await empty.post('/api/query', { fact: fact('allow(_, _, _)') })).body).toEqual({ results: [] })
  const query = { predicate: ['allow', ['u']], constraints: { u: { type: 'User' } } }
  expect((await empty.post('/api/evaluate_query', query)).body).toEqual({ results: [] })
  await empty.facts('has_permission(User:ana, String:read, Repo:r1)')
  expect((await empty.post('/api/list', question)).body).toEqual({ results: ['r1'] })
  expect((await empty.post('/api/actions', question)).body).toEqual({ results: ['read'] })
})

test('http 67: bulk_actions keeps order, context facts of the first count for all', async () => {
  const ask = (user: string, resource: string) => ({ ...asked(`User:${user} x ${resource}`), action: undefined })
  const body = [
    { ...ask('eve', 'Repo:r1'), context_facts: [member('eve')] },
    ask('eve', 'Org:o1'),
    ask('zed', 'Org:o1'),
    ask('eve', 'Repo:r1'),
  ]
  expect((await http.post('/api/bulk_actions', body)).body).toEqual([
    { results: ['read'] },
    { results: ['view'] },
    { results: [] },
    { results: ['read'] },
  ])
  expect((await http.post('/api/bulk_actions', [])).body).toEqual([])
})

describe('pages', () => {
  const ids = Array.from({ length: 23 }, (_, index) => `p${index}`).sort()

  test('http 68: without paging keys everything and no token', async () => {
    const body = (await list(http, 'User:ana read Repo')).body
    expect(Object.keys(body)).toEqual(['results'])
  })

  test.each([1, 5, 23, 24, 10_000, 1e12])('http 69: page_size %d walks through all ids once', async (size) => {
    const many = await createHarness()
    await many.policy(basic)
    await many.facts(...ids.map((id) => `has_role(User:ana, String:reader, Repo:${id})`))
    const found: string[] = []
    let pages = 0
    let body = (await list(many, 'User:ana read Repo', { page_size: size, page_token: null })).body
    for (;;) {
      pages++
      expect(Object.keys(body).sort()).toEqual(['next_page_token', 'results'])
      expect(body.results.length).toBeLessThanOrEqual(size)
      found.push(...(body.results as string[]))
      if (body.next_page_token === null) break
      expect(typeof body.next_page_token).toBe('string')
      body = (await list(many, 'User:ana read Repo', { page_token: body.next_page_token })).body
    }
    expect(found).toEqual(ids)
    expect(pages).toBe(Math.ceil(ids.length / size))
  })

  test.each([0, -1, 1.5, '5', {}, true, 1e300])('http 70: page_size %j is 400', async (size) => {
    expect((await list(http, 'User:ana read Repo', { page_size: size })).status).toBe(400)
  })

  test('http 71: page_size is ignored beside a token', async () => {
    const { next_page_token: token } = (await list(http, 'User:ana read Repo', { page_size: 1 })).body
    for (const size of [0, -1, 'x', 3]) {
      expect((await list(http, 'User:ana read Repo', { page_token: token, page_size: size })).body.results).toEqual(['r10'])
    }
  })

  test('http 72: a foreign or altered token is 400', async () => {
    const token = (await list(http, 'User:ana read Repo', { page_size: 1 })).body.next_page_token ?? ''
    const status = async (question: string, more: object) => (await list(http, question, more)).status
    expect(await status('User:ana read Repo', { page_token: token })).toBe(200)
    expect(await status('User:ana write Repo', { page_token: token })).toBe(400)
    expect(await status('User:bob read Repo', { page_token: token })).toBe(400)
    expect(await status('User:ana read Org', { page_token: token })).toBe(400)
    expect(await status('User:ana read Repo', { page_token: token, context_facts: [member('eve')] })).toBe(400)
    const other = await http.post('/api/list', { ...asked('User:ana read Repo:x'), page_token: token }, { key: secondKey })
    expect(other.status).toBe(400)
    const altered = [...token].map(
      (letter: string, index: number) => token.slice(0, index) + (letter === 'A' ? 'B' : 'A') + token.slice(index + 1),
    )
    for (const changed of [...altered, token.slice(1), `${token}A`, 'x', '', '=', ' ', 'ü', '0'.repeat(5000)]) {
      expect({ changed, status: await status('User:ana read Repo', { page_token: changed }) }).toEqual({ changed, status: 400 })
    }
    expect(await status('User:ana read Repo', { page_token: 5 })).toBe(400)
  })

  test('http 72: a policy or fact change does not end a running list', async () => {
    const many = await createHarness()
    await many.policy(basic)
    await many.facts(...['a', 'b', 'c', 'd'].map((id) => `has_role(User:ana, String:reader, Repo:${id})`))
    const first = (await list(many, 'User:ana read Repo', { page_size: 2 })).body
    await many.policy(`${basic}# changed`)
    await many.facts('has_role(User:ana, String:reader, Repo:bb)')
    expect((await list(many, 'User:ana read Repo', { page_token: first.next_page_token })).body).toEqual({
      results: ['bb', 'c'],
      next_page_token: expect.any(String),
    })
  })
})

describe('evaluate_query', () => {
  const ask = async (on: Harness, predicate: unknown, calls: unknown, constraints: unknown) =>
    on.post('/api/evaluate_query', { predicate, calls, constraints })
  const rows = async (on: Harness, predicate: unknown, calls: unknown, constraints: unknown) => {
    const { status, text, body } = await ask(on, predicate, calls, constraints)
    expect({ status, text }).toEqual({ status: 200, text })
    return body.results
  }

  test('http 74: joins on shared variables', async () => {
    const found = await rows(http, ['allow', ['u', 'a', 'r']], [['has_relation', ['r', 'n', 'o']]], {
      u: { type: 'User', ids: ['ana'] },
      a: { type: 'String', ids: null },
      r: { type: 'Repo', ids: null },
      n: { type: 'String', ids: ['org'] },
      o: { type: 'Org', ids: ['o1'] },
    })
    expect(found).toEqual([
      { u: 'ana', a: 'read', r: 'r1', n: 'org', o: 'o1' },
      { u: 'ana', a: 'read', r: 'r2', n: 'org', o: 'o1' },
      { u: 'ana', a: 'write', r: 'r2', n: 'org', o: 'o1' },
    ])
  })

  test('http 75: ids null, one, several, none', async () => {
    const repos = async (ids: unknown) =>
      (
        await rows(http, ['allow', ['u', 'a', 'r']], undefined, {
          u: { type: 'User', ids: ['ana'] },
          a: { type: 'String', ids: ['read'] },
          r: { type: 'Repo', ...(ids === undefined ? {} : { ids }) },
        })
      ).map((row) => (row as { r: string }).r)
    expect(await repos(null)).toEqual(['r1', 'r10', 'r2'])
    expect(await repos(undefined)).toEqual(['r1', 'r10', 'r2'])
    expect(await repos(['r1'])).toEqual(['r1'])
    expect(await repos(['r2', 'zed', 'r1', 'r1'])).toEqual(['r1', 'r2'])
    expect(await repos([])).toEqual([])
  })

  test('http 76: a variable without entry, abstract types, wrong shapes are 400', async () => {
    const u = { type: 'User', ids: ['ana'] }
    const cases: [unknown, unknown][] = [
      [['allow', ['u', 'a']], { u }],
      [['allow', ['u']], { u: { type: 'Actor' } }],
      [['allow', ['u']], { u: { type: 'Resource' } }],
      [['allow', ['u']], { u: { type: '' } }],
      [['allow', ['u']], { u: { type: 'Integer', ids: ['x'] } }],
      [['allow', ['u']], { u: { type: 'User', ids: [''] } }],
      [['allow', ['u']], { u: { type: 'User', ids: [{}] } }],
      [['allow', ['__proto__']], { u }],
      [['allow', ['toString']], { u }],
      [['allow'], { u }],
      [['allow', 'u'], { u }],
      ['allow', { u }],
      [['allow', ['u'], 1], { u }],
    ]
    for (const [predicate, constraints] of cases) {
      expect({ predicate, status: (await ask(http, predicate, [], constraints)).status }).toEqual({ predicate, status: 400 })
    }
    expect((await ask(http, ['allow', ['u']], [], { u, unused: { type: 'Actor' } })).status).toBe(200)
  })

  test('http 77, 79: every row has every variable, wildcards are null, first, beside concrete rows', async () => {
    const found = await rows(wide, ['allow', ['u', 'a', 'r']], [], {
      u: { type: 'User', ids: ['ana'] },
      a: { type: 'String', ids: ['open', 'read'] },
      r: { type: 'Repo', ids: null },
    })
    expect(found).toEqual([
      { u: 'ana', a: 'open', r: null },
      { u: 'ana', a: 'open', r: 'r1' },
      { u: 'ana', a: 'read', r: 'r1' },
    ])
  })

  test('http 78: without free variables one row or none', async () => {
    const ids = (action: string) => ({
      u: { type: 'User', ids: ['ana'] },
      a: { type: 'String', ids: [action] },
      r: { type: 'Repo', ids: ['r2'] },
    })
    expect(await rows(http, ['allow', ['u', 'a', 'r']], [], ids('write'))).toEqual([{ u: 'ana', a: 'write', r: 'r2' }])
    expect(await rows(http, ['allow', ['u', 'a', 'r']], [], ids('fly'))).toEqual([])
  })

  test('http 80: a two-argument global permission', async () => {
    const constraints = { u: { type: 'User', ids: ['ana'] }, p: { type: 'String', ids: ['tour'] } }
    expect(await rows(wide, ['has_permission', ['u', 'p']], [], constraints)).toEqual([{ u: 'ana', p: 'tour' }])
    expect(await rows(wide, ['allow', ['u', 'p']], [], constraints)).toEqual([{ u: 'ana', p: 'tour' }])
  })

  test('`__proto__` is a name like any other', async () => {
    const odd = '__proto__'
    const alone = await createHarness()
    await alone.policy(`actor ${odd} {} resource Repo {} declare ${odd}(${odd}, Repo); declare also(${odd});`)
    await alone.facts(`${odd}(${odd}:${odd}, Repo:constructor)`, `also(${odd}:${odd})`)
    // As text: in an object literal the key would set the prototype.
    const post = async (text: string) => alone.post('/api/evaluate_query', undefined, { raw: text })
    const body = (ids: string) =>
      `{"predicate":["${odd}",["${odd}","r"]],"calls":[["also",["${odd}"]]],"constraints":{"${odd}":{"type":"${odd}"${ids}},"r":{"type":"Repo"}}}`
    for (const ids of ['', `,"ids":["${odd}"]`]) {
      expect((await post(body(ids))).text).toBe(`{"results":[{"${odd}":"${odd}","r":"constructor"}]}`)
    }
    expect((await post(body(',"ids":["other"]'))).text).toBe('{"results":[]}')
    const { status, body: refused } = await post(body(',"ids":[{}]'))
    expect({ status, message: refused.message }).toEqual({
      status: 400,
      message: `\`constraints.${odd}.ids[0]\` must be a string, found an object`,
    })
    for (const variable of ['constructor', odd]) {
      const { status: missing, body: answer } = await post(`{"predicate":["also",["${variable}"]],"constraints":{}}`)
      expect({ missing, message: answer.message }).toEqual({
        missing: 400,
        message: `\`constraints\` has no entry for the variable \`${variable}\``,
      })
    }
  })

  test('an unknown predicate or length gives no rows', async () => {
    expect(await rows(http, ['nothing', ['u']], [], { u: { type: 'User' } })).toEqual([])
    expect(await rows(http, ['allow', ['u']], [], { u: { type: 'User' } })).toEqual([])
  })

  test('what cannot be enumerated is 400', async () => {
    const constraints = { u: { type: 'User', ids: ['bob'] }, a: { type: 'String', ids: ['touch'] }, r: { type: 'Repo' } }
    expect((await ask(wide, ['allow', ['u', 'a', 'r']], [], constraints)).status).toBe(400)
  })
})

describe('query', () => {
  const ask = async (on: Harness, text: string) => on.post('/api/query', { fact: fact(text) })

  test('http 81: both-null, type-only and exact arguments', async () => {
    const results = async (text: string) => (await ask(http, text)).body.results
    expect(await results('has_relation(_, _, _)')).toEqual(
      ['has_relation(Repo:r1, String:org, Org:o1)', 'has_relation(Repo:r2, String:org, Org:o1)'].map(fact),
    )
    expect(await results('has_role(User:_, String:member, Org:_)')).toEqual([fact('has_role(User:ana, String:member, Org:o1)')])
    expect(await results('allow(User:ana, _, Org:o1)')).toEqual([fact('allow(User:ana, String:view, Org:o1)')])
    expect(await results('allow(User:ana, String:view, Org:o1)')).toEqual([fact('allow(User:ana, String:view, Org:o1)')])
    expect(await results('has_role(User:ana, String:reader, _)')).toEqual(
      ['r1', 'r10', 'r2'].map((id) => fact(`has_role(User:ana, String:reader, Repo:${id})`)),
    )
    expect(await results('nothing(_)')).toEqual([])
    for (const found of (await results('has_role(_, _, _)')) as FactBody[])
      for (const arg of found.args) expect(Object.keys(arg)).toEqual(['type', 'id'])
  })

  test('http 82: an argument that no rule constrains', async () => {
    const open = await createHarness()
    await open.policy('actor User {} any(_, x: Integer) if x in [1]; typed(_: User);')
    expect((await ask(open, 'any(_, _)')).body.results).toEqual([
      {
        predicate: 'any',
        args: [
          { type: null, id: null },
          { type: 'Integer', id: '1' },
        ],
      },
    ])
    expect((await ask(open, 'typed(_)')).body.results).toEqual([{ predicate: 'typed', args: [{ type: 'User', id: null }] }])
  })

  test('abstract types and ids without type are 400', async () => {
    for (const text of ['has_role(Actor:_, _, _)', 'has_role(Resource:x, _, _)']) expect((await ask(http, text)).status).toBe(400)
    expect((await http.post('/api/query', { fact: { predicate: 'has_role', args: [{ id: 'x' }] } })).status).toBe(400)
  })
})

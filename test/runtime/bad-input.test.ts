/** No input, however broken, makes the API throw, hang or crash. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { endpoints } from '../../src/wire/endpoints.ts'
import { asked, createHarness, fact, type Harness } from './support/harness.ts'
import { basic, wild } from './support/policies.ts'

const question = asked('User:ana read Repo:r1')
const reader = fact('has_role(User:ana, String:reader, Repo:r1)')
const posts = Object.values(endpoints).filter(({ method, access }) => method !== 'GET' && (access === 'read' || access === 'write'))

let http: Harness
beforeAll(async () => {
  http = await createHarness({ settings: { ARCTOS_QUERY_TIMEOUT_MS: '200' } })
  await http.policy(basic)
  await http.facts('has_role(User:ana, String:reader, Repo:r1)')
})

/** Refusals and successes are fine; bugs are not, neither in the answer nor in the log. */
const checkCalm = (status: number, what: unknown): void => {
  expect({ what, calm: [200, 202, 400, 413].includes(status) ? 'yes' : status }).toEqual({ what, calm: 'yes' })
  expect(http.logged.filter(({ level }) => level === 'error')).toEqual([])
}

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth)

test('10,000 levels of nesting are 400, anywhere in a body', async () => {
  for (const depth of [10_000, 500_000]) {
    for (const deep of [nested(depth, '[', ']'), `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`]) {
      for (const { method, path } of posts) {
        const { status } = await http.ask(method, path, undefined, { raw: deep })
        expect({ path, status }).toEqual({ path, status: path === '/api/clear_data' || path === '/api/expect' ? 200 : 400 })
      }
      for (const member of ['actor_id', 'context_facts', 'action']) {
        const raw = JSON.stringify({ ...question, [member]: 0 }).replace(`"${member}":0`, `"${member}":${deep}`)
        expect((await http.post('/api/authorize', undefined, { raw })).status).toBe(400)
      }
    }
  }
  await http.policy(basic)
  const source = `p(x: Integer) if ${nested(10_000, '(', ')')};`
  expect((await http.post('/api/policy', { src: source })).body.error_type).toBe('Validation')
  expect((await http.post('/api/policy', { src: `p(x: Integer) if ${'not '.repeat(10_000)}x = 1;` })).body.error_type).toBe('Validation')
})

test('bytes that are no UTF-8 are 400', async () => {
  for (const bytes of [[0xff], [0x22, 0xc3, 0x22], [0xed, 0xa0, 0x80], [0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x7d]]) {
    const { status, body } = await http.post('/api/authorize', undefined, { raw: new Uint8Array(bytes) })
    expect({ status, message: body.message }).toEqual({ status: 400, message: 'the body is not valid UTF-8' })
  }
})

test('a byte order mark in front of a body is accepted', async () => {
  const bytes = new Uint8Array([0xef, 0xbb, 0xbf, ...new TextEncoder().encode(JSON.stringify(question))])
  expect((await http.post('/api/authorize', undefined, { raw: bytes })).status).toBe(200)
})

test('lone surrogates are 400 wherever text is', async () => {
  const bad = 'a\ud800'
  const bodies: [string, unknown][] = [
    ['/api/authorize', { ...question, actor_id: bad }],
    ['/api/authorize', { ...question, actor_type: bad }],
    ['/api/authorize', { ...question, action: bad }],
    ['/api/authorize', { ...question, context_facts: [{ ...reader, predicate: bad }] }],
    ['/api/list', { ...question, resource_type: bad }],
    ['/api/query', { fact: { ...reader, predicate: bad } }],
    ['/api/batch', [{ deletes: [{ ...reader, predicate: bad }] }]],
    ['/api/batch', [{ inserts: [{ ...reader, args: [{ type: 'User', id: bad }] }] }]],
    ['/api/policy', { src: `# ${bad}` }],
    ['/api/policy', { src: basic, filename: bad }],
    ['/api/evaluate_query', { predicate: ['allow', [bad]], constraints: { [bad]: { type: 'User' } } }],
    ['/api/evaluate_query', { predicate: ['allow', ['u']], constraints: { u: { type: 'User', ids: [bad] } } }],
  ]
  for (const [path, body] of bodies) {
    // JSON.stringify escapes what has no UTF-8 form, as clients do.
    expect({ path, body, status: (await http.post(path, body)).status }).toEqual({ path, body, status: 400 })
  }
})

test('names of JavaScript are names like any other', async () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    expect((await http.post('/api/query', { fact: fact(`${name}(_)`) })).body).toEqual({ results: [] })
    expect((await http.get(`/api/facts?predicate=${name}`)).body).toEqual([])
    expect((await http.post('/api/authorize', asked(`${name}:${name} ${name} ${name}:${name}`))).body).toEqual({ allowed: false })
    expect((await http.post('/api/batch', [{ inserts: [fact(`${name}(User:a)`)] }])).status).toBe(400)
    const { status } = await http.post('/api/evaluate_query', undefined, {
      raw: `{"predicate":["has_role",["${name}","n","r"]],"constraints":{"${name}":{"type":"User"},"n":{"type":"String"},"r":{"type":"Repo"}}}`,
    })
    expect([200, 400]).toContain(status)
    const raw = `{"__proto__":{"actor_type":"User"},"actor_id":"a","action":"b","resource_type":"c","resource_id":"d"}`
    expect((await http.post('/api/authorize', undefined, { raw })).status).toBe(400)
  }
})

test('recursion through negation is refused with its place', async () => {
  const { status, body } = await http.post('/api/policy', { src: 'actor User {}\na(m: User) if not b(m);\nb(m: User) if not a(m);' })
  expect({ status, type: body.error_type }).toEqual({ status: 400, type: 'Validation' })
})

describe('properties', () => {
  const runs = { numRuns: 300 }
  const endpoint = fc.constantFrom(...posts)

  test('random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(endpoint, fc.uint8Array({ maxLength: 200 }), async ({ method, path }, bytes) => {
        const { status } = await http.ask(method, path, undefined, { raw: bytes })
        checkCalm(status, { path, bytes })
      }),
      runs,
    )
  })

  test('random JSON', async () => {
    await fc.assert(
      fc.asyncProperty(endpoint, fc.jsonValue({ maxDepth: 4 }), async ({ method, path }, body) => {
        const { status } = await http.ask(method, path, body)
        checkCalm(status, { path, body })
      }),
      runs,
    )
  })

  /** A good body with one member replaced by something else. */
  const odd = fc.oneof(
    fc.constantFrom(
      null,
      '',
      '*',
      '_',
      0,
      -1,
      1.5,
      true,
      [],
      {},
      'Actor',
      'Resource',
      'Integer',
      'Boolean',
      '\ud800',
      '\0',
      '__proto__',
      'x'.repeat(400),
    ),
    fc.string({ unit: 'binary' }),
    fc.jsonValue({ maxDepth: 2 }),
  )
  const good: readonly (readonly [string, unknown])[] = [
    ['/api/authorize', { ...question, context_facts: [reader] }],
    ['/api/authorize_resources', { ...question, resources: [{ type: 'Repo', id: 'r1' }], context_facts: [reader] }],
    ['/api/list', { ...question, page_size: 1, page_token: null, context_facts: [reader] }],
    ['/api/actions', { ...question, context_facts: [reader] }],
    ['/api/bulk_actions', [{ ...question, context_facts: [reader] }]],
    ['/api/query', { fact: reader, context_facts: [reader] }],
    [
      '/api/evaluate_query',
      {
        predicate: ['has_role', ['u', 'n', 'r']],
        calls: [['allow', ['u', 'n', 'r']]],
        constraints: { u: { type: 'User', ids: ['ana'] }, n: { type: 'String', ids: null }, r: { type: 'Repo' } },
        context_facts: [reader],
      },
    ],
    ['/api/batch', [{ inserts: [reader] }, { deletes: [reader] }]],
    ['/api/bulk', { delete: [reader], tell: [reader] }],
    ['/api/facts', reader],
    ['/api/policy/test', { src: basic, filename: 'x' }],
    ['/api/expect', { request_id: 'x', expected: true }],
  ]

  const places = (body: unknown, path: readonly (string | number)[] = []): (string | number)[][] => [
    [...path],
    ...(typeof body === 'object' && body !== null
      ? Object.entries(body).flatMap(([key, member]) => places(member, [...path, Array.isArray(body) ? Number(key) : key]))
      : []),
  ]
  const replaced = (body: unknown, [key, ...rest]: readonly (string | number)[], by: unknown): unknown => {
    if (key === undefined) return by
    const copy = (Array.isArray(body) ? [...body] : { ...(body as object) }) as Record<string | number, unknown>
    copy[key] = replaced(copy[key], rest, by)
    return copy
  }

  test('good bodies with one member replaced', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...good), fc.nat(), odd, async ([path, body], place, value) => {
        const all = places(body)
        const changed = replaced(body, all[place % all.length] ?? [], value)
        const { status } = await http.post(path, changed)
        checkCalm(status, { path, changed })
      }),
      { numRuns: 1500 },
    )
  })

  test('mutated policies', async () => {
    const pieces = fc.constantFrom(
      '(',
      ')',
      '{',
      '}',
      '"',
      ';',
      'if',
      'not',
      'or',
      'and',
      'resource',
      'actor',
      'global',
      'test',
      'setup',
      'assert',
      'iff',
      'in',
      '[',
      ']',
      '#',
      '\0',
      '\ud83d',
      '9'.repeat(30),
      '_',
      '@',
      'matches',
      'extends',
      'declare',
      '=',
      '!=',
    )
    const mutation = fc.record({ at: fc.nat(), cut: fc.nat({ max: 12 }), insert: pieces })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(basic, wild), fc.array(mutation, { minLength: 1, maxLength: 4 }), async (source, mutations) => {
        let src: string = source
        for (const { at, cut, insert } of mutations) {
          const place = at % src.length
          src = src.slice(0, place) + insert + src.slice(place + cut)
        }
        const { status } = await http.post('/api/policy/test', { src })
        checkCalm(status, { src })
      }),
      runs,
    )
  })

  test('random query strings', async () => {
    const part = fc.tuple(
      fc.constantFrom(
        'predicate',
        'args.0.type',
        'args.0.id',
        'args.1.type',
        'args.4.id',
        'args.5.type',
        'args.99999999999.id',
        'id',
        'version',
        'args.x.id',
      ),
      fc.string({ unit: 'binary' }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/api/facts', '/api/policy', '/api/policy_metadata'),
        fc.array(part, { maxLength: 5 }),
        async (path, parts) => {
          const query = parts.map(([key, text]) => `${key}=${encodeURIComponent(text.toWellFormed())}`).join('&')
          const { status } = await http.get(`${path}?${query}`)
          if (status !== 404) checkCalm(status, { path, query })
        },
      ),
      runs,
    )
  })

  test('afterwards everything answers as before', async () => {
    await http.policy(`${basic}# again`)
    await http.facts('has_role(User:ana, String:reader, Repo:r1)')
    expect(await http.allowed('User:ana read Repo:r1')).toBe(true)
  })
})

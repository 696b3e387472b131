/** The HTTP checklist: queries. */
import { expect } from 'vitest'
import type { FactBody } from './bodies.ts'
import { type Asker, fact } from './harness.ts'
import type { ReadLines } from './read-place.ts'
import { main, wideOf } from './read-states.ts'

const ask = async (on: Asker, predicate: unknown, calls: unknown, constraints: unknown) =>
  on.post('/api/evaluate_query', { predicate, calls, constraints })
const rows = async (on: Asker, predicate: unknown, calls: unknown, constraints: unknown) => {
  const { status, text, body } = await ask(on, predicate, calls, constraints)
  expect({ status, text }).toEqual({ status: 200, text })
  return body.results
}
const query = async (on: Asker, text: string) => on.post('/api/query', { fact: fact(text) })

export const queryLines: ReadLines = {
  'http 74: joins on shared variables': async (place) => {
    const http = await main(place)
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
  },

  'http 75: ids null, one, several, none': async (place) => {
    const http = await main(place)
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
  },

  'http 76: a variable without entry, abstract types, wrong shapes are 400': async (place) => {
    const http = await main(place)
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
  },

  'http 77, 79: every row has every variable, wildcards are null, first, beside concrete rows': async (place) => {
    const wide = await wideOf(place)
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
  },

  'http 78: without free variables one row or none': async (place) => {
    const http = await main(place)
    const ids = (action: string) => ({
      u: { type: 'User', ids: ['ana'] },
      a: { type: 'String', ids: [action] },
      r: { type: 'Repo', ids: ['r2'] },
    })
    expect(await rows(http, ['allow', ['u', 'a', 'r']], [], ids('write'))).toEqual([{ u: 'ana', a: 'write', r: 'r2' }])
    expect(await rows(http, ['allow', ['u', 'a', 'r']], [], ids('fly'))).toEqual([])
  },

  'http 80: a two-argument global permission': async (place) => {
    const wide = await wideOf(place)
    const constraints = { u: { type: 'User', ids: ['ana'] }, p: { type: 'String', ids: ['tour'] } }
    expect(await rows(wide, ['has_permission', ['u', 'p']], [], constraints)).toEqual([{ u: 'ana', p: 'tour' }])
    expect(await rows(wide, ['allow', ['u', 'p']], [], constraints)).toEqual([{ u: 'ana', p: 'tour' }])
  },

  '`__proto__` is a name like any other': async (place) => {
    const odd = '__proto__'
    const { ask: alone } = await place.world({
      policies: [`actor ${odd} {} resource Repo {} declare ${odd}(${odd}, Repo); declare also(${odd});`],
      facts: [`${odd}(${odd}:${odd}, Repo:constructor)`, `also(${odd}:${odd})`],
    })
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
  },

  'an unknown predicate or length gives no rows': async (place) => {
    const http = await main(place)
    expect(await rows(http, ['nothing', ['u']], [], { u: { type: 'User' } })).toEqual([])
    expect(await rows(http, ['allow', ['u']], [], { u: { type: 'User' } })).toEqual([])
  },

  'what cannot be enumerated is 400': async (place) => {
    const wide = await wideOf(place)
    const constraints = { u: { type: 'User', ids: ['bob'] }, a: { type: 'String', ids: ['touch'] }, r: { type: 'Repo' } }
    expect((await ask(wide, ['allow', ['u', 'a', 'r']], [], constraints)).status).toBe(400)
  },

  'http 81: both-null, type-only and exact arguments': async (place) => {
    const http = await main(place)
    const results = async (text: string) => (await query(http, text)).body.results
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
  },

  'http 82: an argument that no rule constrains': async (place) => {
    const { ask: open } = await place.world({ policies: ['actor User {} any(_, x: Integer) if x in [1]; typed(_: User);'] })
    expect((await query(open, 'any(_, _)')).body.results).toEqual([
      {
        predicate: 'any',
        args: [
          { type: null, id: null },
          { type: 'Integer', id: '1' },
        ],
      },
    ])
    expect((await query(open, 'typed(_)')).body.results).toEqual([{ predicate: 'typed', args: [{ type: 'User', id: null }] }])
  },

  'abstract types and ids without type are 400': async (place) => {
    const http = await main(place)
    for (const text of ['has_role(Actor:_, _, _)', 'has_role(Resource:x, _, _)']) expect((await query(http, text)).status).toBe(400)
    expect((await http.post('/api/query', { fact: { predicate: 'has_role', args: [{ id: 'x' }] } })).status).toBe(400)
  },
}

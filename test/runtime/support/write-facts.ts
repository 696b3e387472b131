/** The HTTP checklist: facts that are written. */
import { expect } from 'vitest'
import { factsIn } from './bodies.ts'
import { type Asker, fact } from './harness.ts'
import { basic } from './policies.ts'
import type { WriteLines, WritePlace } from './write-place.ts'

const declares = `${basic}
declare plan(Org, Integer);
declare flag(Repo, Boolean);
declare five(User, User, User, User, User);
known(User{"static"});
sees(u: User) if known(u);
`
const declared = async (place: WritePlace): Promise<Asker> => (await place.world({ policies: [declares] })).ask

const role = (user: string, name: string, repo: string) => `has_role(User:${user}, String:${name}, Repo:${repo})`
const batch = async (http: Asker, changesets: readonly unknown[]) => http.post('/api/batch', changesets)
const inserts = (...facts: string[]) => ({ inserts: facts.map(fact) })
const deletes = (...facts: string[]) => ({ deletes: facts.map(fact) })

export const factWriteLines: WriteLines = {
  'http 44: order within a batch': async (place) => {
    const http = await declared(place)
    await batch(http, [inserts(role('ana', 'reader', 'r1')), deletes(role('ana', 'reader', 'r1'))])
    expect(await http.stored()).toEqual([])
    await batch(http, [deletes(role('ana', 'reader', 'r1')), inserts(role('ana', 'reader', 'r1'))])
    expect(await http.stored()).toEqual([role('ana', 'reader', 'r1')])
    await batch(http, [
      inserts(role('ana', 'writer', 'r1')),
      deletes('has_role(User:ana, _, Repo:_)'),
      inserts(role('bob', 'reader', 'r1')),
    ])
    expect(await http.stored()).toEqual([role('bob', 'reader', 'r1')])
  },

  'http 45: one refused entry refuses all': async (place) => {
    const http = await declared(place)
    await http.facts(role('ana', 'reader', 'r1'))
    for (const bad of ['nothing(User:ana)', 'has_role(User:ana, String:reder, Repo:r1)', 'plan(Org:o, Integer:x)']) {
      expect((await batch(http, [deletes('has_role(_, _, _)'), inserts(role('bob', 'reader', 'r1'), bad)])).status).toBe(400)
      expect(await http.stored()).toEqual([role('ana', 'reader', 'r1')])
    }
  },

  'http 17, 46: an empty batch is 200 with a position': async (place) => {
    const http = await declared(place)
    for (const body of [[], [{ inserts: [] }], [{ deletes: [] }]]) {
      const { status, headers, body: answer } = await batch(http, body)
      expect({ status, message: typeof answer.message, offset: headers.get('osooffset') }).toEqual({
        status: 200,
        message: 'string',
        offset: headers.get('arctos-revision'),
      })
    }
  },

  'http 47: inserting twice and deleting nothing are 200': async (place) => {
    const http = await declared(place)
    expect((await batch(http, [inserts(role('ana', 'reader', 'r1'), role('ana', 'reader', 'r1'))])).status).toBe(200)
    expect((await batch(http, [inserts(role('ana', 'reader', 'r1'))])).status).toBe(200)
    expect(await http.stored()).toHaveLength(1)
    expect((await batch(http, [deletes(role('zed', 'reader', 'r1'), 'nothing(User:a)', 'has_role(_, _)')])).status).toBe(200)
    expect(await http.stored()).toHaveLength(1)
  },

  'http 48: delete patterns': async (place) => {
    const http = await declared(place)
    const all = [
      role('ana', 'reader', 'r1'),
      role('ana', 'writer', 'r2'),
      role('bob', 'reader', 'r1'),
      'has_role(User:ana, String:member, Org:o1)',
    ]
    const left = async (pattern: string) => {
      await http.facts(...all)
      await batch(http, [deletes(pattern)])
      return http.stored()
    }
    expect(await left('has_role(_, _, _)')).toEqual([])
    expect(await left('has_role(_, _)')).toHaveLength(4)
    expect(await left('has_role(_, _, _, _)')).toHaveLength(4)
    expect(await left('has_role(_, _, Repo:_)')).toEqual(['has_role(User:ana, String:member, Org:o1)'])
    expect(await left('has_role(User:ana, _, _)')).toEqual([role('bob', 'reader', 'r1')])
    expect(await left('has_role(_, String:reader, Repo:r1)')).toHaveLength(2)
    expect(await left(role('ana', 'writer', 'r2'))).toHaveLength(3)
  },

  'http 49: a changeset has exactly one key': async (place) => {
    const http = await declared(place)
    for (const changeset of [{}, { ...inserts(), ...deletes() }, { inserts: null }, { inserts: null, deletes: null }]) {
      const { status, body } = await batch(http, [changeset])
      expect({ status, message: body.message }).toEqual({ status: 400, message: '`[0]` must have exactly one of `inserts` and `deletes`' })
    }
    expect((await batch(http, [{ inserts: [], deletes: null }])).status).toBe(200)
  },

  'http 50, 51: facts that the policy does not use': async (place) => {
    const http = await declared(place)
    const cases: [string, string][] = [
      ['nothing(User:ana)', 'nothing(User) is not used in policy'],
      ['plan(Org:o)', 'plan(Org) is not used in policy'],
      ['plan(Org:o, String:x)', 'plan(Org, String) is not used in policy'],
      ['has_role(User:ana, String:keper, Repo:r)', 'has_role(User, "keper", Repo) is not used in policy'],
      ['has_relation(Repo:r, String:organisation, Org:o)', 'has_relation(Repo, "organisation", Org) is not used in policy'],
    ]
    for (const [text, message] of cases) {
      const { status, body } = await batch(http, [inserts(text)])
      expect({ status, message: body.message.slice(0, message.length) }).toEqual({ status: 400, message })
    }
  },

  'http 53: what no fact can hold': async (place) => {
    const http = await declared(place)
    const one = (type: unknown, id: unknown) => ({
      predicate: 'has_role',
      args: [
        { type, id },
        { type: 'String', id: 'reader' },
        { type: 'Repo', id: 'r' },
      ],
    })
    const bad = [
      one('User', '*'),
      one('User', ''),
      one('', 'x'),
      one('User', null),
      one(null, null),
      one('User', 'x'.repeat(385)),
      one('User', 'ü'.repeat(193)),
      one('User', '\ud800'),
      one('Us\udc00er', 'a'),
      one('Integer', '9223372036854775808'),
      one('Boolean', 'yes'),
      fact('five(User:1, User:2, User:3, User:4, User:5, User:6)'),
      { predicate: 'five', args: [] },
      { predicate: '', args: [{ type: 'User', id: 'x' }] },
      { predicate: 'five' },
      { args: [] },
      null,
      'has_role',
    ]
    for (const entry of bad) {
      const { status, body } = await batch(http, [{ inserts: [entry] }])
      expect({ entry, status, message: typeof body.message }).toEqual({ entry, status: 400, message: 'string' })
    }
    expect(await http.stored()).toEqual([])
  },

  'ids with every other character round-trip': async (place) => {
    const http = await declared(place)
    const ids = [
      'x'.repeat(384),
      'ü'.repeat(192),
      `'; drop table --`,
      '"',
      '\\',
      'a\0b',
      'a\nb\r\t',
      '😀',
      '\ufeffbom',
      ' ',
      ':',
      '_',
      '%',
      '?',
      '\u2028',
      '__proto__',
    ]
    await batch(http, [
      {
        inserts: ids.map((id) => ({
          predicate: 'has_role',
          args: [
            { type: 'User', id },
            { type: 'String', id: 'reader' },
            { type: 'Repo', id },
          ],
        })),
      },
    ])
    const stored = factsIn((await http.get('/api/facts')).body).map(({ args }) => args[0]?.id)
    expect(new Set(stored)).toEqual(new Set(ids))
    for (const id of ids) {
      const asked = { actor_type: 'User', actor_id: id, action: 'read', resource_type: 'Repo', resource_id: id }
      expect((await http.post('/api/authorize', asked)).body).toEqual({ allowed: true })
      expect((await http.post('/api/list', asked)).body).toEqual({ results: [id] })
      const query = `predicate=has_role&args.0.type=User&args.0.id=${encodeURIComponent(id)}`
      expect((await http.get(`/api/facts?${query}`)).body).toHaveLength(1)
    }
    await batch(http, [{ deletes: ids.map((id) => ({ predicate: 'has_role', args: [{ type: 'User', id }, {}, {}] })) }])
    expect(await http.stored()).toEqual([])
  },

  'integers are canonical': async (place) => {
    const http = await declared(place)
    await http.facts('plan(Org:o, Integer:007)', 'plan(Org:o, Integer:+7)', 'plan(Org:p, Integer:-0)')
    expect(await http.stored()).toEqual(['plan(Org:o, Integer:7)', 'plan(Org:p, Integer:0)'])
    await batch(http, [deletes('plan(Org:o, Integer:0007)')])
    expect(await http.stored()).toEqual(['plan(Org:p, Integer:0)'])
    expect((await batch(http, [deletes('plan(Org:o, Integer:seven)')])).status).toBe(400)
  },

  'http 52: without a policy only has_permission facts': async (place) => {
    const { ask: empty } = await place.world({})
    const refused = await empty.post('/api/batch', [inserts(role('ana', 'reader', 'r1'))])
    expect({ status: refused.status, message: refused.body.message }).toEqual({
      status: 400,
      message: expect.stringContaining('is not used in policy'),
    })
    const permission = 'has_permission(User:bob, String:read, Repo:acme)'
    expect(await empty.allowed('User:bob read Repo:acme')).toBe(false)
    expect(await empty.allowed('User:bob read Repo:acme', [fact(permission)])).toBe(true)
    await empty.facts(permission)
    expect(await empty.allowed('User:bob read Repo:acme')).toBe(true)
    expect(await empty.stored()).toEqual([permission])
  },

  'http 54: POST /facts gives the fact, DELETE /facts takes a body': async (place) => {
    const http = await declared(place)
    const inserted = await http.post('/api/facts', fact('plan(Org:o, Integer:07)'))
    expect({ status: inserted.status, body: inserted.body }).toEqual({ status: 200, body: fact('plan(Org:o, Integer:7)') })
    expect(inserted.headers.get('osooffset')).not.toBeNull()
    const deleted = await http.ask('DELETE', '/api/facts', {
      predicate: 'plan',
      args: [
        { type: 'Org', id: 'o' },
        { type: null, id: null },
      ],
    })
    expect({ status: deleted.status, keys: Object.keys(deleted.body) }).toEqual({ status: 200, keys: ['message'] })
    expect(deleted.headers.get('osooffset')).not.toBeNull()
    expect(await http.stored()).toEqual([])
    expect((await http.ask('DELETE', '/api/facts', fact('plan(Org:o, Integer:7)'))).status).toBe(200)
    expect((await http.ask('DELETE', '/api/facts', { predicate: 'plan', args: [] })).status).toBe(400)
  },

  'http 55: bulk_load, bulk_delete, bulk': async (place) => {
    const http = await declared(place)
    expect((await http.post('/api/bulk_load', [role('ana', 'reader', 'r1'), role('bob', 'reader', 'r1')].map(fact))).status).toBe(200)
    expect(await http.stored()).toHaveLength(2)
    expect((await http.post('/api/bulk_delete', [fact('has_role(User:ana, _, _)')])).status).toBe(200)
    expect(await http.stored()).toEqual([role('bob', 'reader', 'r1')])
    const bulk = { delete: [fact('has_role(_, _, _)')], tell: [fact(role('bob', 'writer', 'r2'))] }
    expect((await http.post('/api/bulk', bulk)).status).toBe(200)
    expect(await http.stored()).toEqual([role('bob', 'writer', 'r2')])
    expect((await http.post('/api/bulk', { delete: [fact('has_role(_, _, _)')], tell: [fact('nothing(User:a)')] })).status).toBe(400)
    expect(await http.stored()).toHaveLength(1)
  },

  'http 56: clear_data removes facts and policy and keeps keys and numbering': async (place) => {
    const http = await declared(place)
    await http.facts(role('ana', 'reader', 'r1'))
    const versions = (await http.get('/api/stats')).body.policy.versions
    const { status, headers } = await http.post('/api/clear_data')
    expect({ status, offset: headers.get('osooffset') === null }).toEqual({ status: 200, offset: false })
    expect((await http.get('/api/policy')).body).toEqual({ policy: null })
    expect((await http.get('/api/policy_metadata')).status).toBe(404)
    expect(await http.stored()).toEqual([])
    expect(await http.allowed('User:ana read Repo:r1')).toBe(false)
    await http.policy(declares)
    const after = (await http.get('/api/stats')).body.policy.versions
    expect(Math.max(...after.map(Number))).toBe(Math.max(...versions.map(Number)) + 1)
  },

  'an answer counts the changes, unless a wildcard hides how many facts it removes': async (place) => {
    const http = await declared(place)
    const one = 'has_role(User:ana, String:reader, Repo:r1)'
    const cases: [unknown, string][] = [
      [inserts(one), '1 change written'],
      [inserts(one, role('bob', 'reader', 'r1')), '2 changes written'],
      [deletes(one), '1 change written'],
      [deletes('has_role(User:_, _, Repo:r1)'), 'written'],
    ]
    for (const [changeset, message] of cases) expect((await batch(http, [changeset])).body).toEqual({ message })
    expect((await http.ask('DELETE', '/api/facts', fact('has_role(_, _, _)'))).body).toEqual({ message: 'written' })
  },
}

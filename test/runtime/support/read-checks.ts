/** The HTTP checklist: checks. */
import { expect } from 'vitest'
import { asked, fact, value } from './harness.ts'
import type { ReadLines } from './read-place.ts'
import { list, main, wideOf } from './read-states.ts'

const member = (user: string) => fact(`has_role(User:${user}, String:member, Org:o1)`)

export const checkLines: ReadLines = {
  'http 58: true and false, never an error': async (place) => {
    const http = await main(place)
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
  },

  'http 59: authorize_resources keeps order and duplicates': async (place) => {
    const http = await main(place)
    const ask = async (resources: readonly unknown[]) =>
      http.post('/api/authorize_resources', { actor_type: 'User', actor_id: 'ana', action: 'read', resources })
    const resources = ['Repo:r2', 'Org:o1', 'Repo:zed', 'Repo:r1', 'Repo:r2'].map(value)
    expect((await ask(resources)).body).toEqual({ results: ['Repo:r2', 'Repo:r1', 'Repo:r2'].map(value) })
    expect((await ask([])).body).toEqual({ results: [] })
    for (const bad of [{ type: 'Repo', id: null }, { type: null, id: null }, { type: 'Repo' }, {}, { type: 'Repo', id: '*' }]) {
      expect({ bad, status: (await ask([bad])).status }).toEqual({ bad, status: 400 })
    }
  },

  'http 60: list and actions are distinct and sorted bytewise': async (place) => {
    const http = await main(place)
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
  },

  'http 61, 62: a grant over all ids': async (place) => {
    const wide = await wideOf(place)
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
  },

  'http 63: what cannot be enumerated': async (place) => {
    const wide = await wideOf(place)
    expect(await wide.allowed('User:bob touch Repo:x')).toBe(true)
    for (const more of [{}, { page_size: 10 }]) {
      const { status, body } = await list(wide, 'User:bob touch Repo', more)
      expect({ status, message: body.message }).toEqual({
        status: 400,
        message:
          '`r` in the rule at policy.polar:11:1 cannot be enumerated: the condition at policy.polar:11:46 needs a value for it; add a condition that gives it a value, or ask with a value for it',
      })
    }
  },

  'http 64: count for one request, on each endpoint': async (place) => {
    const http = await main(place)
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
    expect(await http.stored('predicate=_&args.0.type=User&args.0.id=eve')).toEqual([])
  },

  'http 65: not used in the policy or with a wildcard is 400': async (place) => {
    const http = await main(place)
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
  },

  'http 66: without a policy everything is denied or empty': async (place) => {
    const { ask: empty, change } = await place.world({})
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
    await change((cell) => cell.facts('has_permission(User:ana, String:read, Repo:r1)'))
    expect((await empty.post('/api/list', question)).body).toEqual({ results: ['r1'] })
    expect((await empty.post('/api/actions', question)).body).toEqual({ results: ['read'] })
  },

  'http 67: bulk_actions keeps order, context facts of the first count for all': async (place) => {
    const http = await main(place)
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
  },
}

/** The HTTP checklist: transport, keys, headers and positions of writes. */
import { expect } from 'vitest'
import { asked, fact } from './harness.ts'
import { basic } from './policies.ts'
import { mainState } from './read-states.ts'
import { goodWrites } from './requests.ts'
import type { WriteLines } from './write-place.ts'

const ana = 'has_role(User:ana, String:reader, Repo:r1)'
const anaReads = 'User:ana read Repo:r1'
const role = (user: string): string => `has_role(User:${user}, String:reader, Repo:r1)`
const insert = (user: string) => [{ inserts: [fact(role(user))] }]

const mutations: readonly (readonly [string, string, unknown])[] = [
  ['POST', '/api/policy', { src: `${basic}# other` }],
  ['POST', '/api/policy', { src: `${basic}# other` }],
  ['POST', '/api/facts', fact(role('a'))],
  ['DELETE', '/api/facts', fact(role('a'))],
  ['POST', '/api/bulk_load', [fact(role('b'))]],
  ['POST', '/api/bulk_delete', [fact(role('b'))]],
  ['POST', '/api/bulk', { delete: [], tell: [] }],
  ['POST', '/api/batch', []],
  ['POST', '/api/batch', insert('c')],
  ['POST', '/api/clear_data', undefined],
]

export const transportWriteLines: WriteLines = {
  'http 1, 4: a bare `?` is routed, and only `Authorization` is needed': async (place) => {
    const { ask: http } = await place.world({ policies: [basic] })
    const bytes = new TextEncoder().encode(JSON.stringify([{ inserts: [fact(ana)] }]))
    expect((await http.post('/api/batch?', undefined, { raw: bytes })).status).toBe(200)
    expect(await http.stored()).toEqual([ana])
  },

  'http 6: writes have exactly the keys of the specification': async (place) => {
    const { ask: http } = await place.world(mainState)
    for (const { method, path, body } of goodWrites) {
      const { status, body: answer } = await http.ask(method, path, body)
      const isFact = method === 'POST' && path === '/api/facts'
      expect({ method, path, status, keys: Object.keys(answer).toSorted() }).toEqual({
        method,
        path,
        status: path === '/api/policy' ? 202 : 200,
        keys: isFact ? ['args', 'predicate'] : ['message'],
      })
    }
    expect(Object.keys((await http.post('/api/policy', { src: basic })).body)).toEqual(['message'])
    expect(Object.keys((await http.post('/api/batch', [{}])).body)).toEqual(['message'])
  },

  'http 7: unknown keys are ignored, malformed JSON is 400': async (place) => {
    const { ask: http } = await place.world({ policies: [basic] })
    expect((await http.post('/api/batch', [{ inserts: [{ ...fact(ana), note: 1 }], why: 2 }])).status).toBe(200)
    for (const raw of ['', '{', 'nonsense', '[1,', '{"a":1}}', '"\\ud800"', '{"actor_type":"\\q"}']) {
      // What never looks at a body takes every one.
      for (const { method, path } of goodWrites.filter((write) => write.path !== '/api/clear_data')) {
        const { status, body } = await http.ask(method, path, undefined, { raw })
        expect({ path, raw, status }).toEqual({ path, raw, status: 400 })
        expect(typeof body.message).toBe('string')
      }
    }
    expect(await http.stored()).toEqual([ana])
  },

  'http 7: a wrong shape names the field': async (place) => {
    const { ask: http } = await place.world({ policies: [basic] })
    const cases: [string, unknown, string][] = [
      ['/api/batch', {}, 'the body must be an array, found an object'],
      ['/api/bulk', { delete: [] }, '`tell` is missing, expected an array'],
      ['/api/policy', { src: 5 }, '`src` must be a string, found a number'],
    ]
    for (const [path, body, message] of cases) {
      const answer = await http.post(path, body)
      expect({ status: answer.status, message: answer.body.message }).toEqual({ status: 400, message })
    }
  },

  'http 7: null means absent': async (place) => {
    const { ask: http } = await place.world({ policies: [basic] })
    expect((await http.post('/api/policy', { src: basic, filename: null })).status).toBe(202)
  },

  'http 8: numeric and boolean ids become text, others are 400': async (place) => {
    const { ask: http } = await place.world({ policies: [basic] })
    const inserted = (id: unknown) => ({
      predicate: 'has_role',
      args: [
        { type: 'User', id },
        { type: 'String', id: 'reader' },
        { type: 'Repo', id: false },
      ],
    })
    expect((await http.post('/api/batch', [{ inserts: [inserted(8)] }])).status).toBe(200)
    expect(await http.allowed('User:8 read Repo:false')).toBe(true)
    for (const id of [{}, [], [1], 1.5, 1e300, { toString: 1 }]) {
      expect({ id, status: (await http.post('/api/batch', [{ inserts: [inserted(id)] }])).status }).toEqual({ id, status: 400 })
    }
    expect(await http.stored()).toEqual(['has_role(User:8, String:reader, Repo:false)'])
  },

  'http 11, 12: without a good key 401, with a read-only one 403, and nothing changes': async (place) => {
    const { ask: http, keys } = await place.world(mainState)
    const before = await http.stored()
    for (const { method, path, body } of goodWrites) {
      for (const key of [null, '', 'nonsense', `${keys.full}x`, 'e_other_12345_osotesttoken01xiIn']) {
        expect({ path, key, status: (await http.ask(method, path, body, { key })).status }).toEqual({ path, key, status: 401 })
      }
      expect({ path, status: (await http.ask(method, path, body, { key: keys.readOnly })).status }).toEqual({ path, status: 403 })
      expect(await http.stored()).toEqual(before)
    }
    expect((await http.get('/api/policy')).body.policy.src).toBe(basic)
  },

  'http 13: what is cleared in one environment stays in another': async (place) => {
    const { ask: http, keys } = await place.world({ policies: [basic], facts: [ana] })
    expect((await http.post('/api/clear_data', undefined, { key: keys.other })).status).toBe(200)
    expect((await http.post('/api/policy', { src: basic }, { key: keys.other })).status).toBe(200)
    expect(await http.allowed(anaReads)).toBe(true)
    expect((await http.post('/api/authorize', asked(anaReads), { key: keys.other })).body).toEqual({ allowed: false })
  },

  'http 14, 15: X-Request-ID is echoed, Server-Timing starts with `oso;dur=`, and answers carry revision and staleness': async (place) => {
    const { ask: http } = await place.world({ policies: [basic] })
    for (const body of [insert('ana'), [{}]]) {
      const { headers } = await http.post('/api/batch', body, { headers: { 'X-Request-ID': 'a-1!~' } })
      expect(headers.get('x-request-id')).toBe('a-1!~')
      expect(headers.get('server-timing')).toMatch(/^oso;dur=[0-9]+(\.[0-9]+)?$/)
      expect(headers.get('arctos-revision')).toMatch(/^[^:\s]+:[0-9]+$/)
      expect(headers.get('arctos-staleness-ms')).toMatch(/^[0-9]+$/)
    }
  },

  'http 17: every 2xx mutation carries OsoOffset, nothing else does': async (place) => {
    const { ask: http } = await place.world({ policies: [basic] })
    const offsets: number[] = []
    for (const [method, path, body] of mutations) {
      const { status, headers } = await http.ask(method, path, body)
      expect({ path, ok: status === 200 || status === 202 }).toEqual({ path, ok: true })
      expect(headers.get('osooffset')).toMatch(/^[!-~]+:[0-9]+$/)
      expect(headers.get('osooffset')).toBe(headers.get('arctos-revision'))
      offsets.push(Number(headers.get('osooffset')?.split(':').at(-1)))
    }
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
    expect((await http.post('/api/batch', [{}])).headers.get('osooffset')).toBeNull()
    expect((await http.get('/api/facts')).headers.get('osooffset')).toBeNull()
    expect((await http.post('/api/policy/test', { src: basic })).headers.get('osooffset')).toBeNull()
  },

  'http 18: a read with the token of a write sees it': async (place) => {
    const { ask: http } = await place.world({ policies: [basic] })
    for (let index = 0; index < 20; index++) {
      const token = { headers: { OsoOffset: (await http.post('/api/batch', insert(`u${index}`))).headers.get('osooffset') ?? '' } }
      expect((await http.post('/api/authorize', asked(`User:u${index} read Repo:r1`), token)).body).toEqual({ allowed: true })
      expect((await http.get('/api/facts', token)).body).toHaveLength(index + 1)
    }
  },

  'http 20, 21: a write does not wait for the token of its request, whatever that is': async (place) => {
    const { ask: http } = await place.world({ policies: [basic] })
    const order = (await http.get('/api/policy')).headers.get('arctos-revision')?.split(':')[0]
    for (const [index, token] of [`${order}:9999`, '', 'garbage', 'other:5'].entries()) {
      expect((await http.post('/api/batch', insert(`u${index}`), { headers: { OsoOffset: token } })).status).toBe(200)
    }
    expect(await http.stored()).toHaveLength(4)
  },

  'http 57: a write that is sent twice leaves the same as once': async (place) => {
    const { ask: http } = await place.world({ policies: [basic], facts: [role('b')] })
    const state = async () => [await http.stored(), (await http.get('/api/policy')).text]
    for (const [index, [method, path, body]] of mutations.entries()) {
      const options = { headers: { 'X-Request-ID': `write-${index}` } }
      const first = await http.ask(method, path, body, options)
      const once = await state()
      const again = await http.ask(method, path, body, options)
      expect([again.status, again.text, again.headers.get('osooffset')]).toEqual([first.status, first.text, first.headers.get('osooffset')])
      expect(await state()).toEqual(once)
      const anew = await http.ask(method, path, body)
      expect(anew.status < 300).toBe(true)
      expect(await state()).toEqual(once)
    }
  },
}

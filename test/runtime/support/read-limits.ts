/** The HTTP checklist: limits of reads. */
import { expect } from 'vitest'
import { asked, fact } from './harness.ts'
import { basic } from './policies.ts'
import type { ReadLines, ReadState } from './read-place.ts'

const question = asked('User:1 read Repo:r1')
const roles = (count: number) => Array.from({ length: count }, (_, index) => fact(`has_role(User:${index}, String:reader, Repo:r1)`))
const production: ReadState = { policies: [basic], settings: { ARCTOS_MODE: 'production' } }
const cycle = `declare number(Integer);
  cycle(a: Integer) if number(a) and number(b) and number(c) and number(d) and number(e) and number(f)
    and a < b and b < c and c < d and d < e and e < f and f < a;`

export const limitLines: ReadLines = {
  'http 92: in production 413 for a read of 11 MiB, declared or not': async (place) => {
    const { ask: http } = await place.world(production)
    expect((await http.post('/api/authorize', { ...question, more: 'x'.repeat(11 * 1024 * 1024) })).status).toBe(413)
    expect((await http.post('/api/authorize', { ...question, more: 'x'.repeat(9 * 1024 * 1024) })).status).toBe(200)
  },

  'http 92: in production 413 for 101 context facts': async (place) => {
    const http = (await place.world(production)).ask
    const ask = async (path: string, body: object, count: number) =>
      (await http.post(path, { ...body, context_facts: roles(count) })).status
    expect(await ask('/api/authorize', question, 100)).toBe(200)
    for (const path of ['/api/authorize', '/api/list', '/api/actions']) expect(await ask(path, question, 101)).toBe(413)
    expect(await ask('/api/query', { fact: fact('has_role(User:1, _, _)') }, 101)).toBe(413)
    const half = { ...question, context_facts: roles(51) }
    expect((await http.post('/api/bulk_actions', [half, half])).status).toBe(413)
  },

  'http 93: a query over its budget is 400, and the process goes on': async (place) => {
    const facts = Array.from({ length: 200 }, (_, index) => `number(Integer:${index})`)
    const { ask: http } = await place.world({ policies: [cycle], facts, settings: { ARCTOS_QUERY_TIMEOUT_MS: '30' } })
    const { status, body } = await http.post('/api/query', { fact: fact('cycle(Integer:_)') })
    expect({ status, message: body.message }).toEqual({
      status: 400,
      message: 'the query took longer than 30 ms: narrow the question or simplify the policy, see docs/reference/polar.md#limits',
    })
    expect((await http.post('/api/authorize', question)).status).toBe(200)
  },

  'http 94: a rate limit answers 429 with whole-second Retry-After': async (place) => {
    const { ask: http } = await place.world({ policies: [basic], settings: { ARCTOS_READS_PER_SECOND: '3' } })
    const answers = await Promise.all(Array.from({ length: 60 }, () => http.post('/api/authorize', question)))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(1)
    for (const { headers, body } of refused) {
      expect(headers.get('retry-after')).toMatch(/^[1-9][0-9]*$/)
      expect(typeof body.message).toBe('string')
    }
  },
}

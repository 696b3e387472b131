/** The HTTP checklist: pages of a list. */
import { expect } from 'vitest'
import { asked, fact } from './harness.ts'
import { basic } from './policies.ts'
import type { ReadLines } from './read-place.ts'
import { list, main, mainState } from './read-states.ts'

const member = (user: string) => fact(`has_role(User:${user}, String:member, Org:o1)`)
const anaReader = (repo: string): string => `has_role(User:ana, String:reader, Repo:${repo})`
const ids = Array.from({ length: 23 }, (_, index) => `p${index}`).sort()

export const pageLines: ReadLines = {
  'http 68: without paging keys everything and no token': async (place) => {
    const http = await main(place)
    const body = (await list(http, 'User:ana read Repo')).body
    expect(Object.keys(body)).toEqual(['results'])
  },

  'http 69: every page_size walks through all ids once': async (place) => {
    const { ask: many } = await place.world({ policies: [basic], facts: ids.map(anaReader) })
    for (const size of [1, 5, 23, 24, 10_000, 1e12]) {
      const found: string[] = []
      let pages = 0
      let { body } = await list(many, 'User:ana read Repo', { page_size: size, page_token: null })
      for (;;) {
        pages++
        expect(Object.keys(body).sort()).toEqual(['next_page_token', 'results'])
        expect(body.results.length).toBeLessThanOrEqual(size)
        found.push(...(body.results as string[]))
        if (body.next_page_token === null) break
        expect(typeof body.next_page_token).toBe('string')
        body = (await list(many, 'User:ana read Repo', { page_token: body.next_page_token })).body
      }
      expect({ size, found }).toEqual({ size, found: ids })
      expect(pages).toBe(Math.ceil(ids.length / size))
    }
  },

  'http 70: a page_size that is no count is 400': async (place) => {
    const http = await main(place)
    for (const size of [0, -1, 1.5, '5', {}, true, 1e300]) {
      expect({ size, status: (await list(http, 'User:ana read Repo', { page_size: size })).status }).toEqual({ size, status: 400 })
    }
  },

  'http 71: page_size is ignored beside a token': async (place) => {
    const http = await main(place)
    const { next_page_token: token } = (await list(http, 'User:ana read Repo', { page_size: 1 })).body
    for (const size of [0, -1, 'x', 3]) {
      expect((await list(http, 'User:ana read Repo', { page_token: token, page_size: size })).body.results).toEqual(['r10'])
    }
  },

  'http 72: a foreign or altered token is 400': async (place) => {
    const { ask: http, keys } = await place.world(mainState)
    const token = (await list(http, 'User:ana read Repo', { page_size: 1 })).body.next_page_token ?? ''
    const status = async (question: string, more: object) => (await list(http, question, more)).status
    expect(await status('User:ana read Repo', { page_token: token })).toBe(200)
    expect(await status('User:ana write Repo', { page_token: token })).toBe(400)
    expect(await status('User:bob read Repo', { page_token: token })).toBe(400)
    expect(await status('User:ana read Org', { page_token: token })).toBe(400)
    expect(await status('User:ana read Repo', { page_token: token, context_facts: [member('eve')] })).toBe(400)
    // A fallback knows no other environment.
    const other = await http.post('/api/list', { ...asked('User:ana read Repo:x'), page_token: token }, { key: keys.other })
    expect(other.status).toBe(place.kind === 'fallback' ? 503 : 400)
    const altered = [...token].map(
      (letter: string, index: number) => token.slice(0, index) + (letter === 'A' ? 'B' : 'A') + token.slice(index + 1),
    )
    for (const changed of [...altered, token.slice(1), `${token}A`, 'x', '', '=', ' ', 'ü', '0'.repeat(5000)]) {
      expect({ changed, status: await status('User:ana read Repo', { page_token: changed }) }).toEqual({ changed, status: 400 })
    }
    expect(await status('User:ana read Repo', { page_token: 5 })).toBe(400)
  },

  'http 72: a policy or fact change does not end a running list': async (place) => {
    const { ask: many, change } = await place.world({ policies: [basic], facts: ['a', 'b', 'c', 'd'].map(anaReader) })
    const first = (await list(many, 'User:ana read Repo', { page_size: 2 })).body
    await change((cell) => cell.policy(`${basic}# changed`))
    await change((cell) => cell.facts(anaReader('bb')))
    expect((await list(many, 'User:ana read Repo', { page_token: first.next_page_token })).body).toEqual({
      results: ['bb', 'c'],
      next_page_token: expect.any(String),
    })
  },
}

/** The HTTP checklist: limits of writes. */
import { expect } from 'vitest'
import { asked, fact } from './harness.ts'
import { basic } from './policies.ts'
import type { ReadState } from './read-place.ts'
import type { WriteLines } from './write-place.ts'

const role = (user: number) => fact(`has_role(User:${user}, String:reader, Repo:r1)`)
const roles = (count: number) => Array.from({ length: count }, (_, index) => role(index))
const production: ReadState = { policies: [basic], settings: { ARCTOS_MODE: 'production' } }

export const limitWriteLines: WriteLines = {
  'http 92: in production 413 for a write of 961 KiB': async (place) => {
    const { ask: http } = await place.world(production)
    const padded = (bytes: number) => [{ inserts: [role(1)], more: 'x'.repeat(bytes) }]
    expect((await http.post('/api/batch', padded(961 * 1024))).status).toBe(413)
    expect((await http.post('/api/batch', padded(900 * 1024))).status).toBe(200)
    expect((await http.post('/api/policy', { src: `${basic}# ${'x'.repeat(961 * 1024)}` })).status).toBe(413)
  },

  'http 92: in production 413 for 1,001 facts of a batch': async (place) => {
    const { ask: http } = await place.world(production)
    expect((await http.post('/api/batch', [{ inserts: roles(501) }, { deletes: roles(500) }])).status).toBe(413)
    expect((await http.post('/api/bulk_load', roles(1001))).status).toBe(413)
    expect(await http.stored()).toEqual([])
    expect((await http.post('/api/bulk_load', roles(1000))).status).toBe(200)
  },

  'http 92: in production 413 for a wildcard delete of 10,001 facts, nothing removed': async (place) => {
    const { ask: http } = await place.world(production)
    for (let start = 0; start < 10_001; start += 1000) {
      const facts = Array.from({ length: Math.min(1000, 10_001 - start) }, (_, index) => role(start + index))
      expect((await http.post('/api/bulk_load', facts)).status).toBe(200)
    }
    const wide = { deletes: [fact('has_role(_, _, Repo:r1)')] }
    expect((await http.post('/api/batch', [wide])).status).toBe(413)
    expect((await http.get('/api/stats')).body.facts.total).toBe(10_001)
    expect((await http.post('/api/batch', [{ deletes: [role(0)] }])).status).toBe(200)
    expect((await http.post('/api/batch', [wide])).status).toBe(200)
    expect((await http.get('/api/stats')).body.facts.total).toBe(0)
  },

  'a development server writes up to 10 MiB': async (place) => {
    const { ask: http } = await place.world({ policies: [basic] })
    expect((await http.post('/api/batch', [{ inserts: roles(1500), more: 'x'.repeat(2 * 1024 * 1024) }])).status).toBe(200)
    expect((await http.post('/api/batch', [{ inserts: [], more: 'x'.repeat(10 * 1024 * 1024) }])).status).toBe(413)
    const many = { ...asked('User:1 read Repo:r1'), context_facts: roles(150) }
    expect((await http.post('/api/authorize', many)).status).toBe(200)
  },

  'http 94: over the rate of updates 429 with whole-second Retry-After, and nothing changes': async (place) => {
    const { ask: http } = await place.world({ policies: [basic], settings: { ARCTOS_FACT_UPDATES_PER_MINUTE: '10' } })
    expect((await http.post('/api/bulk_load', roles(6))).status).toBe(200)
    const { status, headers, body } = await http.post('/api/bulk_load', roles(5))
    expect([status, typeof body.message]).toEqual([429, 'string'])
    expect(headers.get('retry-after')).toMatch(/^[1-9][0-9]*$/)
    expect(await http.stored()).toHaveLength(6)
  },
}

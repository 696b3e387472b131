/** Pages of lists that are too long to be evaluated whole: walked in order, they say what the list says. */
import { describe, expect, test } from 'vitest'
import type { Fact } from '../../src/base/value.ts'
import type { Cell } from '../support/cell.ts'
import { openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'
import { emptyDatabase } from '../support/database.ts'

const DOCUMENTS = 4200
const user = { type: 'User', id: 'ana' }
const request = { contextFacts: [], unixSeconds: 0, nowMs: null, timeoutMs: 20_000 }

const blocks = 'actor User {} resource Doc { roles = ["viewer"]; permissions = ["read"]; "read" if "viewer" and not hidden(resource); }'

/** Ana views every document; every fifth is hidden. */
const facts = Array.from({ length: DOCUMENTS }, (_, index): Fact[] => {
  const document = { type: 'Doc', id: `d${index}` }
  const viewer = { predicate: 'has_role', args: [user, { type: 'String', id: 'viewer' }, document] }
  return index % 5 === 0 ? [viewer, { predicate: 'hidden', args: [document] }] : [viewer]
}).flat()

const pagesOf = (cell: Cell, size: number): string[][] => {
  const pages: string[][] = []
  for (let after: string | null = null, more = true; more && pages.length <= DOCUMENTS; after = pages.at(-1)?.at(-1) ?? null) {
    const page = cell.engine.listPage(user, 'read', { resourceType: 'Doc', size, after }, request)
    pages.push([...page.ids])
    more = page.more
  }
  return pages
}

describe.each([
  ['values', blocks, (DOCUMENTS * 4) / 5],
  ['values and a wildcard', `${blocks} has_permission(u: User, "read", _: Doc) if trusted(u);`, (DOCUMENTS * 4) / 5 + 1],
])('%s', (name, policy, length) => {
  const trusted = name === 'values' ? [] : [{ predicate: 'trusted', args: [user] }]

  test.each([1000, 1120, 3359, 3360, 3361, 10_000])('pages of %i', (size) => {
    const cell = openCell(emptyDatabase(), validPolicy(policy), [...facts, ...trusted])
    const list = cell.engine.list(user, 'read', 'Doc', request)
    const pages = pagesOf(cell, size)
    expect(list.length).toBe(length)
    expect(pages.map((page) => page.length)).toEqual([
      ...Array.from({ length: Math.ceil(length / size) - 1 }, () => size),
      length - size * (Math.ceil(length / size) - 1),
    ])
    expect(pages.flat()).toEqual(list)
    cell.close()
  })
})

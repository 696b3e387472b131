/** Compiled checks are told apart by the types of their arguments, whatever characters these have. */
import { expect, test } from 'vitest'
import { openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'
import { emptyDatabase } from '../support/database.ts'

test('types that run together the same way are not confused', () => {
  const allowed = (actor: string, resource: string) => ({
    predicate: 'has_permission',
    args: [
      { type: actor, id: 'x' },
      { type: 'String', id: 'read' },
      { type: resource, id: 'y' },
    ],
  })
  const facts = [allowed('A', 'String\u0001R'), allowed('A\u0001String', 'R')]
  const cell = openCell(emptyDatabase(), validPolicy('actor User {}'), facts)
  const request = { contextFacts: [], unixSeconds: 0, nowMs: null, timeoutMs: 2000 }
  const pairs = [
    ['A', 'String\u0001R'],
    ['A\u0001String', 'R'],
    ['A~6:String', 'R'],
    ['A', 'R'],
  ] as const
  const ask = (): boolean[] =>
    pairs.map(([actor, resource]) => cell.engine.authorize({ type: actor, id: 'x' }, 'read', { type: resource, id: 'y' }, request))
  expect(ask()).toEqual([true, true, false, false])
  expect(ask()).toEqual([true, true, false, false])
  cell.close()
})

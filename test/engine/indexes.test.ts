/** The indexes that are derived from a policy. */
import { describe, expect, test } from 'vitest'
import { neededIndexes } from '../../src/engine/indexes.ts'
import { validPolicy } from '../support/check.ts'

describe('needed indexes', () => {
  test('both ends of a table are searchable without', () => {
    const policy = validPolicy(
      'actor User {} resource Doc { roles = ["reader"]; permissions = ["read"]; relations = { owner: User }; "read" if "reader" or "owner"; }',
    )
    expect(neededIndexes(policy)).toEqual([])
  })

  test('a rule that only knows the middle of a fact gets an index', () => {
    const policy = validPolicy(`
      actor User {} resource Doc { permissions = ["read"]; }
      has_permission(_: User, "read", doc: Doc) if space matches Space and grant(by, doc, space) and by matches User and space = Space{"main"};
      has_permission(user: User, "write", doc: Doc) if by matches User and space matches Space and grant(by, doc, space) and member(user, space);
    `)
    expect(neededIndexes(policy)).toEqual([{ signature: { predicate: 'grant', types: ['User', 'Doc', 'Space'] }, columns: [1, 0, 2] }])
  })
})

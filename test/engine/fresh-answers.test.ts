/** Compiled questions never outlive what they were compiled for: facts that come and go count at once, also the first of their kind. */
import { expect, test } from 'vitest'
import type { Fact, Value } from '../../src/base/value.ts'
import { openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'
import { emptyDatabase } from '../support/database.ts'

const policy = `
  actor User {}
  actor Team {}
  resource Folder { roles = ["viewer"]; relations = { parent: Folder }; "viewer" if "viewer" on "parent"; }
  resource Doc { roles = ["viewer"]; permissions = ["read"]; relations = { folder: Folder };
    "viewer" if "viewer" on "folder"; "read" if "viewer" and not banned(actor); }
  belongs(user: User, team: Team) if member(user, team);
  belongs(user: User, team: Team) if inner matches Team and part_of(inner, team) and belongs(user, inner);
  has_role(user: User, role: String, doc: Doc) if team matches Team and belongs(user, team) and has_role(team, role, doc);`

const value = (type: string, id: string): Value => ({ type, id })
const ana = value('User', 'ana')
const doc = value('Doc', 'd')
const named = (predicate: string, from: Value, name: string, to: Value): Fact => ({ predicate, args: [from, value('String', name), to] })

const inside = (inner: string, outer: string): Fact => ({ predicate: 'part_of', args: [value('Team', inner), value('Team', outer)] })
const membership = (user: Value, team: string): Fact => ({ predicate: 'member', args: [user, value('Team', team)] })

const steps: readonly (readonly [string, 'insert' | 'remove', Fact, boolean])[] = [
  ['a role, the first of its table', 'insert', named('has_role', ana, 'viewer', doc), true],
  ['a ban, the first of its table', 'insert', { predicate: 'banned', args: [ana] }, false],
  ['no ban', 'remove', { predicate: 'banned', args: [ana] }, true],
  ['no role', 'remove', named('has_role', ana, 'viewer', doc), false],
  ['a role on a folder above', 'insert', named('has_role', ana, 'viewer', value('Folder', 'top')), false],
  ['the folder of the document', 'insert', named('has_relation', doc, 'folder', value('Folder', 'low')), false],
  ['the folder above', 'insert', named('has_relation', value('Folder', 'low'), 'parent', value('Folder', 'top')), true],
  ['another folder', 'remove', named('has_relation', value('Folder', 'low'), 'parent', value('Folder', 'top')), false],
  ['a team with a role', 'insert', named('has_role', value('Team', 'all'), 'viewer', doc), false],
  ['a member of another team', 'insert', membership(ana, 'web'), false],
  ['somebody else in the team', 'insert', membership(value('User', 'bob'), 'all'), false],
  ['the team within another', 'insert', inside('web', 'dev'), false],
  ['that within the team', 'insert', inside('dev', 'all'), true],
  ['no longer within', 'remove', inside('web', 'dev'), false],
  ['a shorter way', 'insert', inside('web', 'all'), true],
  ['no member', 'remove', membership(ana, 'web'), false],
  ['a member of the team itself', 'insert', membership(ana, 'all'), true],
  ['another ban', 'insert', { predicate: 'banned', args: [value('User', 'bob')] }, true],
  ['a ban again', 'insert', { predicate: 'banned', args: [ana] }, false],
]

test.each(['none', 'worthwhile', 'always'] as const)('every kind of question sees every write, memory of subjects: %s', (memory) => {
  const cell = openCell(emptyDatabase(), validPolicy(policy), [], memory)
  const request = { contextFacts: [], unixSeconds: 0, nowMs: null, timeoutMs: 20_000 }
  const constraints = { u: { type: 'User', ids: null }, x: { type: 'String', ids: ['read'] }, d: { type: 'Doc', ids: null } }
  const answers = (after: string): unknown => ({
    after,
    authorize: cell.engine.authorize(ana, 'read', doc, request),
    resources: cell.engine.authorizeResources(ana, 'read', [doc], request).length,
    list: cell.engine.list(ana, 'read', 'Doc', request),
    page: cell.engine.listPage(ana, 'read', { resourceType: 'Doc', size: 10, after: null }, request).ids,
    actions: cell.engine.actions(ana, doc, request),
    query: cell.engine
      .query({ calls: [{ predicate: 'allow', args: ['u', 'x', 'd'] }], constraints }, request)
      .filter((row) => row['u'] === 'ana').length,
    match: cell.engine.match('allow', [ana, value('String', 'read'), doc], request).length,
  })
  const expected = (after: string, allowed: boolean): unknown => ({
    after,
    authorize: allowed,
    resources: allowed ? 1 : 0,
    list: allowed ? ['d'] : [],
    page: allowed ? ['d'] : [],
    actions: allowed ? ['read'] : [],
    query: allowed ? 1 : 0,
    match: allowed ? 1 : 0,
  })
  expect(answers('nothing')).toEqual(expected('nothing', false))
  for (const [name, kind, fact, allowed] of steps) {
    cell.store.transaction(() => (kind === 'insert' ? cell.store.insert(fact) : cell.store.remove(fact)))
    expect(answers(name)).toEqual(expected(name, allowed))
  }
  cell.close()
})

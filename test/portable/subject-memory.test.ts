/** What is remembered of subjects never shows in an answer: after any writes an engine that remembers agrees with one that does not, and with the oracle. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Fact, FactPattern, Value } from '../../src/base/value.ts'
import { createEngine } from '../../src/engine/create.ts'
import type { Store } from '../../src/store/facts.ts'
import { createOracle } from '../oracle/oracle.ts'
import { emptyDatabase } from '../support/database.ts'
import {
  counting,
  fact,
  granted,
  isOwn,
  opened,
  organization,
  parent,
  policy,
  repository,
  request,
  team,
  user,
  value,
} from '../support/subjects.ts'

const users = ['u1', 'u2', 'u3'].map((id) => value('User', id))
const teams = ['t1', 't2', 't3', 't4'].map((id) => value('Team', id))
const organizations = ['o1', 'o2'].map((id) => value('Organization', id))
const repositories = ['r1', 'r2', 'r3'].map((id) => value('Repository', id))
const actions = ['read', 'write', 'fork']

const named = (predicate: string, one: readonly Value[], names: readonly string[], two: readonly Value[]): fc.Arbitrary<Fact> =>
  fc
    .tuple(fc.constantFrom(...one), fc.constantFrom(...names), fc.constantFrom(...two))
    .map(([first, name, second]) => fact(predicate, first, value('String', name), second))

const facts: fc.Arbitrary<Fact> = fc.oneof(
  named('has_role', users, ['member'], teams),
  named('has_relation', teams, ['parent'], teams),
  named('has_role', users, ['member', 'admin'], organizations),
  named('has_role', users, ['reader', 'writer'], repositories),
  named('has_role', teams, ['reader', 'writer'], repositories),
  named('has_relation', repositories, ['organization'], organizations),
  named('has_relation', repositories, ['owner'], users),
  fc.tuple(fc.constantFrom(...users), fc.constantFrom(...repositories)).map((args) => fact('is_blocked', ...args)),
)
const patterns: fc.Arbitrary<FactPattern> = facts.chain(({ predicate, args }) =>
  fc.constantFrom(...args.keys()).map((hole) => ({
    predicate,
    args: args.map(({ type, id }, index) => ({ type, id: index === hole ? null : id })),
  })),
)
const edits = fc.oneof(
  { weight: 8, arbitrary: facts.map((item) => ({ kind: 'insert' as const, fact: item })) },
  { weight: 4, arbitrary: facts.map((item) => ({ kind: 'remove' as const, pattern: item })) },
  { weight: 2, arbitrary: patterns.map((pattern) => ({ kind: 'remove' as const, pattern })) },
)
const turns = fc.record({ edits: fc.array(edits, { minLength: 1, maxLength: 4, size: 'max' }), rollback: fc.boolean() })

class Undone extends Error {}

const turn = (
  store: Store,
  { edits: all, rollback }: { readonly edits: readonly Edit[]; readonly rollback: boolean },
  during: () => void,
): void => {
  try {
    store.transaction(() => {
      for (const edit of all) {
        if (edit.kind === 'insert') store.insert(edit.fact)
        else store.remove(edit.pattern)
      }
      during()
      if (rollback) throw new Undone()
    })
  } catch (error) {
    if (!(error instanceof Undone)) throw error
  }
}
type Edit = typeof edits extends fc.Arbitrary<infer T> ? T : never

test('after any writes, rolled back ones included, as if nothing were remembered', () => {
  fc.assert(
    fc.property(
      fc.array(facts, { minLength: 15, maxLength: 30, size: 'max' }),
      fc.array(turns, { minLength: 3, maxLength: 6, size: 'max' }),
      (start, later) => {
        const store = opened()
        store.transaction(() => start.forEach((item) => store.insert(item)))
        const engine = createEngine({ store, policy })
        const plain = createEngine({ store, policy, memory: 'none' })
        const compare = (): void => {
          const oracle = createOracle(policy, store.facts({ predicate: null, args: [] }, false, 2000).filter(isOwn))
          for (const who of [...users, value('User', 'nobody')])
            for (const action of actions)
              for (const what of repositories) {
                const found = [engine, plain, oracle].map((item) => item.authorize(who, action, what, request))
                expect(found, `${who.id} ${action} ${what.id}`).toEqual([found[2], found[2], found[2]])
              }
        }
        compare()
        for (const item of later) {
          // Asked in the middle of a transaction, too: what is seen there may be taken back.
          turn(store, item, () => users.forEach((who) => engine.authorize(who, 'read', repositories[0] ?? who, request)))
          compare()
        }
        engine.close()
        plain.close()
        store.database.close()
      },
    ),
    { numRuns: 20 },
  )
})

test('lists are read once, and again when a table that they were read from has changed', () => {
  const { database, reads } = counting(emptyDatabase())
  const store = opened(database)
  store.transaction(() => granted.forEach((item) => store.insert(item)))
  const engine = createEngine({ store, policy })
  const ask = (who: Value): { readonly allowed: boolean; readonly read: number } => {
    const before = reads()
    return { allowed: engine.authorize(who, 'read', repository, request), read: reads() - before }
  }
  const first = ask(user)
  expect(first.allowed).toBe(true)
  expect(first.read).toBeGreaterThan(0)
  expect(ask(user)).toEqual({ allowed: true, read: 0 })

  // Repositories and their organisations are no part of a user.
  store.transaction(() => store.insert(fact('has_relation', value('Repository', 'r2'), value('String', 'organization'), organization)))
  expect(ask(user)).toEqual({ allowed: true, read: 0 })

  store.transaction(() => store.remove(fact('has_relation', team, value('String', 'parent'), parent)))
  const after = ask(user)
  expect(after.allowed).toBe(false)
  expect(after.read).toBeGreaterThan(0)
  expect(ask(user)).toEqual({ allowed: false, read: 0 })

  store.transaction(() => store.insert(fact('has_relation', team, value('String', 'parent'), parent)))
  expect(ask(user).allowed).toBe(true)
  store.database.close()
})

test('steps that subjects have in common are read once', () => {
  const { database, reads } = counting(emptyDatabase())
  const store = opened(database)
  const other = value('User', 'u2')
  store.transaction(() => [...granted, fact('has_role', other, value('String', 'member'), team)].forEach((item) => store.insert(item)))
  const engine = createEngine({ store, policy })
  const readBy = (who: Value): number => {
    const before = reads()
    expect(engine.authorize(who, 'read', repository, request)).toBe(true)
    return reads() - before
  }
  // The teams above `t` and above `p` are known by then.
  expect(readBy(user) - readBy(other)).toBe(2)
  store.database.close()
})

test('when too many shapes were asked, all are prepared anew', () => {
  const store = opened()
  store.transaction(() => granted.forEach((item) => store.insert(item)))
  const engine = createEngine({ store, policy })
  const ask = (): boolean => engine.authorize(user, 'read', repository, request)
  expect(ask()).toBe(true)
  // More than the engine keeps, with one that lists what it remembers right where everything else is dropped.
  for (let shape = 0; shape < 1999; shape += 1) engine.authorize(user, 'read', value(`Other${shape}`, 'x'), request)
  expect(engine.authorize(user, 'write', repository, request)).toBe(false)
  expect(engine.authorize(user, 'fork', repository, request)).toBe(true)
  expect(ask()).toBe(true)
  store.database.close()
})

test('context facts count, and nothing of them stays', () => {
  const store = opened()
  store.transaction(() => granted.slice(1).forEach((item) => store.insert(item)))
  const engine = createEngine({ store, policy })
  const ask = (contextFacts: readonly Fact[]): boolean => engine.authorize(user, 'read', repository, { ...request, contextFacts })
  expect(ask([])).toBe(false)
  expect(ask(granted.slice(0, 1))).toBe(true)
  expect(ask([])).toBe(false)
  store.database.close()
})

test('the budget of the request holds for what is listed', () => {
  const store = opened()
  store.transaction(() => granted.forEach((item) => store.insert(item)))
  const engine = createEngine({ store, policy })
  let clock = 0
  expect(engine.authorize(user, 'read', repository, { ...request, nowMs: () => clock++, timeoutMs: 1e9 })).toBe(true)
  store.database.close()
})

/** What is remembered of subjects never shows in an answer: after any writes an engine that remembers agrees with one that does not, and with the oracle. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Fact, FactPattern, Value } from '../../src/base/value.ts'
import { createEngine } from '../../src/engine/create.ts'
import { constantsOf } from '../../src/engine/question.ts'
import { SubjectMemory } from '../../src/engine/subject-memory.ts'
import type { Database } from '../../src/store/database.ts'
import type { Store } from '../../src/store/facts.ts'
import { createStore } from '../../src/store/store.ts'
import { createOracle } from '../oracle/oracle.ts'
import { validPolicy } from '../support/check.ts'
import { emptyDatabase } from '../support/database.ts'

const policy = validPolicy(`
actor User {}
resource Organization { roles = ["member", "admin"]; }
actor Team { roles = ["member"]; relations = { parent: Team }; }
has_role(user: User, "member", parent: Team) if
  child matches Team and has_relation(child, "parent", parent) and has_role(user, "member", child);
resource Repository {
  roles = ["reader", "writer"];
  permissions = ["read", "write", "fork"];
  relations = { organization: Organization, owner: User };
  "reader" if "writer";
  "writer" if "owner";
  "reader" if "admin" on "organization";
  "read" if "reader";
  "write" if "writer";
}
has_permission(user: User, "fork", repository: Repository) if
  has_permission(user, "read", repository) and not is_blocked(user, repository);
has_role(user: User, role: String, repository: Repository) if
  team matches Team and has_role(team, role, repository) and has_role(user, "member", team);
`)

const value = (type: string, id: string): Value => ({ type, id })
const users = ['u1', 'u2', 'u3'].map((id) => value('User', id))
const teams = ['t1', 't2', 't3', 't4'].map((id) => value('Team', id))
const organizations = ['o1', 'o2'].map((id) => value('Organization', id))
const repositories = ['r1', 'r2', 'r3'].map((id) => value('Repository', id))
const actions = ['read', 'write', 'fork']

const fact = (predicate: string, ...args: readonly Value[]): Fact => ({ predicate, args })
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

const request = { contextFacts: [], unixSeconds: 0, nowMs: null, timeoutMs: 60_000 }

const open = (database: Database = emptyDatabase()): Store => {
  const store = createStore(database)
  store.transaction(() => store.intern(constantsOf(policy)))
  return store
}

/** Others in numbers, so that plans are made for large tables: one subject has few of many rows. None of them has to do with those above. */
const PAD = 'pad'
const padding: readonly Fact[] = Array.from({ length: 100 }, (_, index) => {
  const pad = (type: string, number = index): Value => value(type, `${PAD}${number}`)
  const name = (id: string): Value => value('String', id)
  return [
    fact('has_role', pad('User'), name('member'), pad('Team')),
    fact('has_relation', pad('Team'), name('parent'), pad('Team', index + 1)),
    fact('has_role', pad('User'), name('admin'), pad('Organization')),
    fact('has_role', pad('User'), name('reader'), pad('Repository')),
    fact('has_role', pad('Team'), name('writer'), pad('Repository')),
    fact('has_relation', pad('Repository'), name('organization'), pad('Organization')),
    fact('has_relation', pad('Repository'), name('owner'), pad('User')),
    fact('is_blocked', pad('User'), pad('Repository')),
  ]
}).flat()

const isOwn = ({ args }: Fact): boolean => !args.some(({ id }) => id.startsWith(PAD))

const opened = (database?: Database): Store => {
  const store = open(database)
  store.transaction(() => {
    for (const item of padding) store.insert(item)
  })
  return store
}

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
          for (const user of [...users, value('User', 'nobody')])
            for (const action of actions)
              for (const repository of repositories) {
                const found = [engine, plain, oracle].map((item) => item.authorize(user, action, repository, request))
                expect(found, `${user.id} ${action} ${repository.id}`).toEqual([found[2], found[2], found[2]])
              }
        }
        compare()
        for (const item of later) {
          // Asked in the middle of a transaction, too: what is seen there may be taken back.
          turn(store, item, () => users.forEach((user) => engine.authorize(user, 'read', repositories[0] ?? user, request)))
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

/** Counts how often lists are read: their statements are the ones that end with a limit. */
const counting = (database: Database): { readonly database: Database; readonly reads: () => number } => {
  let reads = 0
  const prepare: Database['prepare'] = (sql) => {
    const statement = database.prepare(sql)
    if (!sql.endsWith('LIMIT 33')) return statement
    return {
      ...delegated(statement),
      each: (each, ...values) => {
        reads += 1
        statement.each(each, ...values)
      },
    }
  }
  const guarded: Database['guarded'] = (steps, stop, work, remembered) => database.guarded(steps, stop, work, remembered)
  const whole: Database = {
    exec: (sql) => database.exec(sql),
    prepare,
    guarded,
    inTransaction: () => database.inTransaction(),
    serialize: () => database.serialize(),
    deserialize: (image, slack) => database.deserialize(image, slack),
    receive: (rawBytes, slack) => database.receive(rawBytes, slack),
    memoryBytes: () => database.memoryBytes(),
    close: () => database.close(),
  }
  return { database: whole, reads: () => reads }
}

const delegated = (statement: ReturnType<Database['prepare']>): ReturnType<Database['prepare']> => ({
  bind: (index, item) => statement.bind(index, item),
  test: () => statement.test(),
  all: (...values) => statement.all(...values),
  get: (...values) => statement.get(...values),
  run: (...values) => statement.run(...values),
  each: (each, ...values) => statement.each(each, ...values),
  finalize: () => statement.finalize(),
})

const [user, team, parent, repository, organization] = [
  value('User', 'u'),
  value('Team', 't'),
  value('Team', 'p'),
  value('Repository', 'r'),
  value('Organization', 'o'),
]
const granted: readonly Fact[] = [
  fact('has_role', user, value('String', 'member'), team),
  fact('has_relation', team, value('String', 'parent'), parent),
  fact('has_role', parent, value('String', 'reader'), repository),
  fact('has_relation', repository, value('String', 'organization'), organization),
  fact('has_role', user, value('String', 'member'), organization),
]

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

test('what is too long to remember is searched for, in lists and in recursions, loops included', () => {
  const store = opened()
  const chain = Array.from({ length: 50 }, (_, index) => value('Team', `c${index}`))
  const last = chain[49] ?? team
  const many = Array.from({ length: 50 }, (_, index) => value('Repository', `m${index}`))
  store.transaction(() => {
    store.insert(fact('has_role', user, value('String', 'member'), chain[0] ?? team))
    for (const [index, from] of chain.entries())
      store.insert(fact('has_relation', from, value('String', 'parent'), chain[(index + 1) % chain.length] ?? team))
    store.insert(fact('has_role', last, value('String', 'reader'), repository))
    for (const item of many) store.insert(fact('has_role', user, value('String', 'writer'), item))
  })
  const engine = createEngine({ store, policy })
  for (let round = 0; round < 2; round += 1) {
    expect(engine.authorize(user, 'read', repository, request)).toBe(true)
    expect(engine.authorize(user, 'write', repository, request)).toBe(false)
    expect(many.every((item) => engine.authorize(user, 'write', item, request))).toBe(true)
    expect(engine.authorize(value('User', 'other'), 'read', repository, request)).toBe(false)
  }
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

test('memory is bounded: beyond it everything is forgotten, and found again', () => {
  const store = opened()
  store.transaction(() => granted.forEach((item) => store.insert(item)))
  const memory = new SubjectMemory(store, 32, { subjects: 2, values: 40 })
  const [table] = store.tables().filter(({ signature }) => signature.types.join() === 'User,String,Team')
  const sql = `SELECT f1.c3 FROM ${table?.table} AS f1 WHERE f1.c1 = ?1 LIMIT 33`
  const number = memory.number({ input: 'a0', first: { sql, slots: [{ kind: 'input', variable: 'a0' }] }, next: null })
  const known = (encoded: number) => memory.of(encoded).has(number ?? -1, Number(store.encode(team)))
  for (let round = 0; round < 3; round += 1) {
    expect(known(Number(store.encode(user)))).toBe(true)
    for (let stranger = 1000; stranger < 1010; stranger += 1) expect(known(stranger)).toBe(false)
  }
  memory.clear()
  store.database.close()
})

/** What is too much to remember of a subject is answered all the same, and what is remembered has a bound. */
import { expect, test } from 'vitest'
import { at } from '../../src/base/assert.ts'
import type { Fact, Value } from '../../src/base/value.ts'
import { createEngine } from '../../src/engine/create.ts'
import { SubjectMemory } from '../../src/engine/subject-memory.ts'
import { MAX_CLOSED, MAX_REMEMBERED } from '../../src/sql/remembered.ts'
import type { Store } from '../../src/store/facts.ts'
import { roomy } from '../../src/store/held.ts'
import { createStore } from '../../src/store/store.ts'
import { createOracle } from '../oracle/oracle.ts'
import { emptyDatabase } from '../support/database.ts'
import { counting, fact, granted, isOwn, opened, policy, repository, request, team, user, value } from '../support/subjects.ts'

/** So many that a subject with hundreds of teams is still one of few. */
const STRANGERS = 2000

test('what is too long to remember is searched for, in lists and in recursions, loops included', () => {
  const store = opened(undefined, STRANGERS)
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

test('memory is bounded: what was not asked for long is forgotten and read again, what is asked often is not', () => {
  const { database, reads } = counting(emptyDatabase())
  const store = createStore(database, { ...roomy, rememberedNumbers: 200 })
  store.transaction(() => granted.forEach((item) => store.insert(item)))
  const memory = new SubjectMemory(store, 32)
  const [table] = store.tables().filter(({ signature }) => signature.types.join() === 'User,String,Team')
  const sql = `SELECT f1.c3 FROM ${table?.table} AS f1 WHERE f1.c1 = ?1 LIMIT 33`
  const number = memory.number({ input: 'a0', first: { sql, slots: [{ kind: 'input', variable: 'a0' }] }, next: null })
  const known = (encoded: number) => memory.of(encoded).has(number ?? -1, Number(store.encode(team)))
  const readsOf = (work: () => void): number => {
    const before = reads()
    work()
    return reads() - before
  }
  const [rare, often] = [Number(store.encode(user)), 999]
  for (let round = 0; round < 3; round += 1) {
    expect(readsOf(() => expect(known(rare)).toBe(true))).toBe(1)
    expect(readsOf(() => expect(known(rare)).toBe(true))).toBe(0)
    if (round === 0) expect(known(often)).toBe(false)
    const others = readsOf(() => {
      for (let stranger = 0; stranger < 50; stranger += 1) {
        expect(known(1000 + 50 * round + stranger)).toBe(false)
        expect(known(often)).toBe(false)
      }
    })
    expect(others).toBe(50)
  }
  memory.clear()
  database.close()
})

const name = (text: string): Value => value('String', text)
const repositories = ['first', 'half', 'last', 'wide', 'none'].map((id) => value('Repository', id))
const [first, half, last, wide] = repositories.map(({ id }) => id)
const reads = (who: Value, id: string | undefined): Fact => fact('has_role', who, name('reader'), value('Repository', id ?? ''))
const isIn = (who: Value, group: Value): Fact => fact('has_role', who, name('member'), group)

/** A member of the first of `length` teams, each in the next one; and one of so many teams with nothing above them. */
const longAndWide = (store: Store, length: number, width: number) => {
  const chain = Array.from({ length }, (_, index) => value('Team', `c${index}`))
  const teams = Array.from({ length: width }, (_, index) => value('Team', `w${index}`))
  const link = (index: number): Fact => fact('has_relation', at(chain, index), name('parent'), at(chain, index + 1))
  const memberships = teams.map((group) => isIn(value('User', 'wide'), group))
  store.transaction(() => {
    store.insert(isIn(value('User', 'long'), at(chain, 0)))
    for (let index = 0; index + 1 < length; index += 1) store.insert(link(index))
    for (const item of memberships) store.insert(item)
    store.insert(reads(at(chain, 0), first))
    store.insert(reads(at(chain, length / 2), half))
    store.insert(reads(at(chain, length - 1), last))
    store.insert(reads(at(teams, width - 1), wide))
  })
  return { link, memberships }
}

type Expected = Readonly<Record<string, readonly (string | undefined)[]>>

test.each([
  { length: MAX_CLOSED, width: MAX_REMEMBERED },
  { length: MAX_CLOSED + 2, width: MAX_REMEMBERED + 1 },
  { length: 4 * MAX_CLOSED, width: 4 * MAX_REMEMBERED },
])('of a subject with a chain of $length teams, and one in $width, every answer is right, before and after writes', ({ length, width }) => {
  const { database, reads: listed } = counting(emptyDatabase())
  const store = opened(database, STRANGERS)
  const { link, memberships } = longAndWide(store, length, width)
  const engine = createEngine({ store, policy })
  const plain = createEngine({ store, policy, memory: 'none' })
  const agree = (expected: Expected): void => {
    const oracle = createOracle(policy, store.facts({ predicate: null, args: [] }, false, 10 * STRANGERS).filter(isOwn))
    for (const [id, readable] of Object.entries(expected)) {
      const who = value('User', id)
      // What the first round may have remembered is there in the second.
      for (const asked of [engine, engine, plain, oracle]) {
        const allowed = (action: string) =>
          repositories.filter((item) => asked.authorize(who, action, item, request)).map((item) => item.id)
        expect({ id, read: allowed('read'), fork: allowed('fork'), write: allowed('write') }).toEqual({
          id,
          read: readable,
          fork: readable,
          write: [],
        })
      }
    }
  }
  const change = (work: () => void): void => store.transaction(work)
  const whole = { long: [first, half, last], wide: [wide], nobody: [] }
  agree(whole)
  expect(listed()).toBeGreaterThan(0)

  // The chain breaks, in its upper half: what is left may be short enough to remember.
  change(() => store.remove(link(length - 2)))
  agree({ ...whole, long: [first, half] })
  change(() => store.remove(link(3)))
  agree({ ...whole, long: [first] })
  change(() => [link(3), link(length - 2)].forEach((item) => store.insert(item)))
  agree(whole)

  // Fewer teams than are remembered, then none that counts, then all again.
  change(() => memberships.slice(0, -3).forEach((item) => store.remove(item)))
  agree(whole)
  change(() => memberships.slice(-1).forEach((item) => store.remove(item)))
  agree({ ...whole, wide: [] })
  change(() => memberships.forEach((item) => store.insert(item)))
  agree(whole)

  // A team at the end of the long chain leads back to its beginning, and one of the many leads into it.
  change(() => {
    store.insert(fact('has_relation', value('Team', `c${length - 1}`), name('parent'), value('Team', 'c0')))
    store.insert(fact('has_relation', value('Team', 'w0'), name('parent'), value('Team', `c${length - 2}`)))
  })
  agree({ ...whole, wide: [first, half, last, wide] })
  for (const each of [engine, plain]) each.close()
  store.database.close()
})

test('what is short enough is read once, and what is not is found out once', () => {
  const listsOf = (length: number): { readonly first: number; readonly again: number } => {
    const { database, reads: listed } = counting(emptyDatabase())
    const store = opened(database, STRANGERS)
    longAndWide(store, length, 1)
    const engine = createEngine({ store, policy })
    const ask = (): number => {
      const before = listed()
      expect(engine.authorize(value('User', 'long'), 'read', value('Repository', 'last'), request)).toBe(true)
      return listed() - before
    }
    const found = { first: ask(), again: ask() }
    store.database.close()
    return found
  }
  const [short, long] = [listsOf(MAX_CLOSED), listsOf(4 * MAX_CLOSED)]
  expect([short.again, long.again]).toEqual([0, 0])
  // One list per team of the chain; of a longer one, as many as tell that it is too long.
  expect(short.first).toBeGreaterThanOrEqual(MAX_CLOSED)
  expect(long.first).toBeGreaterThanOrEqual(MAX_CLOSED)
  expect(long.first).toBeLessThan(2 * MAX_CLOSED)
})

/** What the store promises beyond holding facts: plans, dictionary, policies, remembered writes, failures. */
import { describe, expect, test } from 'vitest'
import type { Fact, Value } from '../../src/base/value.ts'
import { columnName, entityTable, tableName } from '../../src/sql/naming.ts'
import { type Database, SqlError } from '../../src/store/database.ts'
import type { Store } from '../../src/store/facts.ts'
import { createStore } from '../../src/store/store.ts'
import { emptyDatabase } from '../support/database.ts'

const emptyStore = (): Store => createStore(emptyDatabase())

const reopened = (store: Store): Store => {
  const database = emptyDatabase()
  database.deserialize(store.database.serialize())
  return createStore(database)
}

/** `value('User:ana')` */
const value = (text: string): Value => {
  const colon = text.indexOf(':')
  return { type: text.slice(0, colon), id: text.slice(colon + 1) }
}

/** `fact('has_role', 'User:ana', 'String:owner')` */
const fact = (predicate: string, ...args: readonly string[]): Fact => ({ predicate, args: args.map(value) })

const insert = (store: Store, ...facts: readonly Fact[]): boolean[] => store.transaction(() => facts.map((item) => store.insert(item)))

const role = fact('has_role', 'User:ana', 'String:owner', 'Repo:fern')
const roleTable = tableName({ predicate: 'has_role', types: ['User', 'String', 'Repo'] })

describe('tables', () => {
  test('one per signature, searched from both ends', () => {
    const store = emptyStore()
    insert(store, role, fact('has_role', 'Team:t', 'String:owner', 'Repo:fern'), fact('is_public', 'Repo:fern'))
    expect(store.tables().find(({ table }) => table === roleTable)).toEqual({
      signature: { predicate: 'has_role', types: ['User', 'String', 'Repo'] },
      table: roleTable,
      rows: 1,
      distinct: [1, 1, 1],
      orders: [
        [0, 2, 1],
        [2, 1, 0],
      ],
    })
    expect(store.tables().map(({ signature, orders }) => [signature.types.join(), orders.length])).toEqual(
      expect.arrayContaining([
        ['Team,String,Repo', 2],
        ['Repo', 1],
      ]),
    )
  })

  test('names are safe unquoted and say nothing of the signature', () => {
    const name = tableName({ predicate: 'x"; drop table meta; --', types: ['"'] })
    expect(name).toMatch(/^f_[0-9a-f]{32}$/)
    expect(name).not.toBe(tableName({ predicate: 'x"; drop table meta; --', types: ['"', ''] }))
  })

  test('facts of five arguments, strange names and integer extremes round trip', () => {
    const store = emptyStore()
    const odd: Fact = {
      predicate: 'p\0"\'',
      args: [
        { type: 'T\0', id: 'a\0b' },
        { type: '😀', id: '\uFEFF' },
        { type: 'Integer', id: '-9223372036854775808' },
        { type: 'Integer', id: '9223372036854775807' },
        { type: 'Boolean', id: 'false' },
      ],
    }
    expect(insert(store, odd, odd)).toEqual([true, false])
    expect(reopened(store).facts({ predicate: null, args: [] }, false, 10)).toEqual([odd])
  })

  test('order is by argument types and ids as text, whichever table holds them', () => {
    const store = emptyStore()
    const ordered = [
      fact('p', 'A:1', 'A:2'),
      fact('p', 'A:1', 'B:1'),
      fact('p', 'A:2'),
      fact('p', 'A:2', 'A:1'),
      fact('p', 'Integer:-1'),
      fact('p', 'Integer:10'),
      fact('p', 'Integer:9'),
      fact('p\0', 'A:0'),
      fact('q', 'A:0'),
    ]
    insert(store, ...ordered.toReversed())
    expect(store.facts({ predicate: null, args: [] }, false, 100)).toEqual(ordered)
    expect(store.facts({ predicate: null, args: [] }, false, 4)).toEqual(ordered.slice(0, 4))
  })

  test('ids that no value of the type has match nothing; others match in canonical form', () => {
    const store = emptyStore()
    insert(store, fact('p', 'Integer:7'), fact('p', 'Boolean:true'))
    const search = (text: string): number => store.count({ predicate: 'p', args: [value(text)] })
    expect(['Integer:7', 'Integer:007', 'Integer:x', 'Boolean:true', 'Boolean:maybe', 'None:7'].map(search)).toEqual([1, 1, 0, 1, 0, 0])
    const remove = (text: string): number => store.remove({ predicate: 'p', args: [value(text)] })
    expect(store.transaction(() => ['Integer:x', 'Boolean:maybe', 'None:7', 'Integer:+7'].map(remove))).toEqual([0, 0, 0, 1])
  })

  test('ensureIndex adds an order once, and only when none starts with those columns', () => {
    const store = emptyStore()
    const signature = { predicate: 'has_role', types: ['User', 'String', 'Repo'] }
    const ensure = (...columns: number[]): void => store.transaction(() => store.ensureIndex(signature, columns))
    insert(store, role)
    ensure(2)
    ensure(0, 2)
    expect(store.tables()[0]?.orders).toHaveLength(2)
    ensure(1)
    ensure(1)
    const { orders } = store.tables()[0] ?? {}
    expect(orders?.[2]).toEqual([1, 0, 2])
    expect(orders).toHaveLength(3)
    expect(reopened(store).tables()).toEqual(store.tables())
    expect(plan(store.database, `select 1 from ${roleTable} where c2 = 1 and c1 = 2 and c3 > 3`)).toMatch(/^SEARCH/)
  })
})

describe('plans of SQLite', () => {
  test('a fact is found and removed by its key', () => {
    const store = emptyStore()
    insert(store, role)
    const key = [0, 1, 2].map((index) => `${columnName(index)} = ?`).join(' and ')
    for (const sql of [`select 1 from ${roleTable} where ${key}`, `delete from ${roleTable} where ${key}`]) {
      expect(plan(store.database, sql)).toBe(`SEARCH ${roleTable} USING PRIMARY KEY (c1=? AND c3=? AND c2=?)`)
    }
  })

  test('the ids of a type are walked in order by an index, without sorting', () => {
    const sql = `select id, key from ${entityTable} where type = ? and key > ? order by key`
    expect(plan(emptyStore().database, sql)).toBe('SEARCH entity USING COVERING INDEX sqlite_autoindex_entity_1 (type=? AND key>?)')
  })
})

describe('planEpoch', () => {
  const many = (from: number, to: number): Fact[] => Array.from({ length: to - from }, (_, i) => fact('p', `A:${from + i}`))

  test('grows with a table, an index, a power of four, and a clear; not with a fact', () => {
    const store = emptyStore()
    const epochs = [store.planEpoch]
    const step = (work: () => unknown): void => {
      store.transaction(work)
      epochs.push(store.planEpoch)
    }
    step(() => store.insert(fact('p', 'A:0')))
    step(() => store.insert(fact('p', 'A:1')))
    step(() => many(2, 4).map((item) => store.insert(item)))
    step(() => many(4, 15).map((item) => store.insert(item)))
    step(() => store.insert(fact('p', 'A:15')))
    step(() => store.ensureIndex({ predicate: 'q', types: ['A', 'B'] }, [0]))
    step(() => store.clear())
    expect(epochs.map((epoch, i) => epoch > (epochs[i - 1] ?? epoch))).toEqual([false, true, false, true, false, true, true, true])
  })

  test('stays when a count goes back and forth around a power of four', () => {
    const store = emptyStore()
    insert(store, ...many(0, 16))
    const epoch = store.planEpoch
    for (let i = 0; i < 10; i++) {
      store.transaction(() => store.remove(fact('p', 'A:3')))
      insert(store, fact('p', 'A:3'))
    }
    expect(store.planEpoch).toBe(epoch)
    store.transaction(() => many(0, 14).map((item) => store.remove(item)))
    expect(store.planEpoch).toBeGreaterThan(epoch)
  })
})

describe('dictionary', () => {
  test('encode never writes; intern does; literals stand for themselves', () => {
    const store = emptyStore()
    expect([store.encode(value('User:ana')), store.typeId('User')]).toEqual([undefined, undefined])
    expect(['Integer:-5', 'Boolean:true', 'Integer:9007199254740993'].map((text) => store.encode(value(text)))).toEqual([
      -5,
      1,
      9007199254740993n,
    ])
    store.transaction(() => store.intern([value('User:ana'), value('User:bo'), value('String:ana')]))
    const ids = ['User:ana', 'User:bo', 'String:ana'].map((text) => store.encode(value(text)))
    expect(ids).toEqual([1, 2, 3])
    expect(store.decode('User', 2)).toBe('bo')
    expect(store.database.prepare(`select id, type, key from ${entityTable}`).all()).toEqual([
      [1, store.typeId('User'), 'ana'],
      [2, store.typeId('User'), 'bo'],
      [3, store.typeId('String'), 'ana'],
    ])
    expect(reopened(store).encode(value('User:bo'))).toBe(2)
  })

  test('what a rolled back transaction interned is forgotten', () => {
    const store = emptyStore()
    const fail = (): void => {
      store.intern([value('User:gone')])
      throw new Error('no')
    }
    expect(() => store.transaction(fail)).toThrow('no')
    expect(store.encode(value('User:gone'))).toBeUndefined()
    store.transaction(() => store.intern([value('Repo:fern')]))
    expect(store.encode(value('Repo:fern'))).toBe(1)
    expect(store.encode(value('User:gone'))).toBeUndefined()
  })
})

describe('policies', () => {
  const save = (store: Store, source: string, filename: string | null = null): number =>
    store.transaction(() => store.savePolicy(source, filename, 1_700_000_000_123))

  test('are numbered from 1, and the last one is active', () => {
    const store = emptyStore()
    expect(store.activePolicy()).toBeNull()
    expect([save(store, 'one', 'a.polar'), save(store, 'two')]).toEqual([1, 2])
    expect(store.activePolicy()).toEqual({ version: 2, filename: null, source: 'two', createdAtMs: 1_700_000_000_123 })
    expect(store.policy(1)).toEqual({ version: 1, filename: 'a.polar', source: 'one', createdAtMs: 1_700_000_000_123 })
    expect(store.policy(3)).toBeNull()
  })

  test('the last 50 are kept', () => {
    const store = emptyStore()
    for (let i = 1; i <= 60; i++) save(store, `policy ${i}`)
    expect(store.policyVersions()).toEqual(Array.from({ length: 50 }, (_, i) => i + 11))
  })

  test('at most 8 MiB are kept, but always the active one', () => {
    const store = emptyStore()
    const mib = (count: number): string => 'é'.repeat((count * 1024 * 1024) / 2)
    for (const size of [3, 3, 3]) save(store, mib(size))
    expect(store.policyVersions()).toEqual([2, 3])
    save(store, mib(9))
    expect(store.policyVersions()).toEqual([4])
    save(store, 'small')
    expect(store.policyVersions()).toEqual([5])
  })

  test('clear leaves the versions and their numbers, but none active', () => {
    const store = emptyStore()
    const empty = store.stateHash()
    save(store, 'one')
    insert(store, role)
    store.transaction(() => store.setPosition('log', 8))
    store.transaction(() => store.clear())
    expect([store.activePolicy(), store.policyVersions(), store.policy(1)?.source]).toEqual([null, [1], 'one'])
    expect([store.stateHash(), store.tables(), store.totals()]).toEqual([empty, [], { total: 0, predicates: {} }])
    expect([store.revision(), store.logId(), store.encode(value('User:ana'))]).toEqual([8, 'log', undefined])
    expect(save(store, 'two')).toBe(2)
  })

  test('the state hash goes back with every fact that goes, by its key and by a pattern', () => {
    const store = emptyStore()
    const guest = fact('has_role', 'User:bob', 'String:guest', 'Repo:fern')
    insert(store, guest)
    const before = store.stateHash()
    insert(store, role)
    const both = store.stateHash()
    expect(both).not.toBe(before)
    expect(store.transaction(() => store.remove(role))).toBe(1)
    expect([store.stateHash(), store.recomputeStateHash()]).toEqual([before, before])
    expect(store.transaction(() => store.remove(role))).toBe(0)
    expect(store.stateHash()).toBe(before)
    insert(store, role)
    expect(store.stateHash()).toBe(both)
    const owners = { predicate: 'has_role', args: [{ type: 'User', id: null }, value('String:owner'), { type: null, id: null }] }
    expect(store.transaction(() => store.remove(owners))).toBe(1)
    expect([store.stateHash(), store.recomputeStateHash()]).toEqual([before, before])
  })

  test('the state hash tells policies apart, and goes back with the source', () => {
    const store = emptyStore()
    save(store, 'one')
    const one = store.stateHash()
    save(store, 'two')
    expect(store.stateHash()).not.toBe(one)
    save(store, 'one')
    expect(store.stateHash()).toBe(one)
  })
})

describe('remembered writes', () => {
  test('a write id is known until 65,536 others followed, across clear and reload', () => {
    let store = emptyStore()
    const remember = (from: number, to: number): number =>
      store.transaction(() => {
        let seen = 0
        for (let i = from; i < to; i++) if (store.rememberWrite(`write ${i}`, i)) seen++
        return seen
      })
    expect(remember(0, 65_536)).toBe(0)
    expect(remember(0, 3)).toBe(3)
    store.transaction(() => store.clear())
    store = reopened(store)
    expect(remember(65_536, 65_538)).toBe(0)
    expect(remember(2, 65_538)).toBe(65_536)
    expect(remember(0, 2)).toBe(0)
    expect(store.database.prepare('select count(*) from remembered_write').get()).toEqual([65_536])
  })

  test('one that was rolled back is not remembered', () => {
    const store = emptyStore()
    const fail = (): void => {
      store.rememberWrite('once', 1)
      throw new Error('no')
    }
    expect(() => store.transaction(fail)).toThrow('no')
    expect(store.transaction(() => store.rememberWrite('once', 1))).toBe(false)
  })
})

describe('transactions', () => {
  test('writing outside of one, and one inside of one, are refused', () => {
    const store = emptyStore()
    expect(() => store.insert(role)).toThrow('a write outside a transaction')
    expect(() => store.transaction(() => store.transaction(() => 1))).toThrow('a transaction inside a transaction')
    expect(insert(store, role)).toEqual([true])
  })

  test('running out of memory leaves everything as it was, and the store goes on', () => {
    const store = createStore(emptyDatabase(16 * 1024 * 1024))
    insert(store, role)
    const before = [store.stateHash(), store.tables(), store.totals()]
    const fill = (): void => {
      for (let i = 0; i < 1_000_000; i++) store.insert(fact('owner', `User:${'x'.repeat(300)}${i}`, `Repo:${i}`))
    }
    expect(codeOf(() => store.transaction(fill))).toBe(7)
    expect([store.stateHash(), store.tables(), store.totals()]).toEqual(before)
    expect(insert(store, role, fact('owner', 'User:bo', 'Repo:fern'))).toEqual([false, true])
    expect(store.facts({ predicate: 'owner', args: [] }, false, 10)).toEqual([fact('owner', 'User:bo', 'Repo:fern')])
  })

  test('clear gives the room of the facts back', () => {
    const store = emptyStore()
    const empty = store.database.serialize().length
    store.transaction(() => {
      for (let i = 0; i < 10_000; i++) store.insert(fact('owner', `User:secret${i}`, `Repo:${i}`))
    })
    store.transaction(() => store.clear())
    const image = store.database.serialize()
    expect(image.length).toBeLessThan(empty * 2)
    expect(new TextDecoder('latin1').decode(image)).not.toContain('secret')
    expect(insert(store, role)).toEqual([true])
  })
})

describe('opening', () => {
  test('a database that is no replica, and one of another version, are refused', () => {
    const foreign = emptyDatabase()
    foreign.exec('create table other (v)')
    expect(() => createStore(foreign)).toThrow('the database is no replica: it has no table `meta`')
    const newer = emptyStore().database
    newer.exec('update meta set schema_version = 2')
    expect(() => createStore(newer)).toThrow('the replica has schema version 2, want 1')
    newer.exec("update meta set format = 'other'")
    expect(() => createStore(newer)).toThrow('the database has format `other`, want `arctos replica`')
  })

  test('an image goes on where it was taken', () => {
    const store = emptyStore()
    store.transaction(() => {
      store.insert(role)
      store.setPosition('log', 41)
      store.savePolicy('actor User {}', 'main.polar', 5)
    })
    const copy = reopened(store)
    expect([copy.revision(), copy.logId(), copy.stateHash()]).toEqual([41, 'log', store.stateHash()])
    const more = [role, fact('has_role', 'User:bo', 'String:owner', 'Repo:fern'), fact('is_public', 'Repo:fern')]
    expect(insert(copy, ...more)).toEqual([false, true, true])
    insert(store, ...more)
    expect(copy.stateHash()).toBe(store.stateHash())
    expect(copy.tables()).toEqual(store.tables())
  })

  test('a new store is before the first revision of any log', () => {
    const store = emptyStore()
    expect([store.revision(), store.logId(), store.stateHash()]).toEqual([-1, null, '0'.repeat(32)])
  })
})

const plan = (database: Database, sql: string): string => {
  const statement = database.prepare(`explain query plan ${sql}`)
  return statement
    .all()
    .map((row) => String(row[3]))
    .join('\n')
}

const codeOf = (work: () => unknown): number => {
  try {
    work()
  } catch (error) {
    if (error instanceof SqlError) return error.code
    throw error
  }
  return 0
}

/** Part of the conformance suite of `Database`: budgets, bounded memory, images. */
import { expect, test } from 'vitest'
import { Bug } from '../../src/base/assert.ts'
import type { Database, SqlValue } from '../../src/store/database.ts'
import { expectError } from '../support/sql-error.ts'

const MIB = 1024 * 1024

const ENDLESS = 'with recursive n(v) as (select 1 union all select v + 1 from n) select count(*) from n'

export const guardedTests = (open: () => Database): void => {
  test('stop ends the running statement with SqlError 9; statement and database stay usable', () => {
    const database = open()
    const count = database.prepare('with recursive n(v) as (select 1 union all select v + 1 from n where v < ?) select count(*) from n')
    let asked = 0
    const stop = (): boolean => ++asked === 3
    expectError(9, () => database.guarded(1000, stop, () => count.all(1_000_000_000)), 'interrupted')
    expect(asked).toBe(3)
    expect(count.all(5000)).toEqual([[5000]])
    expect(asked).toBe(3)
    expect(
      database.guarded(
        1000,
        () => false,
        () => count.get(10),
      ),
    ).toEqual([10])
  })

  test('the result of the work comes back, what it throws too', () => {
    const database = open()
    expect(
      database.guarded(
        10,
        () => false,
        () => 'done',
      ),
    ).toBe('done')
    const fail = (): void => {
      throw new Error('from the work')
    }
    expect(() => database.guarded(10, () => false, fail)).toThrow('from the work')
    expect(
      database.guarded(
        10,
        () => true,
        () => 'nothing ran',
      ),
    ).toBe('nothing ran')
  })

  test('what stop throws comes out, not an interrupt', () => {
    const database = open()
    const stop = (): boolean => {
      throw new Error('from stop')
    }
    expect(() => database.guarded(100, stop, () => database.prepare(ENDLESS).all())).toThrow('from stop')
    expect(database.prepare('select 1').all()).toEqual([[1]])
  })

  test('guarded work inside guarded work is refused', () => {
    const database = open()
    const inner = (): number =>
      database.guarded(
        10,
        () => false,
        () => 1,
      )
    expect(() => database.guarded(10, () => false, inner)).toThrow('guarded work inside guarded work')
    expect(inner()).toBe(1)
  })
}

export const rememberedTests = (open: () => Database): void => {
  const never = (): boolean => false
  const ASK = 'select remembered(3, ?1), ifnull(remembered(4, ?1), 7)'

  test('`remembered` is null outside of guarded work, and where nothing is given', () => {
    const statement = open().prepare(ASK)
    expect(statement.get(5)).toEqual([null, 7])
    const database = open()
    expect(database.guarded(100, never, () => database.prepare(ASK).get(5))).toEqual([null, 7])
  })

  test('`remembered` answers with what is given, by part and value', () => {
    const database = open()
    const statement = database.prepare(ASK)
    const asked: [number, number | null][] = []
    const remembered = {
      has: (part: number, value: number | null): boolean | null => {
        asked.push([part, value])
        return part === 4 ? null : value === null || value > 0
      },
    }
    expect(database.guarded(100, never, () => [statement.get(5), statement.get(-5)], remembered)).toEqual([
      [1, 7],
      [0, 7],
    ])
    expect(asked).toEqual([
      [3, 5],
      [4, 5],
      [3, -5],
      [4, -5],
    ])
    expect(database.guarded(100, never, () => statement.get(''), remembered)).toEqual([1, 7])
    expect(asked.slice(4)).toEqual([
      [3, null],
      [4, null],
    ])
    expect(statement.get(5)).toEqual([null, 7])
  })

  test('`remembered` is asked for exact integers and texts only', () => {
    const database = open()
    const statement = database.prepare('select remembered(0, ?1)')
    const remembered = { has: (): boolean => true }
    const ask = (value: SqlValue) => database.guarded(100, never, () => statement.get(value)?.[0], remembered)
    expect([0, -(2 ** 53) + 1, 2 ** 53 - 1, ''].map(ask)).toEqual([1, 1, 1, 1])
    expect([null, 2n ** 53n, -(2n ** 60n)].map(ask)).toEqual([null, null, null])
  })

  test('`remembered` may run statements; what it throws comes out, and everything stays usable', () => {
    const database = open()
    const statement = database.prepare('select remembered(0, 1)')
    const inner = database.prepare('select 1')
    const answers = { has: (): boolean => inner.get() !== undefined }
    expect(database.guarded(100, never, () => statement.get(), answers)).toEqual([1])
    const fails = {
      has: (): boolean => {
        throw new Error('from what is remembered')
      },
    }
    expect(() => database.guarded(100, never, () => statement.get(), fails)).toThrow('from what is remembered')
    const endless = { has: (): boolean => database.prepare(ENDLESS).get() !== undefined }
    expectError(
      9,
      () =>
        database.guarded(
          100,
          () => true,
          () => statement.get(),
          endless,
        ),
      'interrupted',
    )
    expect(database.guarded(100, never, () => statement.get(), answers)).toEqual([1])
  })
}

export const memoryTests = (openWith: (maxBytes: number) => Database): void => {
  const fill = (database: Database): void => {
    database
      .prepare(
        'insert into t with recursive n(v) as (select 1 union all select v + 1 from n where v < 20000) select hex(zeroblob(100)) from n',
      )
      .run()
  }

  test('rows stay right while the memory grows under an open statement', () => {
    const database = openWith(256 * MIB)
    database.exec('create table t (v text); create table names (v text)')
    const name = database.prepare('insert into names values (?)')
    for (let i = 0; i < 20; i++) name.run(`name ${i} ${'é'.repeat(50)}`)
    const before = database.memoryBytes()
    const seen: SqlValue[] = []
    const collect = (row: SqlValue[]): boolean => {
      seen.push(...row)
      fill(database)
      return true
    }
    database.prepare('select ? || v from names').each(collect, 'the ')
    expect(database.memoryBytes()).toBeGreaterThan(before * 2)
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => `the name ${i} ${'é'.repeat(50)}`))
  })

  test('over the cap comes SqlError 7, and the instance goes on', () => {
    const cap = 16 * MIB
    const database = openWith(cap)
    database.exec("create table t (v text); insert into t values ('kept'); begin")
    const fillAll = (): void => {
      for (let i = 0; i < 100; i++) fill(database)
    }
    expectError(7, fillAll, 'out of memory')
    expect(database.memoryBytes()).toBeLessThanOrEqual(cap)
    expect(database.prepare("select v from t where v = 'kept'").all()).toEqual([['kept']])
    if (database.inTransaction()) database.exec('rollback')
    database.exec("insert into t values ('after')")
    expect(database.prepare('select v from t').all()).toEqual([['kept'], ['after']])
    fill(database)
    expect(database.prepare('select count(*) from t').all()).toEqual([[20002]])
  })

  test('a text, a row and an image that do not fit are SqlError 7 too', () => {
    const database = openWith(16 * MIB)
    const statement = database.prepare('select length(?)')
    expectError(7, () => statement.all('x'.repeat(12 * MIB)))
    expectError(7, () => database.prepare('select hex(zeroblob(?))').all(12 * MIB))
    expectError(7, () => database.deserialize(new Uint8Array(20 * MIB)))
    expect(statement.all('fits')).toEqual([[4]])
  })
}

export const imageTests = (open: () => Database): void => {
  const image = (): Uint8Array => {
    const database = open()
    database.exec('create table t (id integer primary key, v text)')
    const insert = database.prepare('insert into t (v) values (?)')
    for (let i = 0; i < 1000; i++) insert.run(`value ${i}`)
    return database.serialize()
  }

  test.for([undefined, 0, 0.5])('an image opens elsewhere and can be written, with slack %s', (slack) => {
    const database = open()
    database.deserialize(image(), slack)
    expect(database.prepare('select count(*), max(v) from t').all()).toEqual([[1000, 'value 999']])
    const insert = database.prepare('insert into t (v) values (?)')
    for (let i = 0; i < 5000; i++) insert.run('more '.repeat(20))
    const again = open()
    again.deserialize(database.serialize())
    expect(again.prepare('select count(*) from t').all()).toEqual([[6000]])
    expect(again.prepare('pragma integrity_check').all()).toEqual([['ok']])
  })

  test('the image of the same content is the same bytes, deserialized or not', () => {
    const first = image()
    const database = open()
    database.deserialize(first)
    expect(database.serialize()).toEqual(first)
  })

  test('the image is a copy: later writes do not show in it', () => {
    const database = open()
    database.deserialize(image())
    const taken = database.serialize()
    database.exec('delete from t')
    const other = open()
    other.deserialize(taken)
    expect(other.prepare('select count(*) from t').all()).toEqual([[1000]])
  })

  test('statements and settings outlive a change of content', () => {
    const database = open()
    database.exec('create table t (id integer primary key, v text)')
    const count = database.prepare('select count(*) from t')
    expect(count.all()).toEqual([[0]])
    database.deserialize(image())
    expect(count.all()).toEqual([[1000]])
    expect(database.prepare('pragma cache_size').all()).toEqual([[-500]])
    expect(database.prepare('pragma temp_store').all()).toEqual([[2]])
  })

  test('a rolled back transaction over an image leaves it as it was', () => {
    const database = open()
    database.deserialize(image())
    database.exec("begin; delete from t; insert into t (v) values ('gone'); rollback")
    expect(database.prepare('select count(*), min(v) from t').all()).toEqual([[1000, 'value 0']])
  })

  test('an empty database has an image', () => {
    const database = open()
    database.deserialize(open().serialize())
    database.exec('create table t (v)')
    expect(database.prepare('select count(*) from t').all()).toEqual([[0]])
  })

  test('an image in parts: the content stays until the last one is there', () => {
    const bytes = image()
    const database = open()
    database.exec('create table before (v)')
    const receiver = database.receive(bytes.length)
    receiver.write(bytes.subarray(0, 5000))
    expect(database.prepare('select count(*) from before').all()).toEqual([[0]])
    expect(receiver.room).toBe(bytes.length - 5000)
    expect(() => receiver.finish()).toThrow(Bug)
    expect(() => receiver.write(bytes)).toThrow(Bug)
    // Memory that grows meanwhile moves what it is seen through.
    const other = database.receive(40 * MIB)
    receiver.write(bytes.subarray(5000))
    receiver.finish()
    expect(database.prepare('select count(*), max(v) from t').all()).toEqual([[1000, 'value 999']])
    other.abort()
    expect(() => other.abort()).toThrow(Bug)
    expect(() => receiver.write(bytes)).toThrow(Bug)
  })

  test('an image that is given up leaves the content and takes no memory', () => {
    const database = open()
    database.deserialize(image())
    for (let round = 0; round < 100; round++) database.receive(10 * MIB).abort()
    expect(database.memoryBytes()).toBeLessThan(40 * MIB)
    expect(database.prepare('select count(*) from t').all()).toEqual([[1000]])
  })

  test('bytes that are no image are an error, and the next image opens', () => {
    const database = open()
    expectError(26, () => database.deserialize(new Uint8Array(8192).fill(7)))
    database.deserialize(image())
    expect(database.prepare('select count(*) from t').all()).toEqual([[1000]])
  })
}

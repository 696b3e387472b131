/** Part of the conformance suite of `Database`: statements, and the SQL that the engine relies on. */
import { expect, test } from 'vitest'
import type { Database, SqlValue } from '../../src/store/database.ts'
import { caught, expectError } from '../support/sql-error.ts'

export const statementTests = (open: () => Database): void => {
  const withNumbers = (): Database => {
    const database = open()
    database.exec('create table n (v integer primary key); insert into n values (1), (2), (3)')
    return database
  }

  test('get returns the first row or undefined', () => {
    const database = withNumbers()
    expect(database.prepare('select v from n order by v desc').get()).toEqual([3])
    expect(database.prepare('select v from n where v > ?').get(9)).toBeUndefined()
  })

  test('run returns the number of changed rows, 0 when nothing changes', () => {
    const database = withNumbers()
    expect(database.prepare('update n set v = v + 10').run()).toBe(3)
    expect(database.prepare('insert or ignore into n values (?)').run(11)).toBe(0)
    expect(database.prepare('create table other (v)').run()).toBe(0)
    expect(database.prepare('delete from n').run()).toBe(3)
  })

  test('each stops when told, and the statement can run again', () => {
    const statement = withNumbers().prepare('select v from n where v >= ? order by v')
    const seen: SqlValue[] = []
    const take = (row: SqlValue[]): boolean => {
      seen.push(...row)
      return seen.length < 2
    }
    statement.each(take, 1)
    expect(seen).toEqual([1, 2])
    expect(statement.all(3)).toEqual([[3]])
  })

  test('each passes on what its callback throws, and the statement can run again', () => {
    const statement = withNumbers().prepare('select v from n order by v')
    const fail = (): boolean => {
      throw new Error('enough')
    }
    expect(() => statement.each(fail)).toThrow('enough')
    expect(statement.all()).toEqual([[1], [2], [3]])
  })

  test('a statement cannot be run inside its own callback', () => {
    const statement = withNumbers().prepare('select v from n')
    expect(() => statement.each(() => statement.get() === undefined)).toThrow('a statement was used inside its own callback')
    expect(statement.all()).toEqual([[1], [2], [3]])
  })

  test('parameters keep their values until bound again; positional values come first', () => {
    const statement = open().prepare('select ?1, ?2, ?3')
    expect(statement.all()).toEqual([[null, null, null]])
    statement.bind(3, 'kept')
    expect(statement.all(1, 'two')).toEqual([[1, 'two', 'kept']])
    expect(statement.all('one')).toEqual([['one', 'two', 'kept']])
    statement.bind(2, null)
    expect(statement.get()).toEqual(['one', null, 'kept'])
  })

  test('texts bound to statements that run interleaved do not disturb each other', () => {
    const database = withNumbers()
    const outer = database.prepare('select ?1 || v, ?2 from n order by v')
    const inner = database.prepare('select ?1, ?2 || v from n where v = ?3')
    outer.bind(2, 'second')
    inner.bind(1, 'long '.repeat(2000))
    const seen: SqlValue[][] = []
    const collect = (row: SqlValue[]): boolean => {
      inner.bind(2, `inner ${row[0]} `)
      seen.push(row, inner.get('first', `again ${row[0]} `, 2) ?? [])
      return true
    }
    outer.each(collect, 'v')
    expect(seen).toEqual(
      ['v1', 'v2', 'v3'].flatMap((text) => [
        [text, 'second'],
        ['first', `again ${text} 2`],
      ]),
    )
  })

  test('a parameter that does not exist is SqlError 25', () => {
    const statement = open().prepare('select ?')
    expectError(25, () => statement.bind(2, 1))
    expectError(25, () => statement.all(1, 2))
    expect(statement.all(3)).toEqual([[3]])
  })

  test('bad SQL is SqlError 1 with the reason', () => {
    const database = open()
    expectError(1, () => database.prepare('selec 1'), 'near "selec": syntax error')
    expectError(1, () => database.exec('select * from missing'), 'no such table: missing')
    expectError(1, () => database.prepare('select 1 from (select 2'), 'incomplete input')
    expect(database.prepare('select 1').all()).toEqual([[1]])
  })

  test('text without a statement, or with more than one, is SqlError 21', () => {
    expectError(21, () => open().prepare(' -- nothing'))
    expectError(21, () => open().prepare('select 1; select 2'))
    expect(open().prepare('select 1;').all()).toEqual([[1]])
  })

  test('a statement that fails is reset and runs again', () => {
    const database = withNumbers()
    const insert = database.prepare('insert into n values (?)')
    expectError(19, () => insert.run(1), 'UNIQUE constraint failed: n.v')
    expect(insert.run(4)).toBe(1)
    expectError(1, () => database.prepare('select abs(?)').all(-(2n ** 63n)), 'integer overflow')
    expect(database.prepare('select count(*) from n').all()).toEqual([[4]])
  })

  test('no bound value appears in an error', () => {
    const database = open()
    database.exec('create table t (v text unique)')
    const insert = database.prepare('insert into t values (?)')
    insert.run('secret')
    expect(String(caught(() => insert.run('secret')))).not.toContain('secret')
  })

  test('a finalized statement is refused; finalizing again does nothing', () => {
    const statement = open().prepare('select 1')
    statement.finalize()
    statement.finalize()
    expect(() => statement.all()).toThrow('a finalized statement was used')
  })

  test('a closed database and its statements are refused; closing again does nothing', () => {
    const database = open()
    const statement = database.prepare('select 1')
    database.close()
    database.close()
    expect(() => statement.get()).toThrow('a finalized statement was used')
    expect(() => database.prepare('select 1')).toThrow('a closed database was used')
  })

  test('inTransaction follows begin, commit and rollback', () => {
    const database = open()
    const seen = [database.inTransaction()]
    for (const sql of ['begin', 'commit', 'begin', 'rollback']) {
      database.exec(sql)
      seen.push(database.inTransaction())
    }
    expect(seen).toEqual([false, true, false, true, false])
  })

  test('statements follow a change of the schema', () => {
    const database = withNumbers()
    const statement = database.prepare('select * from n where v = 1')
    expect(statement.all()).toEqual([[1]])
    database.exec("alter table n add column w text default 'new'")
    expect(statement.all()).toEqual([[1, 'new']])
    expect(statement.get()).toEqual([1, 'new'])
  })
}

export const dialectTests = (open: () => Database): void => {
  test('the SQLite that was measured', () => {
    expect(open().prepare('select sqlite_version()').all()).toEqual([['3.54.1']])
  })

  test('the clock is the one that was given', () => {
    expect(open().prepare("select strftime('%s', 'now')").all()).toEqual([['1700000000']])
  })

  test('a quoted identifier that is missing is an error, not a text', () => {
    expect(() => open().prepare('select "missing"')).toThrow('no such column')
  })

  test('a recursive CTE correlated in EXISTS', () => {
    const database = open()
    database.exec(`create table parent (c1 integer, c2 integer, primary key (c1, c2)) without rowid;
      insert into parent values (1, 2), (2, 3), (3, 1), (5, 6); create table start (v integer primary key); insert into start values (1), (3), (5), (6)`)
    const sql = `select v from start where exists (
      with recursive up(x) as (select start.v union select parent.c2 from up cross join parent on parent.c1 = up.x)
      select 1 from up where x = ?) order by v`
    expect(database.prepare(sql).all(2)).toEqual([[1], [3]])
    expect(database.prepare(sql).all(6)).toEqual([[5], [6]])
  })

  test('lists arrive through json_each', () => {
    const rows = open().prepare('select value from json_each(?) order by value desc').all('["a\\u0000","b",3]')
    expect(rows).toEqual([['b'], ['a\0'], [3]])
  })

  test('text is ordered by its UTF-8 bytes', () => {
    const rows = open()
      .prepare('select value from json_each(?) order by value')
      .all(JSON.stringify(['\u{10000}', '\uffff', 'a\0b', 'a', 'B']))
    expect(rows).toEqual([['B'], ['a'], ['a\0b'], ['\uffff'], ['\u{10000}']])
  })
}

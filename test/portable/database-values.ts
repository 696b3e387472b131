/** Part of the conformance suite of `Database`: every kind of value goes in and comes out as it is. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Database, SqlValue } from '../../src/store/database.ts'

export const valueTests = (open: () => Database): void => {
  test.for<[string, SqlValue]>([
    ['zero', 0],
    ['largest 32-bit integer', 2 ** 31 - 1],
    ['smallest 32-bit integer', -(2 ** 31)],
    ['integer beyond 32 bits', 2 ** 31],
    ['negative integer beyond 32 bits', -(2 ** 40) - 1],
    ['largest exact number', Number.MAX_SAFE_INTEGER],
    ['smallest exact number', Number.MIN_SAFE_INTEGER],
    ['2^53', 2n ** 53n],
    ['2^53 + 1', 2n ** 53n + 1n],
    ['-2^53', -(2n ** 53n)],
    ['largest integer', 2n ** 63n - 1n],
    ['smallest integer', -(2n ** 63n)],
    ['null', null],
    ['empty text', ''],
    ['text', 'fern'],
    ['NUL inside', 'a\0b'],
    ['NUL alone', '\0'],
    ['leading U+FEFF', '\uFEFFa'],
    ['U+FEFF alone', '\uFEFF'],
    ['two, three and four bytes', 'é→😀'],
    ['quotes', `'";--`],
    ['long ASCII', 'x'.repeat(5000)],
    ['long text of three-byte characters', '→'.repeat(5000)],
    ['text around the short paths', `${'a'.repeat(11)}é`],
  ])('round trip: %s', ([, value]) => {
    const database = open()
    database.exec('create table t (v)')
    database.prepare('insert into t values (?)').run(value)
    expect(database.prepare('select v, v is ?1, typeof(v) from t').all(value)).toEqual([[value, 1, typeName(value)]])
  })

  test('a bigint that fits a number arrives as a number', () => {
    expect(open().prepare('select ?').all(7n)).toEqual([[7]])
  })

  test('what is no exact integer of 64 bits is refused, not rounded', () => {
    const statement = open().prepare('select ?')
    for (const value of [0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY, 2n ** 63n, -(2n ** 63n) - 1n]) {
      expect(() => statement.all(value)).toThrow(/cannot be bound/)
    }
    expect(statement.all(1)).toEqual([[1]])
  })

  test('blobs and real numbers are refused on the way out', () => {
    const database = open()
    expect(() => database.prepare("select x'00'").all()).toThrow('column 1 holds a blob, want an integer, text or null')
    expect(() => database.prepare('select 1, 0.5').get()).toThrow('column 2 holds a real number, want an integer, text or null')
  })

  test('1000 random rows come back as they went in', () => {
    const database = open()
    database.exec('create table t (id integer primary key, a, b, c)')
    const insert = database.prepare('insert into t (a, b, c) values (?, ?, ?)')
    const select = database.prepare('select a, b, c from t where id = ?')
    const value = fc.oneof(
      fc.integer(),
      fc.maxSafeInteger(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.constant(null),
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.string({ unit: 'grapheme-ascii', maxLength: 80 }),
    )
    let id = 0
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        insert.run(a, b, c)
        id++
        expect(select.get(id)).toEqual([a, b, c].map(narrow))
      }),
      { numRuns: 1000 },
    )
  })
}

const typeName = (value: SqlValue): string => {
  if (value === null) return 'null'
  return typeof value === 'string' ? 'text' : 'integer'
}

/** As the interface promises: numbers wherever they are exact. */
const narrow = (value: SqlValue): SqlValue => (typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value)

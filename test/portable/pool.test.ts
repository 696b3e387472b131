/** Images are received into memory that is used again, and refused before anyone sees them. */
import { describe, expect, test } from 'vitest'
import { ImageError } from '../../snapshots/store-pool.ts'
import { at } from '../../src/base/assert.ts'
import { applyTo, imageOf, storeOf, testPool } from '../support/image.ts'
import { facts, insert, logRecord, wholeLog } from '../support/record.ts'
import { expectError } from '../support/sql-error.ts'

const MIB = 1024 * 1024

const many = (count: number, name = 'u') =>
  facts(...Array.from({ length: count }, (_, index) => insert('has_role', `User:${name}${index}`, 'String:reader', `Repo:r${index % 97}`)))

describe('images in parts', () => {
  const image = imageOf(wholeLog({ kind: 'policy', source: 'actor User {}', filename: null }, many(300)))

  test.each([1, 4096, 65_537, image.length])('chunks of %i bytes', (size) => {
    const pool = testPool()
    const source = size === 1 ? image.subarray(0, image.length) : image
    const writer = pool.receive(source.length)
    // One by one only where it ends: a quarter of a million calls say nothing more.
    const start = size === 1 ? source.length - 100 : 0
    writer.write(source.subarray(0, start))
    for (let from = start; from < source.length; from += size) writer.write(source.subarray(from, from + size))
    const store = writer.finish()
    expect(store.revision()).toBe(2)
    expect(store.totals().total).toBe(300)
    expect(store.activePolicy()?.source).toBe('actor User {}')
    expect(store.recomputeStateHash()).toBe(store.stateHash())
  })

  test('what was received takes records like any other', () => {
    const pool = testPool()
    const store = storeOf(pool, image)
    applyTo(store, [...wholeLog({ kind: 'clear' }, many(300), many(5000, 'more'))].slice(3))
    expect(store.revision()).toBe(3)
    expect(store.totals().total).toBe(5300)
    expect(store.recomputeStateHash()).toBe(store.stateHash())
  })

  test('more bytes than announced, fewer, and none', () => {
    const pool = testPool()
    const long = pool.receive(image.length - 1)
    expect(() => long.write(image)).toThrow(ImageError)
    long.abort()
    const short = pool.receive(image.length)
    short.write(image.subarray(0, image.length - 1))
    expect(() => short.finish()).toThrow(`the image ends after ${image.length - 1} of ${image.length} bytes`)
    expect(() => pool.receive(0).finish()).toThrow(ImageError)
    expect(pool.use().used).toBe(0)
  })

  test('an image whose tables hold something else', () => {
    const pool = testPool()
    const strange = imageOf(wholeLog(), (store) => store.database.exec("update meta set state_hash = 'none'"))
    expect(() => storeOf(pool, strange)).toThrow(new ImageError('the image is damaged: its tables do not hold what a replica writes'))
    expect(pool.use().used).toBe(0)
  })

  test('no database, a database that is no replica, one of another schema version, one in WAL mode', () => {
    const pool = testPool()
    const refused = (bytes: Uint8Array): string => {
      try {
        storeOf(pool, bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(ImageError)
        return error instanceof Error ? error.message : ''
      }
      return 'nothing was refused'
    }
    expect(refused(new Uint8Array(8192).fill(7))).toContain('no database')
    const plain = pool.create()
    plain.database.exec('drop table meta')
    expect(refused(plain.database.serialize())).toContain('it has no table `meta`')
    const newer = imageOf(wholeLog(), (store) => store.database.exec('update meta set schema_version = 99'))
    expect(refused(newer)).toBe('the replica has schema version 99, want 1')
    const wal = image.slice()
    wal.set([2, 2], 18)
    expect(refused(wal)).toContain('no database')
    expect(pool.use().used).toBe(1)
  })

  test('an image that does not fit is refused as such, and the pool goes on', () => {
    const pool = testPool(32 * MIB)
    expectError(7, () => pool.receive(40 * MIB), 'out of memory')
    expect(storeOf(pool, image).revision()).toBe(2)
    expect(pool.use()).toMatchObject({ used: 1, idle: 0 })
  })
})

describe('state hashes', () => {
  test('computed anew they tell of rows that no record wrote', () => {
    const store = storeOf(testPool(), imageOf(wholeLog({ kind: 'policy', source: 'actor User {}', filename: null }, many(50))))
    expect(store.recomputeStateHash()).toBe(store.stateHash())
    const table = at(store.tables(), 0).table
    store.database.exec(`delete from ${table} where c1 = (select min(c1) from ${table})`)
    expect(store.recomputeStateHash()).not.toBe(store.stateHash())
  })

  test('an empty store, and what a policy adds', () => {
    const store = testPool().create()
    expect([store.recomputeStateHash(), store.policyHash()]).toEqual(['0'.repeat(32), null])
    applyTo(store, wholeLog({ kind: 'policy', source: 'actor User {}', filename: null }))
    expect(store.stateHash()).toBe(store.policyHash())
    expect(store.recomputeStateHash()).toBe(store.policyHash())
    applyTo(store, wholeLog({ kind: 'policy', source: 'actor User {}', filename: null }, { kind: 'clear' }))
    expect([store.recomputeStateHash(), store.stateHash(), store.policyHash()]).toEqual(['0'.repeat(32), '0'.repeat(32), null])
  })
})

describe('memory', () => {
  test('50 swaps take turns in two instances, and their memory stays as it is', () => {
    const pool = testPool()
    const images = [1, 2, 3].map((version) => imageOf(wholeLog(many(20_000, `v${version}-`))))
    let current = storeOf(pool, at(images, 0))
    const bytes: number[] = []
    for (let swap = 1; swap <= 50; swap++) {
      const next = storeOf(pool, at(images, swap % images.length))
      // As a replica does that goes on: records are applied to what is served.
      applyTo(next, [{ revision: 100, record: logRecord(many(2000, `swap${swap}-`), { writeId: `swap-${swap}` }) }])
      expect(next.totals().total).toBe(22_000)
      pool.release(current)
      current = next
      const use = pool.use()
      expect({ used: use.used, idle: use.idle }).toEqual({ used: 1, idle: 1 })
      bytes.push(use.bytes)
    }
    expect(bytes.at(-1)).toBe(at(bytes, 4))
  })

  test('at most two instances are kept without a store', () => {
    const pool = testPool()
    const stores = Array.from({ length: 5 }, () => pool.create())
    for (const store of stores) pool.release(store)
    expect(pool.use()).toMatchObject({ used: 0, idle: 2 })
    expect(() => pool.release(at(stores, 0))).toThrow('a store is released once')
  })

  test('a released store refuses to be used', () => {
    const pool = testPool()
    const store = storeOf(pool, imageOf(wholeLog(many(10))))
    pool.release(store)
    const next = storeOf(pool, imageOf(wholeLog(many(20))))
    expect(() => store.totals()).not.toThrow()
    expect(() => store.facts({ predicate: null, args: [] }, false, 10)).toThrow('a closed database was used')
    expect(next.totals().total).toBe(20)
  })
})

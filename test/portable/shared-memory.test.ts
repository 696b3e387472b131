/** Databases that share one bound of memory: what is idle goes first, then what somebody gives up, and then there is no room, which harms nobody. */

import { expect, test } from 'vitest'
import { sqliteModule, trampolineModule } from '#wasm'
import { createStorePool, type MeasuredStorePool } from '../../snapshots/pool.ts'
import type { StorePool } from '../../snapshots/store-pool.ts'
import type { Database } from '../../src/store/database.ts'
import type { Store } from '../../src/store/facts.ts'
import { imageOf } from '../support/image.ts'
import { facts, insert, wholeLog } from '../support/record.ts'
import { expectError } from '../support/sql-error.ts'

const MIB = 1024 * 1024
const NO_MEMORY = 7

const image = imageOf(
  wholeLog(facts(...Array.from({ length: 300 }, (_, index) => insert('has_role', `User:u${index}`, 'String:reader', 'Repo:r1')))),
)

const poolOf = (totalMib: number, imageBytes = 64 * MIB, questionMib = 64): MeasuredStorePool =>
  createStorePool({
    sqlite: sqliteModule,
    trampoline: trampolineModule,
    maxBytes: 64 * MIB,
    totalBytes: totalMib * MIB,
    imageBytes,
    questionBytes: questionMib * MIB,
    nowMs: () => 0,
  })

const receive = (pool: StorePool): Store => {
  const writer = pool.receive(image.length)
  writer.write(image)
  return writer.finish()
}

test('what is idle makes room', () => {
  const pool = poolOf(24)
  const stores = [pool.create(), pool.create()]
  for (const store of stores) pool.release(store)
  expect(pool.use()).toMatchObject({ used: 0, idle: 2 })
  const [first, second, third] = [receive(pool), receive(pool), pool.create()]
  expect(pool.use()).toMatchObject({ used: 3, idle: 0 })
  expect(pool.use().bytes).toBeLessThanOrEqual(24 * MIB)
  for (const store of [first, second, third]) expect(store.revision()).toBeGreaterThanOrEqual(-1)
})

test('then whoever needs it asks for it, until nobody gives anything', () => {
  const pool = poolOf(24)
  const others = [pool.create(), pool.create(), pool.create()]
  const part = pool.part(() => {
    const other = others.pop()
    if (other !== undefined) pool.release(other)
    return other !== undefined
  })
  expect(receive(part).totals().total).toBe(300)
  expect(others).toHaveLength(2)
  receive(part)
  receive(part)
  expect(others).toEqual([])
  expectError(NO_MEMORY, () => receive(part))
  expect(pool.use()).toMatchObject({ used: 3 })
})

test('an image is received into what is given up for it: no memory is let go, which would take its place until it is collected', () => {
  const [made, Memory] = [{ memories: 0 }, WebAssembly.Memory]
  class CountedMemory extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor)
      made.memories++
    }
  }
  Object.assign(WebAssembly, { Memory: CountedMemory })
  try {
    const pool = poolOf(24)
    const others = [receive(pool), receive(pool)]
    const part = pool.part(() => {
      const other = others.pop()
      if (other !== undefined) pool.release(other)
      return other !== undefined
    })
    const writer = part.receive(10 * MIB)
    expect(others).toHaveLength(1)
    expect(pool.use()).toMatchObject({ used: 2, idle: 0 })
    expect(made.memories).toBe(2)
    writer.abort()
  } finally {
    Object.assign(WebAssembly, { Memory })
  }
})

test('a database that grows over the bound fails as it does without memory, and what it held stays', () => {
  const pool = poolOf(17)
  const [grows, other] = [receive(pool), receive(pool)]
  expectError(NO_MEMORY, () => fillWith(grows, 100_000))
  for (const store of [grows, other]) {
    expect(store.totals().total).toBe(300)
    expect(store.recomputeStateHash()).toBe(store.stateHash())
  }
  expect(pool.use().bytes).toBeLessThanOrEqual(17 * MIB)
})

/** 300 bytes and more of each. */
const fillWith = (store: Store, count: number): void =>
  store.transaction(() => {
    for (let index = 0; index < count; index++) {
      const id = `${index}`.padEnd(300, 'x')
      store.insert({
        predicate: 'has_role',
        args: [
          { type: 'User', id },
          { type: 'String', id: 'reader' },
          { type: 'Repo', id: 'r1' },
        ],
      })
    }
  })

/** Of 30 MB. */
const askMuch = (database: Database): void => {
  const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000)'
  const large = database.prepare(`${numbers} SELECT count(*) FROM (SELECT DISTINCT printf('%0300d', i) FROM n)`)
  const never = (): boolean => false
  expect(database.guarded(1000, never, () => large.get())).toEqual([100_000])
}

test('a question takes no more than its part, whatever is free, and what is free stays so', () => {
  const answers = receive(poolOf(128))
  askMuch(answers.database)
  const pool = poolOf(128, 64 * MIB, 12)
  const store = receive(pool.part(() => expect.unreachable('there is room')))
  expectError(NO_MEMORY, () => askMuch(store.database))
  expect(pool.use().bytes).toBeLessThanOrEqual(12 * MIB)
  expect(store.totals().total).toBe(300)
})

test('a question leaves the instance that the next image is received into', () => {
  const pool = poolOf(24)
  const part = pool.part(() => false)
  const [answering, other, next] = [receive(part), receive(part), receive(part)]
  part.release(next)
  for (const { database } of [answering, other]) expectError(NO_MEMORY, () => askMuch(database))
  expect(pool.use()).toMatchObject({ used: 2, idle: 1 })
  expect(answering.totals().total).toBe(300)
  receive(part)
  expect(pool.use()).toMatchObject({ used: 3, idle: 0 })
})

test('what is unused goes for a question, as it does for an image', () => {
  const pool = poolOf(64)
  const others = Array.from({ length: 7 }, () => receive(pool))
  const part = pool.part(() => {
    const other = others.pop()
    if (other !== undefined) pool.release(other)
    return other !== undefined
  })
  const store = receive(part)
  expect(pool.use().bytes).toBe(64 * MIB)
  askMuch(store.database)
  expect(others.length).toBeGreaterThan(0)
  expect(pool.use().idle).toBe(1)
})

test('what writes made larger than a question may still answers', () => {
  const pool = poolOf(128, 64 * MIB, 9)
  const store = receive(pool.part(() => false))
  fillWith(store, 8000)
  expect(pool.use().bytes).toBeGreaterThan(9 * MIB)
  askMuch(store.database)
})

test('an image of which two would not fit is refused before anything is reserved for it', () => {
  const pool = poolOf(24, image.length - 1)
  expectError(NO_MEMORY, () => pool.receive(image.length))
  expect(pool.use()).toEqual({ used: 0, idle: 0, bytes: 0 })
  expect(poolOf(24, image.length).receive(image.length)).toBeDefined()
})

test('what was abandoned counts no more, and whoever comes back to it does no harm', () => {
  const pool = poolOf(16)
  const part = pool.part(() => false)
  const kept = receive(part)
  const half = part.receive(image.length)
  expectError(NO_MEMORY, () => part.create())
  part.abandon(kept)
  expect(pool.use()).toMatchObject({ used: 1 })
  const next = receive(part)
  half.write(image)
  const late = half.finish()
  part.release(late)
  expect(next.totals().total).toBe(300)
  expect(pool.use()).toMatchObject({ used: 2, idle: 0 })
})

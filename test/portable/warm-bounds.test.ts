/** A dictionary that is larger than the memory for its texts is not read to its end, which would make as much garbage as it is large; what is stored stays known. */
import { expect, test } from 'vitest'
import { sqliteModule, trampolineModule } from '#wasm'
import { createStorePool } from '../../snapshots/pool.ts'
import { imageOf, storeOf } from '../support/image.ts'
import { facts, insert, wholeLog } from '../support/record.ts'

const USERS = 1000
const TURN = 10
const image = imageOf(
  wholeLog(facts(...Array.from({ length: USERS }, (_, index) => insert('has_role', `User:u${index}`, 'String:reader', 'Repo:r1')))),
)

const warmed = (residentBytes: number) => {
  const pool = createStorePool({
    sqlite: sqliteModule,
    trampoline: trampolineModule,
    maxBytes: 64 * 1024 * 1024,
    nowMs: () => 0,
    held: { cachedValues: 10, residentBytes, rememberedNumbers: 100 },
  })
  const store = storeOf(pool, image)
  let turns = 1
  while (!store.warm(TURN)) turns++
  const ids = Array.from({ length: USERS }, (_, index) => store.encode({ type: 'User', id: `u${index}` }))
  return { turns, known: new Set(ids).size, unknown: [ids.includes(undefined), store.encode({ type: 'User', id: 'u' })] }
}

test('it is read as far as there is room', () => {
  expect(warmed(1)).toEqual({ turns: 1, known: USERS, unknown: [false, undefined] })
})

test('all of it where there is room', () => {
  const { turns, ...found } = warmed(1024 * 1024)
  expect(turns).toBeGreaterThanOrEqual(USERS / TURN)
  expect(found).toEqual({ known: USERS, unknown: [false, undefined] })
})

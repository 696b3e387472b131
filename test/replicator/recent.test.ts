/** The newest records in memory: held as bytes, and what is forgotten takes none. */
import { expect, test } from 'vitest'
import { RecentRecords } from '../../replicator/recent.ts'
import { collectGarbage } from '../../scripts/bench/collect-garbage.ts'
import { limits } from '../../src/base/limits.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import { facts, insert, logRecord } from '../support/record.ts'

const recordAt = (revision: number, units = 10): RevisedRecord => {
  const inserts = Array.from({ length: 100 }, (_, number) => insert('note', `Text:${revision}-${number}-${'x'.repeat(units)}`))
  return { revision, record: logRecord(facts(...inserts), { writeId: `w${revision}` }) }
}

test('what follows a position is what was added, and no object of it is held', async () => {
  const recent = new RecentRecords(1_000_000).open(-1)
  const watch = (revision: number): WeakRef<object> => {
    const added = recordAt(revision)
    recent.add([added])
    return new WeakRef(added.record)
  }
  const held = Array.from({ length: 20 }, (_, revision) => watch(revision))
  // What was made in this turn is held until it ends.
  await new Promise<void>((resolve) => {
    setImmediate(resolve)
  })
  collectGarbage()
  expect(held.filter((record) => record.deref() !== undefined)).toHaveLength(0)
  const added = Array.from({ length: 20 }, (_, revision) => recordAt(revision))
  expect(recent.after(-1, 100)).toEqual(added)
  expect(recent.after(11, 3)).toEqual(added.slice(12, 15))
  expect(recent.after(19, 100)).toEqual([])
})

test('one reading takes no more bytes than one turn has, and at least one record', () => {
  const recent = new RecentRecords(100 * limits.readChunkBytes).open(-1)
  const units = limits.readChunkBytes / 250
  for (let revision = 0; revision < 6; revision++) recent.add([recordAt(revision, units)])
  recent.add([recordAt(6, 3 * units)])
  expect(recent.after(-1, 100)?.map(({ revision }) => revision)).toEqual([0, 1])
  expect(recent.after(5, 100)?.map(({ revision }) => revision)).toEqual([6])
})

test('forgotten records are given back one by one, not when there are many', async () => {
  const recent = new RecentRecords(4_000_000).open(-1)
  collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  for (let revision = 0; revision < 40; revision++) recent.add([recordAt(revision, 10_000)])
  // The collector hands the bytes back in a thread of its own, after it has returned.
  const held = (): number => {
    collectGarbage()
    return process.memoryUsage().arrayBuffers - before
  }
  await expect.poll(held, { timeout: 30_000 }).toBeLessThan(8_000_000)
  expect(recent.after(0, 100)).toBe(null)
  expect(recent.after(36, 100)?.map(({ revision }) => revision)).toEqual([37])
})

/** The replicator's own replica gathers small pushes, and applies at once what is enough or waited for. */
import { afterAll, expect, test } from 'vitest'
import { OwnReplica } from '../../replicator/own-replica.ts'
import { limits } from '../../src/base/limits.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import { pool } from '../snapshots/support.ts'
import { facts, insert, logRecord } from '../support/record.ts'

const recordAt = (revision: number, count = 1): RevisedRecord => {
  const inserts = Array.from({ length: count }, (_, number) => insert('p', `User:${revision}-${number}`))
  return { revision, record: logRecord(facts(...inserts), { writeId: `w${revision}` }) }
}
const genesis: RevisedRecord = { revision: 0, record: logRecord({ kind: 'genesis' }, { writeId: 'g' }) }

const opened: OwnReplica[] = []
afterAll(() => {
  for (const replica of opened) replica.close()
})

const open = () => {
  const timers = new Set<{ readonly delayMs: number; readonly work: () => void }>()
  const turns: number[] = []
  const replica: OwnReplica = new OwnReplica(pool.create(), -1, {
    pool,
    platform: { monotonicMs: () => 0, nowMs: () => 0, pause: () => Promise.resolve() },
    later(delayMs, work) {
      const timer = { delayMs, work }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    events: {
      applied: (records) => void (records.length > 0 && turns.push(records.length)),
      restored: () => Promise.reject(new Error('nothing is restored here')),
      replaced: () => undefined,
    },
  })
  opened.push(replica)
  const gathering = () => [...timers].filter(({ delayMs }) => delayMs === limits.ownApplyWaitMs)
  const push = (records: readonly RevisedRecord[], through: number) => replica.push(records, through, true)
  return { replica, push, turns, gathering }
}

test('pushes that come one after another are applied together when the time is up', async () => {
  const { replica, push, turns, gathering } = open()
  const taken = [push([genesis], 0), push([recordAt(1)], 1), push([], 2), push([recordAt(3)], 4)]
  expect([replica.revision, gathering().length, replica.lag().records]).toEqual([-1, 1, 3])
  gathering()[0]?.work()
  for (const each of taken) await each
  expect([turns, replica.revision, replica.through, gathering().length]).toEqual([[3], 3, 4, 0])
})

test('a full turn is applied at once, and no turn is larger than the bound', async () => {
  const { replica, push, turns, gathering } = open()
  const half = limits.ownApplyChanges / 2
  const records = [genesis, ...[1, 2, 3].map((revision) => recordAt(revision, half))]
  for (const taken of records.map((record) => push([record], record.revision))) await taken
  expect([turns, replica.through, gathering().length]).toEqual([[2, 2], 3, 0])
})

test('what was read, and not published just now, is applied at once: nothing more is read before that', async () => {
  const { replica, turns } = open()
  await replica.push([genesis], 0)
  expect(turns).toEqual([1])
})

test('what somebody waits for is applied at once, whether the wait or the push comes first', async () => {
  const { replica, push } = open()
  const first = push([genesis], 0)
  expect(await replica.reach(0, 1000)).toBe(true)
  await first
  const reached = replica.reach(1, 1000)
  await push([recordAt(1)], 1)
  expect(await reached).toBe(true)
})

test('pushes that are gathered when it closes are settled, and not applied', async () => {
  const { replica, push, turns } = open()
  const taken = push([genesis], 0)
  replica.close()
  await taken
  expect(turns).toEqual([])
})

test('what cannot be applied fails every push of its turn, and what is in front of it is applied', async () => {
  const { replica, push, gathering } = open()
  const foreign: RevisedRecord = { revision: 2, record: { ...recordAt(2).record, logId: 'another' } }
  const taken = Promise.allSettled([push([genesis], 0), push([recordAt(1)], 1), push([foreign], 2)])
  gathering()[0]?.work()
  expect((await taken).at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'foreign-log' } })
  expect([replica.revision, replica.through]).toEqual([1, 1])
})

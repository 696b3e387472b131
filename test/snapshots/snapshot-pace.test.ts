/** When a snapshot is due. */
import { describe, expect, test } from 'vitest'
import { snapshotLimits } from '../../snapshots/bounds.ts'
import { SnapshotPace } from '../../snapshots/snapshot-pace.ts'
import { facts, insert, logRecord } from '../support/record.ts'

const { replayedChanges, restMs, restTimes } = snapshotLimits

const begin = (behind: ConstructorParameters<typeof SnapshotPace>[2] = []) => {
  const clock = { ms: 0 }
  const pace = new SnapshotPace({ snapshotRecords: 100, snapshotIntervalMs: 600_000 }, () => clock.ms, behind)
  let revision = 0
  const write = (changes: number): void => {
    const body = facts(...Array.from({ length: changes }, (_, number) => insert('note', `Text:${number}`)))
    pace.add([{ revision: revision++, record: logRecord(body, { writeId: `w${revision}` }) }])
  }
  const cut = (tookMs = 0): void => {
    const seen = pace.seen()
    clock.ms += tookMs
    pace.taken(seen)
  }
  return { clock, pace, write, cut }
}

test('after so many records', () => {
  const { pace, write, cut } = begin()
  for (let count = 0; count < 99; count++) write(1)
  expect(pace.isDue()).toBe(false)
  write(1)
  expect(pace.isDue()).toBe(true)
  cut()
  expect(pace.isDue()).toBe(false)
})

test('so long after the first record', () => {
  const { clock, pace, write } = begin()
  clock.ms = 1_000_000
  expect(pace.isDue()).toBe(false)
  write(1)
  clock.ms += 599_999
  expect(pace.isDue()).toBe(false)
  clock.ms += 1
  expect(pace.isDue()).toBe(true)
})

describe('when a bootstrap would replay much', () => {
  test('and the last one is a while ago', () => {
    const { clock, pace, write } = begin()
    write(replayedChanges - 1)
    clock.ms = restMs
    expect(pace.isDue()).toBe(false)
    write(1)
    expect(pace.isDue()).toBe(true)
    clock.ms = restMs - 1
    expect(pace.isDue()).toBe(false)
  })

  test('a snapshot that takes long is followed by a longer rest', () => {
    const { clock, pace, write, cut } = begin()
    cut(10_000)
    write(replayedChanges)
    clock.ms += restTimes * 10_000 - 1
    expect(pace.isDue()).toBe(false)
    clock.ms += 1
    expect(pace.isDue()).toBe(true)
  })

  test('what comes while a snapshot is cut is behind it', () => {
    const { clock, pace, write } = begin()
    const seen = pace.seen()
    write(replayedChanges)
    pace.taken(seen)
    clock.ms += restMs
    expect(pace.isDue()).toBe(true)
  })

  test('what a process finds behind the newest snapshot counts', () => {
    const delta = { first: 5, last: 9, key: 'd', sha256: '0' }
    const large = begin([{ ...delta, storedBytes: replayedChanges * 10 }])
    const small = begin([{ ...delta, storedBytes: replayedChanges }])
    large.clock.ms = restMs
    small.clock.ms = restMs
    expect([large.pace.isDue(), small.pace.isDue()]).toEqual([true, false])
  })
})

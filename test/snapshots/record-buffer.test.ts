/** Records that wait: what a delta is made of is always every record behind the last one. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { snapshotLimits } from '../../snapshots/bounds.ts'
import { RecordBuffer } from '../../snapshots/record-buffer.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import { facts, insert, logRecord } from '../support/record.ts'

const restoreBody = { kind: 'restore', key: 'k', sha256: 'a', storedBytes: 1, rawBytes: 1, stateHash: 'b', revision: 1 } as const
const plain = (revision: number): RevisedRecord => ({ revision, record: logRecord(facts(insert('p', `User:${revision}`))) })
const restore = (revision: number): RevisedRecord => ({ revision, record: logRecord(restoreBody) })
const revisions = (records: readonly RevisedRecord[]): readonly number[] => records.map(({ revision }) => revision)

test('a run, cut where a delta ends', () => {
  const buffer = new RecordBuffer(4)
  buffer.add([plain(3), plain(5), plain(7)], 9)
  buffer.add([plain(7), plain(10)], 10)
  const all = buffer.upTo(Number.POSITIVE_INFINITY)
  expect([all.first, all.last, revisions(all.records)]).toEqual([5, 10, [5, 7, 10]])
  expect(buffer.upTo(8)).toMatchObject({ first: 5, last: 8 })
  buffer.goOnFrom(7)
  const rest = buffer.upTo(Number.POSITIVE_INFINITY)
  expect([rest.first, rest.last, revisions(rest.records), buffer.size]).toEqual([8, 10, [10], 1])
})

test('a delta ends in front of a restore record, and goes on from the snapshot behind it', () => {
  const buffer = new RecordBuffer(4)
  buffer.add([plain(5), restore(8), plain(9)], 10)
  expect(buffer.barrier).toBe(8)
  const before = buffer.upTo(Number.POSITIVE_INFINITY)
  expect([before.first, before.last, revisions(before.records)]).toEqual([5, 7, [5]])
  buffer.goOnFrom(7)
  expect(buffer.upTo(20)).toMatchObject({ first: 8, last: 7, records: [] })
  buffer.restart(8)
  const behind = buffer.upTo(Number.POSITIVE_INFINITY)
  expect([behind.first, behind.last, revisions(behind.records), buffer.barrier]).toEqual([9, 10, [9], null])
})

test('over its bounds it forgets, and a snapshot is needed', () => {
  const buffer = new RecordBuffer(0)
  const many = Array.from({ length: snapshotLimits.bufferedRecords }, (_, index) => plain(index + 1))
  buffer.add(many, many.length)
  expect([buffer.size, buffer.barrier]).toEqual([snapshotLimits.bufferedRecords, null])
  buffer.add([plain(many.length + 1)], many.length + 1)
  expect([buffer.size, buffer.barrier]).toEqual([0, many.length + 1])
  const large = new RecordBuffer(0)
  const policy = { kind: 'policy', source: 'x'.repeat(snapshotLimits.bufferedBytes), filename: null } as const
  large.add([{ revision: 1, record: logRecord(policy) }], 1)
  expect([large.size, large.barrier]).toEqual([0, 1])
  large.restart(3)
  expect(large.barrier).toBeNull()
})

type Call =
  | { readonly kind: 'add'; readonly count: number; readonly gap: number; readonly restores: boolean }
  | { readonly kind: 'delta' | 'snapshot' | 'forget' | 'elsewhere'; readonly back: number }

const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), count: fc.nat(3), gap: fc.nat(2), restores: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('delta' as const, 'snapshot' as const, 'forget' as const, 'elsewhere' as const),
      back: fc.nat(4),
    }),
  },
)

test('what a delta would hold is every record of its range, whatever happened', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 40 }), async (calls) => {
      const buffer = new RecordBuffer(0)
      const records: RevisedRecord[] = []
      let head = 0
      for (const each of calls) {
        if (each.kind === 'add') {
          const fresh = Array.from({ length: each.count }, (_, index) =>
            (each.restores && index === 1 ? restore : plain)(head + 1 + index * (1 + each.gap)),
          )
          head = Math.max(head, fresh.at(-1)?.revision ?? head) + each.gap
          records.push(...fresh)
          buffer.add(fresh, head)
        } else if (each.kind === 'delta') buffer.goOnFrom(buffer.upTo(head - each.back).last)
        else if (each.kind === 'snapshot') {
          if (head - each.back >= (buffer.barrier ?? 0)) buffer.restart(head - each.back)
        } else if (each.kind === 'forget') buffer.forget(head - each.back)
        else buffer.goOnFrom(Math.max(0, head - each.back))
        const { first, last, records: held } = buffer.upTo(Number.POSITIVE_INFINITY)
        const expected = records.filter(({ revision }) => revision >= first && revision <= last)
        expect(revisions(held)).toEqual(revisions(expected))
        expect(held.every(({ record }) => record.body.kind !== 'restore')).toBe(true)
        expect(buffer.through).toBeGreaterThanOrEqual(last)
        const restored = records.findLast(({ record }) => record.body.kind === 'restore')?.revision ?? -1
        // A barrier goes by a snapshot behind it alone.
        if (restored > last && buffer.upTo(Number.POSITIVE_INFINITY).first <= restored)
          expect(buffer.barrier).toBeGreaterThanOrEqual(restored)
        if (buffer.barrier === null) expect(last).toBe(Math.max(buffer.through, first - 1))
      }
    }),
    { numRuns: 1000 },
  )
})

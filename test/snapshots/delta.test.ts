/** Deltas: what is read is what was written, and damage, disorder and other ranges are refused. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DeltaError, type DeltaRange, deltaRecords, encodeRecords, joinDelta, partOf } from '../../snapshots/delta.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import { facts, insert, logRecord, record } from '../support/record.ts'

const rest = (): Promise<void> => Promise.resolve()

const encoded = async (range: DeltaRange, records: readonly RevisedRecord[]): Promise<Uint8Array> =>
  joinDelta(range, records.length, await encodeRecords(records, rest))

const refusal = (bytes: Uint8Array, range: DeltaRange): DeltaError => {
  try {
    Array.from(deltaRecords(bytes, range))
  } catch (error) {
    if (error instanceof DeltaError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

const some = (...revisions: readonly number[]): readonly RevisedRecord[] =>
  revisions.map((revision) => ({
    revision,
    record: logRecord(facts(insert('has_role', `User:${revision}`)), { writeId: `write-${revision}` }),
  }))

const env = 'shop'

const range = { env, first: 3, last: 12 }

test('what is read is what was written', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.tuple(
          record.filter(({ body }) => body.kind !== 'restore'),
          fc.nat(3),
        ),
      ),
      fc.nat(3),
      async (entries, after) => {
        let position = 4
        const records = entries.map(([found, gap]) => {
          position += 1 + gap
          return { revision: position, record: found }
        })
        const covered = { env, first: 4, last: position + after }
        const bytes = await encoded(covered, records)
        expect(Array.from(deltaRecords(bytes, covered))).toEqual(records)
        expect(await encoded(covered, records)).toEqual(bytes)
      },
    ),
  )
})

test('one record may take many turns of the encoder', async () => {
  let pauses = 0
  const large = Array.from({ length: 3 }, (_, revision) => ({
    revision,
    record: logRecord({ kind: 'policy', source: 'x'.repeat(1_100_000), filename: null }),
  }))
  await encodeRecords(large, async () => void pauses++)
  expect(pauses).toBe(3)
})

test('every changed, missing or added byte is refused', async () => {
  const records = some(3, 5, 12)
  const bytes = await encoded(range, records)
  for (let place = 0; place < bytes.length; place++) {
    const changed = bytes.map((byte, index) => (index === place ? byte ^ 0x41 : byte))
    // A revision is covered by the SHA-256 in the manifest, not here: it may turn into another one of the range.
    const found = attempt(() => Array.from(deltaRecords(changed, range)))
    expect(found === null || found.some(({ revision }, index) => revision !== records[index]?.revision)).toBe(true)
  }
  for (let length = 0; length < bytes.length; length++) expect(refusal(bytes.slice(0, length), range).code).toBe('damaged')
  expect(refusal(Uint8Array.of(...bytes, 0), range).message).toContain('goes on behind its 3 records')
})

const attempt = (work: () => readonly RevisedRecord[]): readonly RevisedRecord[] | null => {
  try {
    return work()
  } catch (error) {
    expect(error).toBeInstanceOf(DeltaError)
    return null
  }
}

test('another range, records out of order or of their range', async () => {
  const bytes = await encoded(range, some(3, 5, 12))
  expect(refusal(bytes, { env, first: 3, last: 13 }).message).toContain('covers positions 3 to 12, expected 3 to 13')
  expect(refusal(bytes, { env, first: 2, last: 12 }).message).toContain('expected 2 to 12')
  for (const revisions of [
    [5, 3],
    [5, 5],
    [2, 3],
    [12, 13],
  ]) {
    expect(refusal(await encoded(range, some(...revisions)), range).message).toContain('is out of order or of its range')
  }
})

test('a newer format, of the delta or of a record in it', async () => {
  const bytes = await encoded(range, some(3))
  const newer = bytes.map((byte, index) => (index === 4 ? 3 : byte))
  expect(refusal(newer, range)).toMatchObject({ code: 'format', message: 'the delta has format 3, known is 2: a newer version wrote it' })
})

test('a restore record', async () => {
  const body = { kind: 'restore', key: 'k', sha256: 'a', storedBytes: 1, rawBytes: 1, stateHash: 'b', revision: 1 } as const
  expect(refusal(await encoded(range, [{ revision: 4, record: logRecord(body) }]), range).message).toContain(
    'holds the restore record of revision 4',
  )
})

const another = { code: 'foreign', message: 'it belongs to environment `shopping`, expected `shop`' }

test('one of another environment, whatever its range', async () => {
  const bytes = await encoded({ ...range, env: 'shopping' }, some(3))
  expect(refusal(bytes, range)).toMatchObject(another)
  expect(refusal(bytes, { ...range, last: 13 })).toMatchObject(another)
  expect(() => partOf(bytes, range)).toThrow(expect.objectContaining(another))
})

/** As format 1 had it: without the environment. */
const unnamed = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from([...bytes.subarray(0, 25).map((byte, index) => (index === 4 ? 1 : byte)), ...bytes.subarray(26 + env.length)])

test('one of format 1 is taken, and becomes part of one that says whose it is', async () => {
  for (const revisions of [[], [3, 5, 12]]) {
    const older = unnamed(await encoded(range, some(...revisions)))
    expect(Array.from(deltaRecords(older, range), ({ revision }) => revision)).toEqual(revisions)
    const { part, records } = partOf(older, range)
    expect(joinDelta(range, records, [part])).toEqual(await encoded(range, some(...revisions)))
    for (let length = 0; length < older.length; length++) expect(refusal(older.slice(0, length), range).code).toBe('damaged')
  }
  // As an earlier version wrote it, byte by byte.
  const bytes = `41524344 01 ${'00'.repeat(7)}03 ${'00'.repeat(7)}0c 00000000`.replaceAll(' ', '')
  expect(Buffer.from(unnamed(await encoded(range, []))).toString('hex')).toBe(bytes)
})

test('the header of one that is written now, byte by byte', async () => {
  const bytes = `41524344 02 ${'00'.repeat(7)}03 ${'00'.repeat(7)}0c 00000000 04 73686f70`.replaceAll(' ', '')
  expect(Buffer.from(await encoded(range, [])).toString('hex')).toBe(bytes)
  const longest = { ...range, env: 'e'.repeat(64) }
  const { part, records } = partOf(await encoded(longest, some(5)), longest)
  expect([records, part]).toEqual([1, partOf(await encoded(range, some(5)), range).part])
})

test('two deltas as one', async () => {
  const ranges = [
    { env, first: 3, last: 7 },
    { env, first: 8, last: 12 },
  ] as const
  const deltas = [await encoded(ranges[0], some(3, 7)), await encoded(ranges[1], some(9))] as const
  const parts = [partOf(deltas[0], ranges[0]), partOf(deltas[1], ranges[1])]
  expect(() => partOf(deltas[1], ranges[0])).toThrow('covers positions 8 to 12, expected 3 to 7')
  const merged = joinDelta(
    range,
    parts.reduce((sum, { records }) => sum + records, 0),
    parts.map(({ part }) => part),
  )
  expect(merged).toEqual(await encoded(range, some(3, 7, 9)))
})

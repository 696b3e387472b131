/** More records than one delta takes: all of them are in deltas when a step ends, and the manifest names all or none. */
import { expect, test } from 'vitest'
import { snapshotLimits } from '../../snapshots/bounds.ts'
import { encodeRecords, joinDelta } from '../../snapshots/delta.ts'
import { loadAt } from '../../snapshots/load.ts'
import { type DeltaEntry, manifestKey } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { fitDeltas } from '../../snapshots/merge-deltas.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { readDelta, recordsOf } from '../../snapshots/replay.ts'
import { uploadDeltas, uploadRawDelta } from '../../snapshots/upload.ts'
import { at } from '../../src/base/assert.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import type { RecordBody } from '../../src/log/record.ts'
import { facts, insert, logRecord } from '../support/record.ts'
import { manifestOf } from './published.ts'
import { env, pool, testPlatform, testPublishers } from './support.ts'

const { open } = testPublishers()
const wide = (name: string): string => `${name}-`.padEnd(380, 'x')
const roles = (revision: number, count: number): RecordBody =>
  facts(
    ...Array.from({ length: count }, (_, index) =>
      insert('has_role', `User:${wide(`${revision}_${index}`)}`, 'String:reader', `Repo:${wide(`${revision}_${index}`)}`),
    ),
  )
const revised = (revision: number, body: RecordBody): RevisedRecord => ({ revision, record: logRecord(body, { writeId: `w${revision}` }) })
/** About 0.8 MiB each. */
const large = (from: number, count: number): readonly RevisedRecord[] =>
  Array.from({ length: count }, (_, index) => revised(from + index, roles(from + index, 1000)))
const ranges = (deltas: readonly DeltaEntry[]): unknown => deltas.map(({ first, last }) => [first, last])

test('they cover every position, those without records too, and no record twice', async () => {
  const to = { objects: memoryObjectStore(), env, pool, platform: testPlatform() }
  const records = [...large(3, 6), ...large(20, 6)]
  const deltas = await uploadDeltas(to, { first: 1, last: 40, records })
  expect(ranges(deltas)).toEqual([
    [1, 7],
    [8, 23],
    [24, 40],
  ])
  const found: number[] = []
  for (const delta of deltas) for (const { revision } of recordsOf(await readDelta(to, delta), delta)) found.push(revision)
  expect(found).toEqual(records.map(({ revision }) => revision))
})

/** Counts what is written to it. */
const counting = (objects: ObjectStore, key: string): ObjectStore & { readonly puts: () => number } => {
  let puts = 0
  return {
    ...objects,
    put: (to, ...rest) => {
      if (to === key) puts += 1
      return objects.put(to, ...rest)
    },
    puts: () => puts,
  }
}

test('one manifest names all of them, with the snapshot of the same step', async () => {
  const objects = counting(memoryObjectStore(), manifestKey(env))
  const publisher = await open({ objects, settings: { snapshotRecords: 1_000_000 } })
  publisher.feed([revised(0, { kind: 'genesis' })])
  await publisher.publish(true)
  publisher.feed(large(1, 8))
  const before = objects.puts()
  await publisher.publish(true)
  const { snapshots, deltas, coveredThrough } = manifestOf(publisher)
  expect([ranges(deltas), snapshots.map(({ through }) => through), coveredThrough, objects.puts() - before]).toEqual([
    [
      [1, 5],
      [6, 8],
    ],
    [8, 0],
    8,
    1,
  ])
})

test('all lead up to a restore that is behind them, so that what was before it can be had', async () => {
  const objects = memoryObjectStore()
  const publisher = await open({ objects, settings: { snapshotRecords: 1_000_000 } })
  publisher.feed([revised(0, { kind: 'genesis' })])
  await publisher.publish(true)
  publisher.feed(large(1, 8))
  const { store } = publisher.replica
  const body = {
    kind: 'restore',
    key: 'k',
    sha256: 'a'.repeat(64),
    storedBytes: 1,
    rawBytes: 1,
    stateHash: store.stateHash(),
    revision: 8,
  } as const
  // The state stays: only the position of the record is new.
  store.transaction(() => store.setPosition('log', 9))
  publisher.replica.through = 9
  publisher.publication.add([revised(9, body)], 9)
  await publisher.publish()
  expect([ranges(manifestOf(publisher).deltas), manifestOf(publisher).snapshots.map(({ through }) => through)]).toEqual([
    [
      [1, 5],
      [6, 8],
    ],
    [9, 0],
  ])
  for (let revision = 1; revision <= 8; revision++) {
    const found = await loadAt({ objects, env, pool, platform: testPlatform() }, revision)
    expect(found.through).toBe(revision)
    pool.release(found.store)
  }
})

test('small ones become one beside large ones that do not', async () => {
  const to = { objects: memoryObjectStore(), env, pool, platform: testPlatform() }
  const upload = async (revision: number, body: RecordBody): Promise<DeltaEntry> => {
    const parts = await encodeRecords([revised(revision, body)], to.platform.pause)
    return uploadRawDelta(to, { first: revision, last: revision, raw: joinDelta({ env, first: revision, last: revision }, 1, parts) })
  }
  const largeRoles = roles(0, 3000)
  const deltas: DeltaEntry[] = []
  for (let revision = 1; revision <= snapshotLimits.deltas + 1; revision++)
    deltas.push(await upload(revision, revision <= 40 ? largeRoles : roles(revision, 1)))
  const publisher = await open()
  publisher.feed([revised(0, { kind: 'genesis' })])
  await publisher.publish(true)
  const snapshot = at(manifestOf(publisher).snapshots, 0)
  const fitting = await fitDeltas(to, { snapshots: [snapshot], deltas })
  expect(fitting?.deltas.length).toBeLessThanOrEqual(snapshotLimits.deltas)
  expect(fitting?.deltas.slice(0, 40)).toEqual(deltas.slice(0, 40))
  expect([fitting?.deltas.at(-1)?.last, fitting?.deltas.at(-1)?.first]).toEqual([65, expect.any(Number)])
})

/** Publishing one environment: what stops it half way, who comes in between, and what must never happen. */
import { expect, test } from 'vitest'
import { snapshotLimits } from '../../snapshots/bounds.ts'
import { loadAt, loadRestorePoint } from '../../snapshots/load.ts'
import { type Manifest, manifestKey, manifestObjects, printManifest } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { snapshotPrefix } from '../../snapshots/object-keys.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { at, known } from '../../src/base/assert.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import { facts, insert, logRecord } from '../support/record.ts'
import { plantSnapshot } from './planted.ts'
import { history, loadedState, manifestOf, stateAt, storedManifest } from './published.ts'
import { bytesOf, codeOf, env, failingStore, type Publisher, pool, stateOf, testPublishers } from './support.ts'

const { open, closeAll } = testPublishers()

/** With a snapshot after three records, and another one after all. */
const withTwoSnapshots = async (records: readonly RevisedRecord[]): Promise<Publisher> => {
  const publisher = await open({ settings: { snapshotRecords: 1000 } })
  publisher.feed(records.slice(0, 3))
  await publisher.publish()
  publisher.feed(records.slice(3))
  await publisher.publish(true)
  return publisher
}

const rangesOf = ({ deltas }: Manifest): readonly (readonly [number, number])[] => deltas.map(({ first, last }) => [first, last])
const revisionsOf = ({ snapshots }: Manifest): readonly number[] => snapshots.map(({ revision }) => revision)

test('a snapshot first, deltas while there are records, a snapshot after so many records or so long', async () => {
  const publisher = await open({ settings: { snapshotRecords: 4 } })
  const records = history(12)
  publisher.feed(records.slice(0, 2))
  await publisher.publish()
  expect([revisionsOf(manifestOf(publisher)), rangesOf(manifestOf(publisher))]).toEqual([[1], []])
  publisher.feed(records.slice(2, 4))
  await publisher.publish()
  const unchanged = await publisher.publish()
  expect([revisionsOf(known(unchanged, 'published')), rangesOf(manifestOf(publisher))]).toEqual([[1], [[2, 3]]])
  publisher.feed(records.slice(4, 6))
  await publisher.publish()
  expect([revisionsOf(manifestOf(publisher)), rangesOf(manifestOf(publisher))]).toEqual([
    [5, 1],
    [
      [2, 3],
      [4, 5],
    ],
  ])
  publisher.feed(records.slice(6, 7))
  publisher.platform.ms += 59_999
  await publisher.publish()
  expect(revisionsOf(manifestOf(publisher))).toEqual([5, 1])
  publisher.feed(records.slice(7, 8))
  publisher.platform.ms += 1
  await publisher.publish()
  expect([revisionsOf(manifestOf(publisher)), manifestOf(publisher).coveredThrough]).toEqual([[7, 5, 1], 7])
})

test('the newest snapshots are named, and deltas back to the oldest of them', async () => {
  const publisher = await open({ settings: { retainedSnapshots: 2 } })
  for (const record of history(9)) {
    publisher.feed([record])
    await publisher.publish(record.revision % 3 === 0)
  }
  expect([revisionsOf(manifestOf(publisher)), rangesOf(manifestOf(publisher))]).toEqual([
    [6, 3],
    [
      [4, 4],
      [5, 5],
      [6, 6],
      [7, 7],
      [8, 8],
    ],
  ])
})

test('a position without records moves on without a snapshot, and a forced snapshot there leaves no gap', async () => {
  const publisher = await open()
  publisher.feed(history(3))
  await publisher.publish()
  publisher.feed([], 10)
  await publisher.publish()
  expect(manifestOf(publisher).coveredThrough).toBe(2)
  publisher.platform.ms += 60_000
  await publisher.publish()
  expect(manifestOf(publisher)).toMatchObject({ coveredThrough: 10, deltas: [], snapshots: [{ revision: 2, through: 2 }] })
  await publisher.publish(true)
  publisher.feed([{ revision: 14, record: at(history(5), 4).record }], 15)
  await publisher.publish()
  expect(manifestOf(publisher)).toMatchObject({
    coveredThrough: 15,
    deltas: [{ first: 3, last: 15 }],
    snapshots: [{ revision: 2, through: 2 }],
  })
  expect(await loadedState(publisher.objects)).toEqual({ state: stateOf(publisher.replica.store), through: 15 })
})

/** One publisher's work, in which every kind of step occurs. */
const work = async (publisher: Publisher, records: readonly RevisedRecord[]): Promise<void> => {
  for (const record of records) {
    publisher.feed([record])
    publisher.platform.ms += 61_000
    await publisher.publish(record.revision % 4 === 3)
  }
}

test('a failure of any call leaves a valid manifest, and another publisher goes on', async () => {
  const records = history(8)
  const counted = failingStore(memoryObjectStore(), -1, false)
  await work(await open({ objects: counted.store }), records)
  expect(counted.calls()).toBeGreaterThan(30)
  for (let call = 1; call < counted.calls(); call++) {
    for (const takesEffect of [false, true]) {
      const objects = memoryObjectStore()
      const first = await open({ objects: failingStore(objects, call, takesEffect).store })
      const outcome = await codeOf(work(first, records))
      expect(['unavailable', 'no error']).toContain(outcome)
      const left = await storedManifest(objects)
      if (left !== null) expect((await loadedState(objects)).through).toBe(left.coveredThrough)
      // The same publisher goes on.
      first.feed(records)
      expect(known(await first.publish(), 'published').coveredThrough).toBe(7)
      // So does the next process, from what it finds.
      const second = await open({ objects })
      await second.bootstrap()
      second.feed(records)
      await second.publish(true)
      expect(known(await storedManifest(objects), 'published').coveredThrough).toBeGreaterThanOrEqual(left?.coveredThrough ?? 0)
      expect(await loadedState(objects)).toEqual({ state: stateOf(second.replica.store), through: 7 })
      closeAll()
    }
  }
})

const restored = (revision: number, key: string): RevisedRecord => {
  const body = { kind: 'restore', key, sha256: '0', storedBytes: 1, rawBytes: 1, stateHash: '0', revision: 1 } as const
  return { revision, record: logRecord(body, { writeId: `restore-${revision}` }) }
}

test('a delta never crosses a restore record: a snapshot is cut behind it', async () => {
  const publisher = await open()
  const records = history(8)
  publisher.feed(records.slice(0, 3))
  await publisher.publish()
  const body = await publisher.publication.putRestorePoint(publisher.replica.image())
  publisher.feed(records.slice(3, 5))
  // Before the replica has loaded it nothing behind it is published.
  publisher.publication.add([restored(5, body.key)], 5)
  expect(publisher.publication.waiting).toBe(3)
  await publisher.publish()
  expect(manifestOf(publisher)).toMatchObject({ coveredThrough: 4, deltas: [{ first: 3, last: 4 }] })
  const { platform, objects } = publisher
  const store = await loadRestorePoint({ objects, pool, platform }, body, { logId: 'log', revision: 5 })
  publisher.replica.close()
  publisher.replica.store = store
  publisher.replica.through = 5
  await publisher.publish()
  expect([revisionsOf(manifestOf(publisher)), rangesOf(manifestOf(publisher))]).toEqual([[5, 2], [[3, 4]]])
  publisher.feed(records.slice(6))
  await publisher.publish()
  expect(rangesOf(manifestOf(publisher))).toEqual([
    [3, 4],
    [6, 7],
  ])
  expect(await loadedState(objects)).toEqual({ state: stateOf(publisher.replica.store), through: 7 })
  // Both sides are retained, and what is between a snapshot and its next gap.
  const before = await loadAt({ objects, env, pool, platform }, 4)
  expect(stateOf(before.store)).toEqual(stateAt(records, 4))
  pool.release(before.store)
  const previous = { ...manifestOf(publisher), snapshots: manifestOf(publisher).snapshots.slice(1) }
  expect(previous.snapshots[0]?.revision).toBe(2)
})

test('more records than can wait are published by a snapshot', async () => {
  const publisher = await open()
  publisher.feed(history(2))
  await publisher.publish()
  const large = { kind: 'policy', source: `# ${'x'.repeat(snapshotLimits.bufferedBytes)}`, filename: null } as const
  publisher.feed([{ revision: 2, record: logRecord(large, { writeId: 'large' }) }])
  expect(publisher.publication.waiting).toBe(1)
  await publisher.publish()
  expect([revisionsOf(manifestOf(publisher)), rangesOf(manifestOf(publisher))]).toEqual([[2, 1], []])
  publisher.feed([{ revision: 3, record: logRecord(facts(insert('p', 'User:a')), { writeId: 'small' }) }])
  await publisher.publish()
  expect(rangesOf(manifestOf(publisher))).toEqual([[3, 3]])
  expect(await loadedState(publisher.objects)).toEqual({ state: stateOf(publisher.replica.store), through: 3 })
})

test('never more deltas than a manifest can name: small neighbours become one', async () => {
  const publisher = await open({ settings: { snapshotRecords: 10_000 } })
  const records = history(3 * snapshotLimits.deltas)
  for (const record of records) {
    publisher.feed([record])
    await publisher.publish(record.revision === 100)
  }
  const manifest = manifestOf(publisher)
  expect(manifest.deltas.length).toBeLessThanOrEqual(snapshotLimits.deltas)
  expect(revisionsOf(manifest)).toEqual([100, 0])
  // They meet where the snapshot is: who starts from it fetches nothing from before.
  expect(manifest.deltas.map(({ last }) => last)).toContain(100)
  expect(await loadedState(publisher.objects)).toEqual({ state: stateOf(publisher.replica.store), through: records.length - 1 })
  for (const revision of [17, 63, 64, 99, 101, 150]) {
    const found = await loadAt({ ...publisher, env, pool }, revision)
    expect(stateOf(found.store)).toEqual(stateAt(records, revision))
    pool.release(found.store)
  }
})

test('a damaged delta in the way of a merge is left out once a snapshot leads past it', async () => {
  const publisher = await open({ settings: { snapshotRecords: 10_000 } })
  const records = history(snapshotLimits.deltas + 8)
  for (const record of records.slice(0, 5)) {
    publisher.feed([record])
    await publisher.publish()
  }
  const { key } = at(manifestOf(publisher).deltas, 1)
  await publisher.objects.put(
    key,
    (await bytesOf(publisher.objects, key)).map((byte) => byte ^ 1),
  )
  for (const record of records.slice(5)) {
    publisher.feed([record])
    await publisher.publish()
  }
  expect(publisher.platform.lines).toContainEqual(
    expect.objectContaining({ level: 'error', event: 'load-refused', fields: expect.objectContaining({ key }) }),
  )
  expect(manifestObjects(manifestOf(publisher))).not.toContain(key)
  expect(await loadedState(publisher.objects)).toEqual({ state: stateOf(publisher.replica.store), through: records.length - 1 })
})

test('an object that is not what was written is never named', async () => {
  const objects = memoryObjectStore()
  const corrupting: ObjectStore = {
    ...objects,
    put: (key, bytes, condition) => objects.put(key, key.endsWith('.gz') ? bytes.slice(1) : bytes, condition),
  }
  const publisher = await open({ objects: corrupting })
  publisher.feed(history(3))
  expect(await codeOf(publisher.publish())).toBe('unverified')
  expect(await objects.get(manifestKey(env))).toBeNull()
})

test('a state hash that the facts do not have stops publishing', async () => {
  const publisher = await open()
  publisher.feed(history(3))
  publisher.replica.store.database.exec("update meta set state_hash = '00000000000000000000000000000001'")
  const image = publisher.replica.image()
  const outcome = publisher.publication.publish(() => ({ ...image, stateHash: '00000000000000000000000000000001' }))
  expect(await codeOf(outcome)).toBe('mismatch')
  expect(await publisher.objects.get(manifestKey(env))).toBeNull()
})

test('the log may forget what two snapshots hold that were read back', async () => {
  const publisher = await open({ settings: { snapshotRecords: 1000 } })
  const records = history(9)
  publisher.feed(records.slice(0, 3))
  await publisher.publish()
  expect(publisher.publication.trimmable).toBe(-1)
  publisher.feed(records.slice(3, 6))
  await publisher.publish(true)
  expect(publisher.publication.trimmable).toBe(2)
  publisher.feed(records.slice(6, 8))
  await publisher.publish()
  expect(publisher.publication.trimmable).toBe(2)
  // Another process has to read them first, one per step.
  await publisher.bootstrap()
  expect(publisher.publication.trimmable).toBe(-1)
  await publisher.publish()
  expect(publisher.publication.trimmable).toBe(-1)
  await publisher.publish()
  expect(publisher.publication.trimmable).toBe(2)
})

test('an idle environment lets the log be forgotten once its second-newest snapshot and the deltas are found to lead to the newest', async () => {
  const publisher = await withTwoSnapshots(history(6))
  publisher.feed([], 50)
  await publisher.publish()
  expect(publisher.publication.trimmable).toBe(2)
  publisher.platform.ms += 60_000
  await publisher.publish()
  expect(publisher.publication.trimmable).toBe(50)
  publisher.feed([{ revision: 60, record: logRecord(facts(insert('p', 'User:a')), { writeId: 'late' }) }])
  await publisher.publish()
  expect(publisher.publication.trimmable).toBe(2)
})

test.each(['damaged', 'missing'])('a snapshot that is found %s is named no more, and a new one is cut', async (fault) => {
  const publisher = await withTwoSnapshots(history(6))
  const { key } = at(manifestOf(publisher).snapshots, 0)
  const good = await bytesOf(publisher.objects, key)
  if (fault === 'missing') await publisher.objects.delete(key)
  else
    await publisher.objects.put(
      key,
      good.map((byte, index) => (index === 100 ? byte ^ 1 : byte)),
    )
  await publisher.bootstrap()
  await publisher.publish()
  expect(publisher.platform.lines.filter(({ event }) => event === 'load-refused').map(({ fields }) => fields.code)).toContain(fault)
  await publisher.publish()
  expect(await loadedState(publisher.objects)).toEqual({ state: stateOf(publisher.replica.store), through: 5 })
  expect(at(manifestOf(publisher).snapshots, 0).revision).toBe(5)
  expect(await storedManifest(publisher.objects)).not.toBeNull()
})

test('a rejected snapshot of a higher revision does not keep an idle environment from publishing its own', async () => {
  const [publisher, other] = [await open(), await open()]
  for (const [each, count] of [
    [publisher, 3],
    [other, 6],
  ] as const) {
    each.feed(history(count))
    await each.publish()
  }
  const { key } = await plantSnapshot({ objects: other.objects, env }, { objects: publisher.objects, env })
  await publisher.reopen()
  publisher.publication.reject([key])
  expect(at(manifestOf(publisher).snapshots, 0)).toMatchObject({ key, revision: 5 })
  // The partition goes on without it.
  publisher.feed([], 8)
  await publisher.publish()
  expect(manifestObjects(manifestOf(publisher))).not.toContain(key)
  expect([revisionsOf(manifestOf(publisher))[0], publisher.publication.waiting]).toEqual([2, 0])
  expect(await loadedState(publisher.objects)).toEqual({ state: stateOf(publisher.replica.store), through: 8 })
})

test('a rejected delta is led past by a snapshot', async () => {
  const publisher = await open({ settings: { snapshotRecords: 1000 } })
  const records = history(6)
  publisher.feed(records.slice(0, 3))
  await publisher.publish()
  publisher.feed(records.slice(3))
  await publisher.publish()
  const { deltas } = manifestOf(publisher)
  expect(rangesOf(manifestOf(publisher))).toEqual([[3, 5]])
  await publisher.reopen()
  publisher.publication.reject([at(deltas, 0).key])
  expect(publisher.publication.waiting).toBe(1)
  await publisher.publish()
  expect(revisionsOf(manifestOf(publisher))).toEqual([5, 2])
  expect(publisher.publication.waiting).toBe(0)
  expect(await loadedState(publisher.objects)).toEqual({ state: stateOf(publisher.replica.store), through: 5 })
})

test('what nothing names any more is deleted after its time, restore points are not', async () => {
  const publisher = await open({ settings: { snapshotRecords: 1, retainedSnapshots: 2, unreferencedMs: 3_600_000 } })
  const records = history(6)
  publisher.feed(records.slice(0, 1))
  await publisher.publish()
  const point = await publisher.publication.putRestorePoint(publisher.replica.image())
  for (const record of records.slice(1)) {
    publisher.feed([record])
    await publisher.publish()
  }
  const count = async (): Promise<number> => (await publisher.objects.list(snapshotPrefix(env))).length
  const before = await count()
  expect(before).toBe(6)
  publisher.platform.ms += 60_000
  await publisher.publish()
  expect(await count()).toBe(before)
  publisher.platform.ms += 3_600_000
  await publisher.publish()
  expect(await count()).toBe(2)
  expect(await storedManifest(publisher.objects)).not.toBeNull()
  expect(await publisher.objects.get(point.key)).not.toBeNull()
})

test('equal histories make equal objects, whoever publishes them', async () => {
  const publishers = [await open(), await open()]
  for (const publisher of publishers) {
    for (const record of history(7)) {
      publisher.feed([record])
      await publisher.publish(record.revision === 4)
    }
  }
  const [one, two] = publishers.map((publisher) => printManifest(manifestOf(publisher)))
  expect(one).toEqual(two)
})

test('errors say operation, key, revision, cause, hint, and whether recovery is automatic', async () => {
  const objects = memoryObjectStore()
  const publisher = await open({ objects: failingStore(objects, 1, false).store })
  publisher.feed(history(3))
  const error: unknown = await publisher.publish().catch((caught: unknown) => caught)
  expect(error).toMatchObject({ name: 'PublishError', code: 'unavailable', operation: 'publish snapshot', revision: 2, automatic: true })
  expect(String(error)).toMatch(
    /^PublishError: cannot publish snapshot `shop\/snapshots\/2-[0-9a-f]{64}\.sqlite\.gz` of revision 2: call 1 fails; it is tried again; .*; recovery is automatic$/,
  )
})

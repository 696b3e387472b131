/** Several publishers of one environment, and what they find that is not their own: nothing goes backwards and nothing is overwritten that is not theirs. */
import { expect, test } from 'vitest'
import { loadAt, loadNewest } from '../../snapshots/load.ts'
import { manifestKey } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { known } from '../../src/base/assert.ts'
import { history, loadedState, manifestOf, stateAt, storedManifest, unlessLoadFails } from './published.ts'
import { bytesOf, codeOf, env, pool, stateOf, testPlatform, testPublishers } from './support.ts'

const { open } = testPublishers()

test('two publishers of one store: never backwards, nothing missing, and both states are the same', async () => {
  const records = history(24)
  const objects = memoryObjectStore()
  const publishers = [await open({ objects }), await open({ objects })]
  let covered = -1
  for (const [index, record] of records.entries()) {
    for (const [number, publisher] of publishers.entries()) {
      // One of them is behind, now the first and now the second.
      const upTo = index % 7 < 3 === (number === 0) ? record.revision : record.revision - 2
      publisher.feed(records.filter(({ revision }) => revision > publisher.replica.through && revision <= upTo))
    }
    const ready = publishers.filter(({ replica }) => replica.through >= 0)
    const outcomes = await Promise.allSettled(ready.map((publisher) => publisher.publish(index % 5 === 0)))
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ name: 'PublishError', code: 'superseded' })
    const manifest = known(await storedManifest(objects), 'one of them published')
    expect(manifest.coveredThrough).toBeGreaterThanOrEqual(covered)
    covered = manifest.coveredThrough
    const { state } = await loadedState(objects)
    expect(state).toEqual(stateAt(records, covered))
  }
  expect(covered).toBe(23)
})

test('where two writers win one race a reader still never goes backwards, and nothing is missing', async () => {
  const records = history(24)
  const objects = memoryObjectStore()
  const careless: ObjectStore = { ...objects, put: (key, bytes) => objects.put(key, bytes) }
  const publishers = [await open({ objects: careless }), await open({ objects: careless })]
  let seen = { epoch: 0, coveredThrough: -1 }
  let refusals = 0
  for (const { revision } of records.slice(2)) {
    for (const [number, publisher] of publishers.entries()) {
      const upTo = revision % 7 < 3 === (number === 0) ? revision : revision - 2
      publisher.feed(records.filter((record) => record.revision > publisher.replica.through && record.revision <= upTo))
    }
    for (const publisher of publishers) await publisher.publish(revision % 5 === 0)
    await storedManifest(objects)
    const code = await codeOf(
      loadNewest({ objects, env, pool, platform: testPlatform(), seen }).then((found) => {
        const { manifest, store } = known(found, 'published')
        expect(stateOf(store)).toEqual(stateAt(records, manifest.coveredThrough))
        seen = manifest
        pool.release(store)
      }),
    )
    expect(['no error', 'backwards']).toContain(code)
    if (code === 'backwards') refusals++
  }
  expect(refusals).toBeGreaterThan(0)
})

test('a manifest that went backwards under its publisher is replaced by a newer one', async () => {
  const publisher = await open()
  const records = history(6)
  publisher.feed(records.slice(0, 2))
  await publisher.publish()
  const older = await bytesOf(publisher.objects, manifestKey(env))
  publisher.feed(records.slice(2, 4))
  await publisher.publish()
  await publisher.objects.put(manifestKey(env), older)
  publisher.feed(records.slice(4))
  await publisher.publish()
  expect(await loadedState(publisher.objects)).toEqual({ state: stateOf(publisher.replica.store), through: 5 })
})

test('a publisher that started without a manifest leaves out nothing when one of another comes that reaches less far', async () => {
  const records = history(6)
  const objects = memoryObjectStore()
  const [late, first] = [await open({ objects }), await open({ objects })]
  late.feed(records.slice(0, 3))
  await late.reopen()
  first.feed(records.slice(0, 1))
  await first.publish(true)
  late.feed(records.slice(3, 5))
  await late.publish()
  const manifest = known(await storedManifest(objects), 'published')
  expect(manifest.coveredThrough).toBe(4)
  const from = { objects, env, pool, platform: testPlatform() }
  for (const revision of [0, 1, 2, 3, 4]) {
    const found = await unlessLoadFails(loadAt(from, revision))
    if (found === null) continue
    expect(stateOf(found.store)).toEqual(stateAt(records, revision))
    pool.release(found.store)
  }
  expect(await loadedState(objects)).toEqual({ state: stateAt(records, 4), through: 4 })
})

test('a publisher that is behind writes nothing older than it has seen, though it finds no manifest', async () => {
  const records = history(8)
  const ahead = await open()
  ahead.feed(records.slice(0, 3))
  await ahead.publish()
  const behind = await open({ objects: ahead.objects })
  behind.feed(records.slice(0, 4))
  ahead.feed(records.slice(3, 7))
  await ahead.publish()
  await behind.publish(true)
  expect(manifestOf(behind).coveredThrough).toBe(6)
  await ahead.objects.delete(manifestKey(env))
  behind.feed(records.slice(4, 5))
  await behind.publish().catch(() => undefined)
  expect(await codeOf(behind.publish(true))).toBe('superseded')
  expect(await storedManifest(ahead.objects)).toBeNull()
  behind.feed(records.slice(5))
  await behind.publish(true)
  expect(await loadedState(ahead.objects)).toEqual({ state: stateOf(behind.replica.store), through: 7 })
})

test('a publisher whose lease was taken stops', async () => {
  const epoch = { now: 2 }
  const first = await open({ epoch: () => epoch.now })
  first.feed(history(3))
  await first.publish()
  const second = await open({ objects: first.objects, epoch: () => 3 })
  second.feed(history(4))
  await second.publish()
  first.feed(history(5))
  const before = (await first.objects.list('')).length
  // It learns of the newer epoch when its own manifest is refused; from then on it writes nothing.
  for (const written of [1, 1]) {
    expect(await codeOf(first.publish())).toBe('superseded')
    expect((await first.objects.list('')).length).toBe(before + written)
  }
  expect(await storedManifest(first.objects)).toMatchObject({ epoch: 3, coveredThrough: 3 })
  epoch.now = 4
  await first.publish()
  expect(await storedManifest(first.objects)).toMatchObject({ epoch: 4, coveredThrough: 4 })
})

test('objects of another log, and manifests of a newer format, are left alone', async () => {
  const publisher = await open()
  publisher.feed(history(2))
  await publisher.publish()
  const before = await bytesOf(publisher.objects, manifestKey(env))
  const foreign = await open({ objects: publisher.objects })
  foreign.feed(history(3).map(({ revision, record }) => ({ revision, record: { ...record, logId: 'another' } })))
  expect(await codeOf(foreign.publish(true))).toBe('foreign')
  expect(await bytesOf(publisher.objects, manifestKey(env))).toEqual(before)
  const newer = new TextEncoder().encode(JSON.stringify({ format: 2 }))
  await publisher.objects.put(manifestKey(env), newer)
  expect(await codeOf(publisher.reopen())).toBe('format')
  publisher.feed(history(4))
  expect(await codeOf(publisher.publish())).toBe('format')
  expect(await bytesOf(publisher.objects, manifestKey(env))).toEqual(newer)
})

test('a manifest that cannot be read is replaced', async () => {
  const publisher = await open()
  publisher.feed(history(3))
  await publisher.publish()
  await publisher.objects.put(manifestKey(env), new Uint8Array([1, 2, 3]))
  const next = await open({ objects: publisher.objects })
  expect(next.platform.lines).toMatchObject([{ level: 'error', event: 'load-refused', fields: { code: 'damaged' } }])
  next.feed(history(5))
  await next.publish()
  expect(await loadedState(next.objects)).toEqual({ state: stateOf(next.replica.store), through: 4 })
})

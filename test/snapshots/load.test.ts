/** Loading: what is refused, why, and what is used instead. */
import { afterEach, expect, test } from 'vitest'
import { sqliteModule, trampolineModule } from '#wasm'
import { chunkBytes, snapshotLimits } from '../../snapshots/bounds.ts'
import { joinDelta } from '../../snapshots/delta.ts'
import { applyDeltas, loadAt, loadNewest, loadRestorePoint } from '../../snapshots/load.ts'
import { LoadError } from '../../snapshots/load-error.ts'
import { type Manifest, manifestKey, printManifest } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { nodeSnapshotPlatform } from '../../snapshots/node/platform.ts'
import { deltaKey, snapshotKey } from '../../snapshots/object-keys.ts'
import { type ObjectStore, StoreError } from '../../snapshots/object-store.ts'
import { createStorePool } from '../../snapshots/pool.ts'
import { assert, at, known } from '../../src/base/assert.ts'
import type { RestoreBody } from '../../src/log/record.ts'
import { facts, insert, wholeLog } from '../support/record.ts'
import { bytesOf, env, Publisher, pool, stateOf, testPlatform } from './support.ts'

const opened: Publisher[] = []
afterEach(() => {
  for (const publisher of opened.splice(0)) publisher.close()
  assert(pool.use().used === 0, 'every database was given back')
})

const records = wholeLog(...Array.from({ length: 7 }, (_, index) => facts(insert('has_role', `User:${index}`, 'String:owner'))))

interface Published {
  readonly objects: ObjectStore
  readonly manifest: Manifest
  readonly publisher: Publisher
}

/** Snapshots at revisions 1 and 4, deltas behind each. */
const published = async (): Promise<Published> => {
  const publisher = await Publisher.open({ settings: { snapshotRecords: 100 } })
  opened.push(publisher)
  for (const [index, record] of records.entries()) {
    publisher.feed([record])
    if (index > 0) await publisher.publish(index === 4)
  }
  return { objects: publisher.objects, manifest: known(publisher.publication.manifest, 'published'), publisher }
}

const from = (objects: ObjectStore) => ({ objects, env, pool, platform: testPlatform() })

const refusal = async (work: Promise<unknown>): Promise<LoadError> => {
  try {
    await work
  } catch (error) {
    if (error instanceof LoadError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

const write = (objects: ObjectStore, manifest: Manifest): Promise<string> => objects.put(manifestKey(env), printManifest(manifest))

test('no manifest, no replica', async () => {
  expect(await loadNewest(from(memoryObjectStore()))).toBeNull()
  expect((await refusal(loadAt(from(memoryObjectStore()), 0))).code).toBe('not-retained')
})

test('a manifest of another log or environment is refused', async () => {
  const { objects, manifest } = await published()
  const foreign = await refusal(loadNewest({ ...from(objects), logId: 'mine' }))
  expect(foreign).toMatchObject({
    code: 'foreign',
    key: 'shop/manifest.json',
    automatic: false,
    reason: 'it belongs to log `log`, expected `mine`',
  })
  const other = memoryObjectStore()
  await other.put('other/manifest.json', printManifest(manifest))
  expect(await refusal(loadNewest({ ...from(other), env: 'other' }))).toMatchObject({
    code: 'foreign',
    reason: 'it is the manifest of environment `shop`',
  })
})

test('a manifest that is older than one that was seen is refused', async () => {
  const { objects, manifest } = await published()
  const { epoch, coveredThrough } = manifest
  for (const seen of [
    { epoch, coveredThrough: coveredThrough + 1 },
    { epoch: epoch + 1, coveredThrough: 0 },
  ]) {
    expect(await refusal(loadNewest({ ...from(objects), seen }))).toMatchObject({
      code: 'backwards',
      automatic: true,
      revision: coveredThrough,
    })
  }
  for (const seen of [manifest, { epoch: epoch - 1, coveredThrough: 1000 }]) {
    pool.release(known(await loadNewest({ ...from(objects), seen }), 'published').store)
  }
})

test('a manifest of a newer format is refused, with what to do', async () => {
  const { objects } = await published()
  await objects.put(manifestKey(env), new TextEncoder().encode('{"format":2}'))
  const error = await refusal(loadNewest(from(objects)))
  expect(error).toMatchObject({ code: 'format', automatic: false })
  expect(error.message).toBe(
    'cannot use manifest `shop/manifest.json`: the manifest has format 2, known is 1: a newer version wrote it; ' +
      'run the version that wrote it or a newer one; recovery is not automatic',
  )
})

/** The newest snapshot with other properties; its key follows them. */
const withNewest = async (objects: ObjectStore, manifest: Manifest, changed: Partial<Manifest['snapshots'][number]>): Promise<string> => {
  const entry = { ...at(manifest.snapshots, 0), ...changed }
  const key = snapshotKey(env, entry.revision, entry.sha256)
  if (key !== entry.key) await objects.put(key, await bytesOf(objects, entry.key))
  await write(objects, { ...manifest, snapshots: [{ ...entry, key }, ...manifest.snapshots.slice(1)] })
  return key
}

test.each<[string, Partial<Manifest['snapshots'][number]>, string, string]>([
  ['a newer schema version', { schemaVersion: 2 }, 'format', 'it has schema version 2, known is 1'],
  ['another state hash', { stateHash: 'a'.repeat(32) }, 'damaged', 'its state hash is'],
  ['another revision', { revision: 3 }, 'damaged', 'it is of revision 4, the manifest says 3'],
  ['another chunk', { chunks: ['b'.repeat(64)] }, 'damaged', 'chunk 0 differs'],
  ['another hash', { sha256: 'c'.repeat(64) }, 'damaged', 'its SHA-256 is'],
  ['fewer stored bytes', { storedBytes: 100 }, 'damaged', 'the manifest says 100'],
  ['fewer raw bytes', { rawBytes: 4096 }, 'damaged', 'it unpacks to more than 4096 bytes'],
  ['more raw bytes', { rawBytes: chunkBytes - 1 }, 'damaged', `of ${chunkBytes - 1} bytes`],
])('a snapshot of %s is refused and the previous one used', async (_, changed, code, reason) => {
  const { objects, manifest, publisher } = await published()
  const key = await withNewest(objects, manifest, changed)
  const loaded = known(await loadNewest(from(objects)), 'published')
  expect(loaded.refused).toMatchObject([{ code, key, operation: 'load snapshot' }])
  expect(at(loaded.refused, 0).reason).toContain(reason)
  expect(loaded.through).toBe(7)
  expect(stateOf(loaded.store)).toEqual(stateOf(publisher.replica.store))
  pool.release(loaded.store)
})

test('when no snapshot is intact the newest one says why', async () => {
  const { objects, manifest } = await published()
  for (const { key } of manifest.snapshots) await objects.put(key, new Uint8Array(20))
  const error = await refusal(loadNewest(from(objects)))
  expect(error).toMatchObject({ code: 'damaged', key: at(manifest.snapshots, 0).key, revision: 4 })
})

test('an image of another log is refused, though the manifest names it', async () => {
  const { objects, manifest } = await published()
  await write(objects, { ...manifest, logId: 'another' })
  expect(await refusal(loadNewest(from(objects)))).toMatchObject({ code: 'foreign', reason: 'it belongs to log `log`, expected `another`' })
})

test('objects that went while they were loaded: the newer manifest is used', async () => {
  const { objects, manifest } = await published()
  const older = memoryObjectStore()
  await write(older, manifest)
  let reads = 0
  // The first manifest names what is gone, the second what is there.
  const moving: ObjectStore = {
    ...objects,
    get: (key, options) =>
      (key === manifestKey(env) && reads++ > 0
        ? objects
        : key === manifestKey(env)
          ? older
          : reads > 1
            ? objects
            : memoryObjectStore()
      ).get(key, options),
  }
  const loaded = known(await loadNewest(from(moving)), 'published')
  expect([loaded.through, loaded.refused, reads]).toEqual([7, [], 2])
  pool.release(loaded.store)
})

test('a store that does not answer, before or in the middle, is unavailable and nothing is half loaded', async () => {
  const { objects, manifest } = await published()
  const down: ObjectStore = { ...objects, get: () => Promise.reject(new StoreError('unavailable', 'it is down')) }
  expect(await refusal(loadNewest(from(down)))).toMatchObject({ code: 'unavailable', key: 'shop/manifest.json', automatic: true })
  const breaking: ObjectStore = {
    ...objects,
    get: async (key, options) => {
      const object = await objects.get(key, options)
      if (object === null || object === 'unchanged' || !key.includes('/snapshots/')) return object
      return { ...object, chunks: breakingOff(object.chunks) }
    },
  }
  const error = await refusal(loadNewest(from(breaking)))
  expect(error).toMatchObject({ code: 'unavailable', key: at(manifest.snapshots, 0).key, reason: 'the transfer broke off' })
})

async function* breakingOff(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk.subarray(0, chunk.length - 10)
    throw new StoreError('unavailable', 'the transfer broke off')
  }
}

test('no memory is told, and no older snapshot is tried', async () => {
  const publisher = await Publisher.open({ settings: { snapshotRecords: 100 } })
  opened.push(publisher)
  publisher.feed(records.slice(0, 1))
  await publisher.publish()
  const many = Array.from({ length: 100_000 }, (_, index) => insert('p', `User:${'x'.repeat(40)}${index}`))
  publisher.feed([{ revision: 1, record: { ...at(records, 1).record, body: facts(...many) } }])
  await publisher.publish(true)
  const small = createStorePool({ sqlite: sqliteModule, trampoline: trampolineModule, maxBytes: 8 * 1024 * 1024, nowMs: () => 0 })
  const error = await refusal(loadNewest({ ...from(publisher.objects), pool: small }))
  expect(error).toMatchObject({ code: 'memory', revision: 1, automatic: false })
  expect(small.use().used).toBe(0)
})

test('a position between two snapshots, at one, and none that is retained', async () => {
  const { objects } = await published()
  for (const revision of [1, 2, 3, 4, 5, 7]) {
    const loaded = await loadAt(from(objects), revision)
    expect([loaded.store.revision(), loaded.through]).toEqual([revision, revision])
    pool.release(loaded.store)
  }
  expect((await refusal(loadAt(from(objects), 0))).message).toContain('no snapshot and deltas that are retained lead there')
  expect((await refusal(loadAt(from(objects), 8))).reason).toBe('the manifest covers positions up to 7')
})

test('a damaged delta in the way to a position is an error, not another position', async () => {
  const { objects, manifest } = await published()
  const { key } = at(manifest.deltas, 1)
  await objects.put(key, new Uint8Array(10))
  expect(await refusal(loadAt(from(objects), 3))).toMatchObject({ code: 'damaged', key })
  for (const revision of [2, 4, 7]) pool.release((await loadAt(from(objects), revision)).store)
})

test('a delta that unpacks to more than any may is refused', async () => {
  const { objects, manifest } = await published()
  const platform = nodeSnapshotPlatform(() => undefined)
  const packed = await platform.gzip(new Uint8Array(snapshotLimits.deltaRawBytes + 1))
  const hash = platform.sha256()
  hash.update(packed)
  const sha256 = hash.digest()
  const last = at(manifest.deltas, manifest.deltas.length - 1)
  const entry = { ...last, sha256, storedBytes: packed.length, key: deltaKey(env, last.first, last.last, sha256) }
  await objects.put(entry.key, packed)
  await write(objects, { ...manifest, deltas: [...manifest.deltas.slice(0, -1), entry] })
  const loaded = known(await loadNewest(from(objects)), 'published')
  expect(loaded.refused).toMatchObject([{ code: 'damaged', reason: `it unpacks to more than ${snapshotLimits.deltaRawBytes} bytes` }])
  expect(loaded.through).toBe(6)
  pool.release(loaded.store)
})

test('a delta of a newer format stops there', async () => {
  const { objects, manifest } = await published()
  const platform = nodeSnapshotPlatform(() => undefined)
  const last = at(manifest.deltas, manifest.deltas.length - 1)
  const packed = await platform.gzip(joinDelta({ ...last, env }, 0, []).map((byte, index) => (index === 4 ? 3 : byte)))
  const hash = platform.sha256()
  hash.update(packed)
  const sha256 = hash.digest()
  const entry = { ...last, sha256, storedBytes: packed.length, key: deltaKey(env, last.first, last.last, sha256) }
  await objects.put(entry.key, packed)
  await write(objects, { ...manifest, deltas: [...manifest.deltas.slice(0, -1), entry] })
  const loaded = known(await loadNewest(from(objects)), 'published')
  expect([loaded.through, loaded.refused.map(({ code }) => code)]).toEqual([6, ['format']])
  pool.release(loaded.store)
})

test('a follower takes what goes on from its position, once, and only that', async () => {
  const { objects, manifest } = await published()
  const taken: number[] = []
  const take = (found: readonly { readonly revision: number }[]): void => void taken.push(...found.map(({ revision }) => revision))
  const options = from(objects)
  expect(await applyDeltas(options, { manifest, from: 4 }, take)).toEqual({ through: 7, complete: true })
  expect(taken).toEqual([5, 6, 7])
  expect(await applyDeltas(options, { manifest, from: 7 }, take)).toEqual({ through: 7, complete: true })
  expect(await applyDeltas(options, { manifest: { ...manifest, coveredThrough: 20 }, from: 7 }, take)).toEqual({
    through: 20,
    complete: true,
  })
  expect(await applyDeltas(options, { manifest, from: 30 }, take)).toEqual({ through: 30, complete: true })
  expect(taken).toEqual([5, 6, 7])
  // Before the oldest delta there is no way.
  expect(await applyDeltas(options, { manifest, from: 0 }, take)).toEqual({ through: 0, complete: false })
  const gap = { ...manifest, deltas: manifest.deltas.filter(({ first }) => first !== 4) }
  expect(await applyDeltas(options, { manifest: gap, from: 2 }, take)).toEqual({ through: 3, complete: false })
})

test('a restore point is loaded at the position of its record, or not at all', async () => {
  const { objects, publisher } = await published()
  const body: RestoreBody = await publisher.publication.putRestorePoint(publisher.replica.image())
  expect(body).toMatchObject({ kind: 'restore', revision: 7, stateHash: publisher.replica.store.stateHash() })
  const store = await loadRestorePoint(from(objects), body, { logId: 'log', revision: 12 })
  expect([store.revision(), store.stateHash(), store.logId()]).toEqual([12, body.stateHash, 'log'])
  pool.release(store)
  for (const [changed, code] of [
    [{ sha256: 'a'.repeat(64) }, 'damaged'],
    [{ stateHash: 'a'.repeat(32) }, 'damaged'],
    [{ rawBytes: 4096 }, 'damaged'],
    [{ key: 'shop/restores/gone' }, 'missing'],
  ] as const) {
    expect((await refusal(loadRestorePoint(from(objects), { ...body, ...changed }, { logId: 'log', revision: 12 }))).code).toBe(code)
  }
  expect((await refusal(loadRestorePoint(from(objects), body, { logId: 'other', revision: 12 }))).code).toBe('foreign')
})

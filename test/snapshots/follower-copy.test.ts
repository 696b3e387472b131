/** The copy of an environment's objects that a fallback keeps: never worse than before, whatever the source does. */
import { expect, test } from 'vitest'
import { readArchive, writeArchive } from '../../snapshots/follower-archive.ts'
import { ObjectCopy } from '../../snapshots/follower-copy.ts'
import { manifestKey, parseManifest, printManifest } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { objectBytes } from '../../snapshots/object-bytes.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { at, known } from '../../src/base/assert.ts'
import { Feed, faultyStore, follow, readers, repoPolicy, testPlatform } from './follower-feed.ts'
import { plantSnapshot } from './planted.ts'

const bytesAt = async (objects: ObjectStore, key: string): Promise<Uint8Array> => {
  const found = await objects.get(key)
  if (found === null || found === 'unchanged') throw new Error(`no ${key}`)
  return objectBytes(key, found, 2 ** 28)
}

const keysIn = async (objects: ObjectStore): Promise<string[]> => (await objects.list('demo/')).map(({ key }) => key)

const started = async () => {
  const feed = await Feed.open()
  feed.policy(repoPolicy)
  feed.grant('ann')
  await feed.publish()
  const to = memoryObjectStore('copy')
  const { objects: from, state } = faultyStore(feed.objects)
  const makeCopy = (target = to) => new ObjectCopy({ from, to: target, env: 'demo', platform: testPlatform() })
  const copy = makeCopy()
  await copy.update()
  const readCopy = async (): Promise<readonly string[]> => {
    const { follower } = follow({ objects: to })
    await follower.refresh()
    return readers(follower)
  }
  return { feed, from, to, state, copy, makeCopy, readCopy }
}

test('holds what the source names, and nothing else', async () => {
  const { feed, to, copy, readCopy } = await started()
  expect(await readCopy()).toEqual(['ann'])
  for (const user of ['bob', 'eve', 'joe', 'sue']) {
    feed.grant(user)
    await feed.publish(true)
    expect(await copy.update()).toBe(true)
  }
  expect(await copy.update()).toBe(false)
  expect(await readCopy()).toEqual(['ann', 'bob', 'eve', 'joe', 'sue'])
  const { snapshots, deltas } = parseManifest(await bytesAt(to, manifestKey('demo')))
  // The source keeps more.
  expect(snapshots).toHaveLength(2)
  expect(await keysIn(to)).toEqual([manifestKey('demo'), ...[...snapshots, ...deltas].map(({ key }) => key)].toSorted())
})

test('fetches each object once', async () => {
  const { feed, state, copy } = await started()
  state.gets.length = 0
  feed.grant('bob')
  await feed.publish()
  await copy.update()
  await copy.update()
  expect(state.gets.filter((key) => key.includes('/snapshots/'))).toEqual([])
  expect(state.gets.filter((key) => key.includes('/deltas/'))).toHaveLength(1)
})

test('a source that fails at any request leaves a copy that works', async () => {
  const { feed, state, to, readCopy, makeCopy } = await started()
  feed.grant('bob')
  await feed.publish()
  feed.grant('eve')
  await feed.publish(true)
  const counted = { left: 0 }
  const failing: ObjectStore = {
    ...feed.objects,
    async get(key, options) {
      if (counted.left-- <= 0) throw new Error('the transfer broke off')
      return feed.objects.get(key, options)
    },
  }
  let failures = 0
  for (let requests = 0; ; requests++) {
    counted.left = requests
    const copy = new ObjectCopy({ from: failing, to, env: 'demo', platform: testPlatform() })
    const failed = await copy.update().then(
      () => false,
      () => true,
    )
    if (!failed) break
    failures++
    expect(await readCopy()).toEqual(['ann'])
  }
  expect(failures).toBeGreaterThan(2)
  expect(await readCopy()).toEqual(['ann', 'bob', 'eve'])
  state.down = true
  await expect(makeCopy().update()).rejects.toThrow('the store is down')
  expect(await readCopy()).toEqual(['ann', 'bob', 'eve'])
})

test('a target that fails at any write leaves a copy that works', async () => {
  const { feed, to, readCopy } = await started()
  feed.grant('bob')
  await feed.publish(true)
  for (let writes = 0; writes < 2; writes++) {
    let left = writes
    const full: ObjectStore = {
      ...to,
      async put(key, bytes) {
        if (left-- <= 0) throw new Error('the disk is full')
        return to.put(key, bytes)
      },
    }
    await expect(new ObjectCopy({ from: feed.objects, to: full, env: 'demo', platform: testPlatform() }).update()).rejects.toThrow('full')
    expect(await readCopy()).toEqual(['ann'])
  }
})

test('never goes backwards, to another log or to a damaged object', async () => {
  const { feed, to, copy, readCopy } = await started()
  const older = await bytesAt(feed.objects, manifestKey('demo'))
  feed.grant('bob')
  await feed.publish()
  await copy.update()
  await feed.objects.put(manifestKey('demo'), older)
  await expect(copy.update()).rejects.toMatchObject({ code: 'backwards' })
  const foreign = await Feed.open({ logId: 'another' })
  foreign.revision += 1000
  foreign.grant('mallory')
  await foreign.publish()
  const other = new ObjectCopy({ from: foreign.objects, to, env: 'demo', platform: testPlatform() })
  await expect(other.update()).rejects.toMatchObject({ code: 'foreign' })
  feed.grant('eve')
  const manifest = await feed.publish(true)
  const { key } = at(manifest.snapshots, 0)
  await feed.objects.put(key, new Uint8Array([1, 2, 3]))
  await expect(copy.update()).rejects.toMatchObject({ code: 'damaged' })
  await feed.objects.delete(key)
  await expect(copy.update()).rejects.toMatchObject({ code: 'missing' })
  expect(await readCopy()).toEqual(['ann', 'bob'])
})

test('what an earlier process left damaged is fetched anew', async () => {
  const { feed, to, makeCopy, readCopy } = await started()
  const { snapshots } = parseManifest(await bytesAt(to, manifestKey('demo')))
  const { key } = known(snapshots[0], 'a snapshot')
  const whole = await bytesAt(to, key)
  for (const damaged of [new Uint8Array(), whole.slice(0, -1), whole.map((byte, index) => (index === 40 ? byte ^ 1 : byte))]) {
    await to.put(key, damaged)
    await makeCopy().update()
    expect(await readCopy()).toEqual(['ann'])
  }
  await to.put(manifestKey('demo'), new TextEncoder().encode('nonsense'))
  feed.grant('bob')
  await feed.publish()
  await makeCopy().update()
  expect(await readCopy()).toEqual(['ann', 'bob'])
})

test('a manifest after a restore is copied without the deltas that lead nowhere', async () => {
  const { feed, to, copy, readCopy } = await started()
  feed.grant('bob')
  await feed.publish()
  feed.grant('eve')
  const manifest = await feed.publish(true)
  await feed.objects.put(manifestKey('demo'), printManifest({ ...manifest, snapshots: manifest.snapshots.slice(0, 1), deltas: [] }))
  await copy.update()
  expect(await readCopy()).toEqual(['ann', 'bob', 'eve'])
  expect((await keysIn(to)).filter((key) => key.includes('/deltas/'))).toEqual([])
})

test('a snapshot of another environment of the log is brought like any other, and the one before it serves', async () => {
  const { feed, copy, to, readCopy } = await started()
  const other = await Feed.open({ env: 'other' })
  for (const user of ['mallory', 'mallet']) other.grant(user)
  await other.publish(true)
  const { key } = await plantSnapshot(other, feed)
  await copy.update()
  expect(await keysIn(to)).toContain(key)
  expect(await readCopy()).toEqual(['ann'])
  const archived = memoryObjectStore('imported')
  await readArchive(writeArchive(to, ['demo']), archived)
  const { follower, lines } = follow({ objects: archived })
  await follower.refresh()
  expect(readers(follower)).toEqual(['ann'])
  expect(lines.filter(({ event }) => event === 'load-refused')).toMatchObject([{ fields: { code: 'foreign', key } }])
})

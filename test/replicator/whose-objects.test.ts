/** Objects say whose they are: what a replicator publishes, what it refuses of another environment of its log, and what it takes of an earlier version. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { restoreBackup } from '../../replicator/backup-restore.ts'
import { openEmbeddedLog } from '../../replicator/embedded-log.ts'
import { verifyEnvironment } from '../../runtime/cli/verify-environment.ts'
import { type ExpectedImage, loadImage } from '../../snapshots/load-snapshot.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { folderObjectStore } from '../../snapshots/node/folder-store.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { readDelta } from '../../snapshots/replay.ts'
import { at, known } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import type { Log } from '../../src/log/log.ts'
import { createMemoryLog } from '../../src/log/memory-log.ts'
import type { RestoreBody } from '../../src/log/record.ts'
import { environmentOf } from '../../src/store/environment.ts'
import { follow, makePool, readers, testPlatform } from '../snapshots/follower-feed.ts'
import { manifestIn, type Place, plantSnapshot, putManifest } from '../snapshots/planted.ts'
import { bytesOf } from '../snapshots/support.ts'
import { testDirectory } from '../support/directory.ts'
import { type Cell, lasting, startCell, stateOf, until } from './cell.ts'
import { note } from './inner-conformance.ts'

const slow = { deltaIntervalMs: 3_600_000, snapshotIntervalMs: 3_600_000, trim: false }
const from = (objects: ObjectStore) => ({ objects, pool: makePool(), platform: testPlatform() })

/** What an image says. */
const saidBy = async (objects: ObjectStore, image: ExpectedImage): Promise<unknown> =>
  environmentOf((await loadImage(from(objects), image)).database)

/** What those of an environment's snapshots say, newest first. */
const allSaid = async ({ objects, env }: Place): Promise<readonly unknown[]> => {
  const { logId, snapshots } = await manifestIn({ objects, env })
  return Promise.all(snapshots.map((entry) => saidBy(objects, { ...entry, logId })))
}

const restoreIn = async (log: Log, env: string): Promise<RestoreBody> => {
  const bodies = (await log.read(env, -1, limits.readRecords)).map(({ record }) => record.body)
  return known(
    bodies.findLast((body) => body.kind === 'restore'),
    'there was a restore',
  )
}

const factsOf = async ({ replicator }: Cell, env: string): Promise<readonly string[]> => (await stateOf(replicator, env)).facts

test('what is published says whose it is: snapshots, deltas, restore points, and what comes of one', async () => {
  const { replicator, objects, log } = await startCell({ settings: slow })
  await replicator.createEnvironment('e')
  await replicator.append('e', note('a'), 'a')
  await replicator.publish('e')
  await replicator.append('e', note('b'), 'b')
  await replicator.publish('e')
  await replicator.restore('e', 1)
  await replicator.append('e', note('c'), 'c')
  await replicator.publish('e')
  await replicator.publish('control')
  const place = { objects, env: 'e' }
  expect(await allSaid(place)).toEqual(['e', 'e', 'e'])
  expect(new Set(await allSaid({ objects, env: 'control' }))).toEqual(new Set(['control']))
  const raw = await readDelta(from(objects), at((await manifestIn(place)).deltas, 0))
  expect([raw[4], raw[25], raw[26]]).toEqual([2, 1, 'e'.charCodeAt(0)])
  expect(await saidBy(objects, { ...(await restoreIn(log, 'e')), logId: log.logId })).toBe('e')
})

/** Two environments of one log with the same revisions; the newest snapshot of `o` is planted in front of those of `e`. */
const planted = async () => {
  const memory = createMemoryLog({ logId: 'memory' })
  const objects = memoryObjectStore()
  const first = await startCell({ log: lasting(memory), objects, settings: slow })
  for (const env of ['e', 'o']) {
    await first.replicator.createEnvironment(env)
    for (const id of ['a', 'b']) {
      await first.replicator.append(env, note(`${env}-${id}`), id)
      await first.replicator.publish(env)
    }
  }
  await first.replicator.close()
  const place = { objects, env: 'e' }
  return { memory, objects, place, foreign: await plantSnapshot({ objects, env: 'o' }, place) }
}

const ofE = ['note(Text:e-a)', 'note(Text:e-b)']

const refusals = (cell: Cell): readonly unknown[] =>
  cell.logged('load-refused').map(({ fields }) => [fields['env'], fields['code'], fields['reason']])

const refused = ['e', 'foreign', 'it belongs to environment `o`, expected `e`']

describe('a snapshot of another environment', () => {
  test('in a cell’s own objects is refused, and one of its own takes its place', async () => {
    const { memory, objects, place, foreign } = await planted()
    const cell = await startCell({ log: lasting(memory), objects })
    expect([refusals(cell), await factsOf(cell, 'e')]).toEqual([[refused], ofE])
    const loaded = cell.logged('replica-loaded').find(({ fields }) => fields['environment'] === 'e')
    expect(loaded?.fields).toMatchObject({ source: 'local', revision: 2 })
    await until(async () => ((await manifestIn(place)).snapshots.some(({ key }) => key === foreign.key) ? null : true))
    expect(new Set(await allSaid(place))).toEqual(new Set(['e']))
  })

  test('in the store that all cells share is refused', async () => {
    const { memory, objects: remote } = await planted()
    const cell = await startCell({ log: lasting(memory), remote, settings: slow })
    expect([refusals(cell), await factsOf(cell, 'e')]).toEqual([[refused], ofE])
  })

  test('alone: the log is replayed, and without it nothing is served', async () => {
    const { memory, objects, place, foreign } = await planted()
    await putManifest(place, { ...(await manifestIn(place)), snapshots: [foreign], deltas: [] })
    const untouched = memoryObjectStore()
    for (const { key } of await objects.list('')) await untouched.put(key, await bytesOf(objects, key))
    const cell = await startCell({ log: lasting(memory), objects })
    expect([refusals(cell), await factsOf(cell, 'e')]).toEqual([[refused], ofE])
    await until(async () => ((await manifestIn(place)).snapshots.some(({ key }) => key === foreign.key) ? null : true))
    await cell.replicator.close()
    await memory.trim('e', 2)
    const { replicator } = await startCell({ log: lasting(memory), objects: untouched })
    await expect(stateOf(replicator, 'e')).rejects.toMatchObject({ code: 'diverged' })
  })
})

describe('a restore record that leads to an object of another environment', () => {
  const places = [
    ['where it lies', (key: string) => key, 'the record is of environment `e`'],
    ['that was brought here', (key: string) => key.replace(/^o/, 'e'), 'it belongs to environment `o`, expected `e`'],
  ] as const

  test.each(places)('%s changes nothing', async (_, placed, reason) => {
    const cell = await startCell({ settings: slow })
    const { replicator, objects, log } = cell
    for (const env of ['e', 'o']) {
      await replicator.createEnvironment(env)
      for (const id of ['a', 'b']) await replicator.append(env, note(`${env}-${id}`), id)
    }
    await replicator.restore('o', 1)
    const body = await restoreIn(log, 'o')
    const key = placed(body.key)
    await objects.put(key, await bytesOf(objects, body.key))
    await replicator.append('e', { ...body, key }, 'foreign')
    await until(() => cell.logged('environment-waits').find(({ fields }) => String(fields['reason']).includes(reason)))
    expect(await factsOf(cell, 'e')).toEqual(ofE)
    expect(await factsOf(cell, 'o')).toEqual(['note(Text:o-a)'])
  })
})

const rolesOf = (...users: readonly string[]): readonly string[] => users.map((user) => `has_role(User:${user}, String:reader, Repo:r1)`)

describe('what an earlier version wrote, whose objects do not say whose they are', () => {
  /** A data directory with two snapshots, deltas behind both, and a restore between them. */
  const unpacked = async (): Promise<string> => {
    const directory = testDirectory()
    await restoreBackup({ file: fileURLToPath(new URL('../support/earlier-version.tar.gz', import.meta.url)), directory })
    return directory
  }

  const start = (directory: string): Promise<Cell> =>
    startCell({
      log: openEmbeddedLog({ directory, maxRecordBytes: limits.recordBytes }),
      objects: folderObjectStore(join(directory, 'objects')),
      settings: slow,
    })

  test('a data directory goes on, and says it from the next snapshot on', async () => {
    const directory = await unpacked()
    const cell = await start(directory)
    const { replicator, objects } = cell
    const place = { objects, env: 'shop' }
    expect(await allSaid(place)).toEqual([null, null])
    const loaded = cell.logged('replica-loaded').find(({ fields }) => fields['environment'] === 'shop')
    expect([loaded?.fields['source'], await factsOf(cell, 'shop')]).toEqual(['local', rolesOf('ann', 'bob', 'eve')])
    expect((await verifyEnvironment(from(objects), 'shop')).findings).toEqual([])
    await replicator.append('shop', note('now'), 'now')
    await replicator.publish('shop')
    expect(await allSaid(place)).toEqual(['shop', null, null])
    expect((await verifyEnvironment(from(objects), 'shop')).findings).toEqual([])
    await replicator.restore('shop', 2)
    expect(await factsOf(cell, 'shop')).toEqual(rolesOf('ann'))
    await replicator.publish('shop')
    const state = await stateOf(replicator, 'shop')
    await replicator.close()
    const again = await start(directory)
    expect(await stateOf(again.replicator, 'shop')).toEqual(state)
    expect(await allSaid(place)).toEqual(['shop', 'shop', null])
    expect(refusals(again)).toEqual([])
  })

  test('its log is replayed, with the restore in it', async () => {
    const directory = await unpacked()
    const folder = join(directory, 'objects', 'shop')
    for (const name of ['manifest.json', 'snapshots', 'deltas']) rmSync(join(folder, name), { recursive: true })
    const cell = await start(directory)
    expect(await factsOf(cell, 'shop')).toEqual(rolesOf('ann', 'bob', 'eve'))
    await cell.replicator.publish('shop')
    expect(await allSaid({ objects: cell.objects, env: 'shop' })).toEqual(['shop'])
  })

  test('a store that edges read is followed', async () => {
    const objects = folderObjectStore(join(await unpacked(), 'objects'))
    const { follower } = follow({ objects, env: 'shop' })
    await follower.refresh()
    expect([readers(follower), follower.problem]).toEqual([['ann', 'bob', 'eve'], null])
  })
})

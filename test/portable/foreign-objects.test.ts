/** Objects of another environment of the same log, under the right key and with the right hashes: never taken. Those that do not say whose they are: taken. */
import { describe, expect, test } from 'vitest'
import { applyDeltas, loadNewest } from '../../snapshots/load.ts'
import { LoadError } from '../../snapshots/load-error.ts'
import { loadImage } from '../../snapshots/load-snapshot.ts'
import { receiveImage } from '../../snapshots/receive-image.ts'
import { ImageError, type StorePool } from '../../snapshots/store-pool.ts'
import { at, known } from '../../src/base/assert.ts'
import type { InnerSnapshot } from '../../src/log/inner.ts'
import { SqlError } from '../../src/store/database.ts'
import { belongTo, environmentOf } from '../../src/store/environment.ts'
import type { Store } from '../../src/store/facts.ts'
import { schemaVersion } from '../../src/store/schema.ts'
import { Feed, type FeedOptions, follow, makePool, readers, repoPolicy, testPlatform } from '../snapshots/follower-feed.ts'
import {
  asEarlier,
  asEarlierDeltas,
  manifestIn,
  type Place,
  plantDelta,
  plantSnapshot,
  putManifest,
  saysWhose,
} from '../snapshots/planted.ts'

/** An environment in which one user may read, and another one behind the snapshot; all have the same revisions. */
const feedOf = async (options: FeedOptions, user: string, later: string): Promise<Feed> => {
  const feed = await Feed.open(options)
  feed.policy(repoPolicy)
  feed.grant(user)
  await feed.publish(true)
  feed.grant(later)
  await feed.publish()
  return feed
}

/** Two environments of one log. */
const both = async () => ({
  demo: await feedOf({ env: 'demo' }, 'ann', 'bob'),
  other: await feedOf({ env: 'other' }, 'mallory', 'mallet'),
})

const load = ({ objects, env }: Place) => loadNewest({ objects, env, pool: makePool(), platform: testPlatform() })

const usersOf = (store: Store): readonly string[] =>
  store.facts({ predicate: 'has_role', args: [] }, false, 100).flatMap(({ args }) => args[0]?.id ?? [])

const refusal = async (work: Promise<unknown>): Promise<LoadError> => {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (error instanceof LoadError) return error
  throw new Error('nothing was refused', { cause: error })
}

const reason = 'it belongs to environment `other`, expected `demo`'

describe('a snapshot of another environment', () => {
  test('is refused and the one before it used', async () => {
    const { demo, other } = await both()
    const { key } = await plantSnapshot(other, demo)
    const { store, through, refused } = known(await load(demo), 'published')
    expect(refused).toMatchObject([{ code: 'foreign', key, reason, automatic: false }])
    expect([usersOf(store), through]).toEqual([['ann', 'bob'], demo.revision])
  })

  test('alone is refused', async () => {
    const { demo, other } = await both()
    other.grant('mallard')
    await other.publish(true)
    const planted = await plantSnapshot(other, demo)
    await putManifest(demo, { ...(await manifestIn(demo)), snapshots: [planted], deltas: [] })
    expect(await refusal(load(demo))).toMatchObject({ code: 'foreign', key: planted.key, reason })
  })

  test('does not replace what a follower serves, nor is it served by one that starts', async () => {
    const { demo, other } = await both()
    const { follower, lines } = follow(demo)
    await follower.refresh()
    expect(readers(follower)).toEqual(['ann', 'bob'])
    other.grant('mallard')
    await other.publish(true)
    await plantSnapshot(other, demo)
    // No deltas lead there: only the snapshot could.
    await putManifest(demo, { ...(await manifestIn(demo)), deltas: [] })
    await follower.refresh()
    expect([readers(follower), follower.replica?.revision]).toEqual([['ann', 'bob'], demo.revision])
    expect(follower.problem).toContain(reason)
    expect(lines).toContainEqual(expect.objectContaining({ event: 'load-refused', fields: expect.objectContaining({ code: 'foreign' }) }))
    const late = follow(demo).follower
    await late.refresh()
    expect(readers(late)).toEqual(['ann'])
    demo.grant('eve')
    demo.grant('kim')
    demo.epoch = 2
    await demo.publish(true)
    for (const each of [follower, late]) {
      await each.refresh()
      expect([readers(each), each.problem]).toEqual([['ann', 'bob', 'eve', 'kim'], null])
    }
  })
})

describe('a delta of another environment', () => {
  test('ends a load in front of it', async () => {
    const { demo, other } = await both()
    const { key, first } = await plantDelta(other, demo)
    const { store, through, refused } = known(await load(demo), 'published')
    expect(refused).toMatchObject([{ code: 'foreign', key, reason, operation: 'load delta' }])
    expect([usersOf(store), through]).toEqual([['ann'], first - 1])
    const taken: unknown[] = []
    const options = { objects: demo.objects, platform: testPlatform() }
    const apply = applyDeltas(options, { manifest: await manifestIn(demo), from: first - 1 }, (records) => void taken.push(...records))
    expect([(await refusal(apply)).code, taken]).toEqual(['foreign', []])
  })

  test('is not applied to what a follower serves, until it is mended', async () => {
    const { demo, other } = await both()
    const { follower, clock } = follow(demo)
    await follower.refresh()
    for (const feed of [demo, other]) {
      feed.grant(feed.env === 'demo' ? 'eve' : 'mallard')
      await feed.publish()
    }
    const good = await manifestIn(demo)
    await plantDelta(other, demo)
    await follower.refresh()
    expect([readers(follower), follower.replica?.revision]).toEqual([['ann', 'bob'], demo.revision - 1])
    expect(follower.problem).toContain(reason)
    clock.ms += 60_000
    await putManifest(demo, good)
    await follower.refresh()
    expect([readers(follower), follower.problem]).toEqual([['ann', 'bob', 'eve'], null])
  })
})

describe('what does not say whose it is', () => {
  const earlier = () => feedOf({ env: 'demo', prepare: asEarlier }, 'ann', 'bob')

  test('an image and deltas of an earlier version are loaded and followed', async () => {
    const feed = await earlier()
    expect(saysWhose(feed.store.database)).toBe(false)
    await asEarlierDeltas(feed)
    const { store, refused } = known(await load(feed), 'published')
    expect([usersOf(store), refused, environmentOf(store.database), store.stateHash()]).toEqual([
      ['ann', 'bob'],
      [],
      null,
      feed.store.stateHash(),
    ])
    const { follower } = follow(feed)
    await follower.refresh()
    feed.grant('eve')
    await feed.publish()
    await asEarlierDeltas(feed)
    await follower.refresh()
    expect([readers(follower), follower.problem]).toEqual([['ann', 'bob', 'eve'], null])
  })

  test('an image that nobody has written it down in', async () => {
    const feed = await feedOf({ env: 'demo', prepare: () => undefined }, 'ann', 'bob')
    expect([saysWhose(feed.store.database), environmentOf(feed.store.database)]).toEqual([true, null])
    expect(known(await load(feed), 'published').refused).toEqual([])
  })

  test('its state hash is that of one that says it', async () => {
    const [said, unsaid] = [await feedOf({}, 'ann', 'bob'), await earlier()]
    expect(said.store.stateHash()).toBe(unsaid.store.stateHash())
    expect(said.store.recomputeStateHash()).toBe(unsaid.store.recomputeStateHash())
  })
})

/** As a replicator gives it. */
const snapshotOf = (store: Store): InnerSnapshot => {
  const bytes = store.database.serialize()
  const [revision, stateHash] = [store.revision(), store.stateHash()]
  const chunks = (async function* () {
    yield bytes
  })()
  return { revision, through: revision, rawBytes: bytes.length, stateHash, schemaVersion, chunks }
}

test('an image that a replicator gives for another environment is refused', async () => {
  const { demo } = await both()
  const pool = makePool()
  const receive = (env: string) => receiveImage(snapshotOf(demo.store), { env, pool, platform: testPlatform() })
  const { store } = await receive('demo')
  expect([usersOf(store), environmentOf(store.database)]).toEqual([['ann', 'bob'], 'demo'])
  pool.release(store)
  await expect(receive('other')).rejects.toThrow(new ImageError('the image belongs to environment `demo`, expected `other`'))
  expect(pool.use().used).toBe(0)
})

/** A pool whose images have no memory to answer anything with. */
const withoutRoom = () => {
  const pool = makePool()
  const receive: StorePool['receive'] = (rawBytes) => {
    const writer = pool.receive(rawBytes)
    const finish = (): Store => {
      const store = writer.finish()
      store.database.prepare = () => {
        throw new SqlError(7, 'out of memory')
      }
      return store
    }
    return { write: (chunk) => writer.write(chunk), finish, abort: () => writer.abort() }
  }
  return { create: () => pool.create(), release: (store: Store) => pool.release(store), receive, use: () => pool.use() }
}

describe('an image that there is no memory to ask whose it is', () => {
  test('of a store gives its memory back', async () => {
    const feed = await feedOf({ env: 'demo' }, 'ann', 'bob')
    const pool = withoutRoom()
    const { logId, snapshots } = await manifestIn(feed)
    const from = { objects: feed.objects, pool, platform: testPlatform() }
    expect((await refusal(loadImage(from, { ...at(snapshots, 0), logId }))).code).toBe('memory')
    expect(pool.use().used).toBe(0)
  })

  test('of a replicator gives its memory back', async () => {
    const { store } = await feedOf({ env: 'demo' }, 'ann', 'bob')
    const pool = withoutRoom()
    const failed = receiveImage(snapshotOf(store), { env: 'demo', pool, platform: testPlatform() })
    await expect(failed).rejects.toMatchObject({ name: 'SqlError', code: 7 })
    expect(pool.use().used).toBe(0)
  })
})

test('whose it is stays for good', () => {
  const pool = makePool()
  const { database } = pool.create()
  expect(environmentOf(database)).toBe(null)
  belongTo(database, 'demo')
  belongTo(database, 'demo')
  expect(environmentOf(database)).toBe('demo')
  expect(() => belongTo(database, 'other')).toThrow('the state of an environment never becomes that of `other`')
  expect(environmentOf(database)).toBe('demo')
})

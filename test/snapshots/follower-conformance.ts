/** What every follower of an object store does, whatever the runtime. */
import { describe, expect, test } from 'vitest'
import { manifestKey, parseManifest, printManifest } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { objectBytes } from '../../snapshots/object-bytes.ts'
import { deltaKey } from '../../snapshots/object-keys.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { pause } from '../../snapshots/pause.ts'
import { at, known } from '../../src/base/assert.ts'
import { Feed, faultyStore, follow, readers, repoPolicy } from './follower-feed.ts'

const bytesAt = async (objects: ObjectStore, key: string): Promise<Uint8Array> => {
  const found = await objects.get(key)
  if (found === null || found === 'unchanged') throw new Error(`no ${key}`)
  return objectBytes(key, found, 2 ** 28)
}

/** Changes one byte in the middle. */
const corrupt = async (objects: ObjectStore, key: string): Promise<() => Promise<void>> => {
  const bytes = await bytesAt(objects, key)
  const changed = bytes.slice()
  const middle = changed.length >> 1
  changed[middle] = (changed[middle] ?? 0) ^ 0x40
  await objects.put(key, changed)
  return async () => void (await objects.put(key, bytes))
}

const started = async () => {
  const feed = await Feed.open()
  feed.policy(repoPolicy)
  feed.grant('ann')
  await feed.publish()
  const followed = follow({ objects: feed.objects })
  await followed.follower.refresh()
  return { feed, ...followed }
}

export const followerSuite = (): void => {
  describe('loading', () => {
    test('the newest snapshot and the deltas behind it', async () => {
      const feed = await Feed.open()
      feed.policy(repoPolicy)
      feed.grant('ann')
      await feed.publish(true)
      feed.grant('bob')
      await feed.publish()
      const { follower } = follow({ objects: feed.objects })
      expect(follower.replica).toBe(null)
      await follower.refresh()
      expect(readers(follower)).toEqual(['ann', 'bob'])
      expect(follower.replica?.revision).toBe(feed.revision)
      expect(follower.problem).toBe(null)
      expect(follower.replica?.policy.metadata['Repo']?.roles).toEqual(['reader'])
    })

    test('nothing there is a problem that passes', async () => {
      const objects = memoryObjectStore()
      const { follower, lines } = follow({ objects })
      await follower.refresh()
      await follower.refresh()
      expect(follower.replica).toBe(null)
      expect(follower.problem).toContain('no such object')
      expect(lines.filter(({ event }) => event === 'follow-refused')).toHaveLength(1)
      const feed = await Feed.open({ objects })
      await feed.publish()
      await follower.refresh()
      expect(follower.replica?.revision).toBe(0)
      expect(follower.problem).toBe(null)
    })

    test('of concurrent looks there is one', async () => {
      const feed = await Feed.open()
      await feed.publish()
      const { objects, state } = faultyStore(feed.objects)
      const { follower } = follow({ objects })
      const looks = [follower.refresh(), follower.refresh(), follower.refresh()]
      expect(new Set(looks).size).toBe(1)
      expect(follower.isLooking).toBe(true)
      await Promise.all(looks)
      expect(follower.isLooking).toBe(false)
      const once = state.gets.length
      const other = follow({ objects })
      await other.follower.refresh()
      expect(state.gets.length).toBe(2 * once)
      await follower.refresh()
      expect(state.gets.filter((key) => key.includes('/snapshots/'))).toHaveLength(2)
    })

    test('a damaged snapshot: the one before it, and its deltas', async () => {
      const feed = await Feed.open()
      feed.policy(repoPolicy)
      feed.grant('ann')
      await feed.publish(true)
      feed.grant('bob')
      const manifest = await feed.publish(true)
      await corrupt(feed.objects, at(manifest.snapshots, 0).key)
      const { follower, lines } = follow({ objects: feed.objects })
      await follower.refresh()
      expect(readers(follower)).toEqual(['ann', 'bob'])
      expect(lines.some(({ event, fields }) => event === 'load-refused' && fields['code'] === 'damaged')).toBe(true)
    })

    test('every snapshot damaged: nothing is served, and it is not fetched again with each look', async () => {
      const feed = await Feed.open()
      feed.grant('ann')
      const manifest = await feed.publish()
      const mend = await corrupt(feed.objects, at(manifest.snapshots, 0).key)
      const { objects, state } = faultyStore(feed.objects)
      const { follower, clock } = follow({ objects })
      await follower.refresh()
      await follower.refresh()
      expect(follower.replica).toBe(null)
      expect(follower.problem).toContain('cannot load snapshot')
      expect(state.gets.filter((key) => key.includes('/snapshots/'))).toHaveLength(1)
      await mend()
      clock.ms += 30_000
      await follower.refresh()
      expect(readers(follower)).toEqual(['ann'])
    })

    test('one whose policy this version cannot compile has a problem, not an older policy', async () => {
      const { feed, follower } = await started()
      feed.policy('nonsense')
      await feed.publish()
      await follower.refresh()
      expect(follower.replica?.problem).toContain('cannot be compiled')
      feed.policy(repoPolicy)
      await feed.publish()
      await follower.refresh()
      expect(follower.replica?.problem).toBe(null)
    })
  })

  describe('advancing', () => {
    test('deltas are applied in place', async () => {
      const { feed, follower, pool } = await started()
      const { store } = known(follower.replica, 'loaded')
      for (const user of ['bob', 'eve']) {
        feed.grant(user)
        await feed.publish()
      }
      await follower.refresh()
      expect(readers(follower)).toEqual(['ann', 'bob', 'eve'])
      expect(follower.replica?.store).toBe(store)
      expect(pool.use().used).toBe(1)
    })

    test('a new policy becomes active', async () => {
      const { feed, follower } = await started()
      feed.policy(repoPolicy.replace('"reader"]', '"reader", "writer"]'))
      await feed.publish()
      await follower.refresh()
      expect(follower.replica?.policy.metadata['Repo']?.roles).toEqual(['reader', 'writer'])
    })

    test('where deltas do not lead on, a snapshot takes over while the old state answers', async () => {
      const { feed, follower, pool } = await started()
      const { store } = known(follower.replica, 'loaded')
      feed.grant('bob')
      await feed.publish()
      feed.grant('eve')
      const manifest = await feed.publish(true)
      // As behind a restore: the deltas begin anew with the newest snapshot.
      const cut = { ...manifest, snapshots: manifest.snapshots.slice(0, 1), deltas: [] }
      await feed.objects.put(manifestKey('demo'), printManifest(cut))
      await follower.refresh()
      expect(readers(follower)).toEqual(['ann', 'bob', 'eve'])
      expect(follower.replica?.store).not.toBe(store)
      expect(pool.use().used).toBe(1)
    })

    test('a snapshot by another version of the engine, with another policy, takes over: no request fails, each is answered from one state', async () => {
      const { feed, follower } = await started()
      const replica = known(follower.replica, 'loaded')
      const before = { revision: feed.revision, users: ['ann'], permissions: ['read'] }
      const states = [before]
      const seen: (typeof before)[] = []
      let isOver = false
      const requests = Array.from({ length: 4 }, async () => {
        while (!isOver) {
          const permissions = [...(replica.policy.metadata['Repo']?.permissions ?? [])]
          seen.push({ revision: replica.revision, users: [...readers(follower)], permissions })
          await pause()
        }
      })
      for (let version = 1; version <= 20; version++) {
        const user = `u${String(version).padStart(2, '0')}`
        const permission = `p${version}`
        feed.policy(repoPolicy.replace('["read"]', `["read", "${permission}"]`))
        feed.grant(user)
        const { store } = replica
        const manifest = await feed.publish(true)
        const next = { ...manifest, engine: `${version}.0.0`, snapshots: manifest.snapshots.slice(0, 1), deltas: [] }
        await feed.objects.put(manifestKey('demo'), printManifest(next))
        states.push({ revision: feed.revision, users: [...at(states, states.length - 1).users, user], permissions: [permission, 'read'] })
        await follower.refresh()
        expect([follower.problem, replica.revision]).toEqual([null, feed.revision])
        expect(replica.store).not.toBe(store)
      }
      isOver = true
      await Promise.all(requests)
      expect(new Set(seen.map(({ revision }) => revision)).size).toBeGreaterThan(10)
      const byRevision = new Map(states.map((state) => [state.revision, state]))
      expect(seen).toEqual(seen.map(({ revision }) => byRevision.get(revision)))
    })

    test('waiters are told when a look brings their revision', async () => {
      const { feed, follower } = await started()
      const replica = known(follower.replica, 'loaded')
      const reached = replica.reach(feed.revision + 1, 10_000)
      feed.grant('bob')
      await feed.publish()
      await follower.refresh()
      expect(await reached).toBe(true)
    })

    test('closing ends it: nothing is loaded afterwards', async () => {
      const { feed, follower, pool } = await started()
      follower.close()
      expect(pool.use().used).toBe(0)
      feed.grant('bob')
      await feed.publish()
      await follower.refresh()
      expect(pool.use().used).toBe(0)
    })
  })

  describe('what never replaces a good state', () => {
    test('a store that is down', async () => {
      const feed = await Feed.open()
      feed.grant('ann')
      await feed.publish()
      const { objects, state } = faultyStore(feed.objects)
      const { follower, lines } = follow({ objects })
      await follower.refresh()
      state.down = true
      for (let look = 0; look < 20; look++) await follower.refresh()
      expect(readers(follower)).toEqual(['ann'])
      expect(follower.problem).toContain('the store is down')
      expect(lines.filter(({ event }) => event === 'follow-refused')).toHaveLength(1)
      state.down = false
      feed.grant('bob')
      await feed.publish()
      await follower.refresh()
      expect(readers(follower)).toEqual(['ann', 'bob'])
      expect(lines.filter(({ event }) => event === 'follow-recovered')).toHaveLength(1)
    })

    test('a manifest that goes backwards, in position or in epoch', async () => {
      const { feed, follower } = await started()
      const older = await bytesAt(feed.objects, manifestKey('demo'))
      feed.grant('bob')
      feed.epoch = 2
      const newer = await feed.publish()
      await follower.refresh()
      const position = known(follower.replica, 'loaded').position
      await feed.objects.put(manifestKey('demo'), older)
      await follower.refresh()
      expect(follower.problem).toContain('before it was epoch 2')
      await feed.objects.put(manifestKey('demo'), printManifest({ ...newer, epoch: 1, coveredThrough: newer.coveredThrough + 5 }))
      await follower.refresh()
      expect(follower.problem).toContain('before it was epoch 2')
      expect(follower.replica?.position).toBe(position)
      expect(readers(follower)).toEqual(['ann', 'bob'])
      await feed.objects.put(manifestKey('demo'), printManifest(newer))
      await follower.refresh()
      expect(follower.problem).toBe(null)
    })

    test('a manifest of another log, of another environment, of a newer format, or none at all', async () => {
      const { feed, follower } = await started()
      const good = await bytesAt(feed.objects, manifestKey('demo'))
      const manifest = parseManifest(good)
      const foreign = await Feed.open({ logId: 'another' })
      foreign.grant('mallory')
      await foreign.publish()
      const bad: readonly [Uint8Array, string][] = [
        [await bytesAt(foreign.objects, manifestKey('demo')), 'belongs to log `another`'],
        [printManifest({ ...manifest, env: 'other' }), 'of `other`'],
        [new TextEncoder().encode(JSON.stringify({ ...manifest, format: 9 })), 'format 9'],
        [new TextEncoder().encode('{"form'), 'manifest'],
        [new Uint8Array(), 'manifest'],
      ]
      for (const [bytes, reason] of bad) {
        await feed.objects.put(manifestKey('demo'), bytes)
        await follower.refresh()
        expect(follower.problem).toContain(reason)
        expect(readers(follower)).toEqual(['ann'])
      }
      await feed.objects.delete(manifestKey('demo'))
      await follower.refresh()
      expect(readers(follower)).toEqual(['ann'])
      await feed.objects.put(manifestKey('demo'), good)
      await follower.refresh()
      expect(follower.problem).toBe(null)
    })

    test('a damaged, cut or missing delta; the next snapshot mends it', async () => {
      const { feed, follower, clock } = await started()
      feed.grant('bob')
      const manifest = await feed.publish()
      const { first, last, sha256, key } = known(manifest.deltas.at(-1), 'a delta')
      expect(key).toBe(deltaKey('demo', first, last, sha256))
      const whole = await bytesAt(feed.objects, key)
      for (const broken of [whole.slice(0, -3), new Uint8Array(whole.length), null]) {
        clock.ms += 30_000
        if (broken === null) await feed.objects.delete(key)
        else await feed.objects.put(key, broken)
        await follower.refresh()
        expect(follower.problem).not.toBe(null)
        expect(readers(follower)).toEqual(['ann'])
      }
      feed.grant('eve')
      await feed.publish(true)
      await follower.refresh()
      expect(readers(follower)).toEqual(['ann', 'bob', 'eve'])
    })
  })

  describe('staleness', () => {
    test('is not known before a heartbeat has changed', async () => {
      const { feed, follower } = await started()
      expect(follower.stalenessMs()).toBe(null)
      await feed.beat()
      await follower.refresh()
      await follower.refresh()
      expect(follower.stalenessMs()).toBe(null)
      await feed.beat()
      await follower.refresh()
      expect(follower.stalenessMs()).toBe(1000)
    })

    test('counts on this clock from what was seen, and stands while nothing moves', async () => {
      const { feed, follower, clock } = await started()
      await feed.beat()
      await follower.refresh()
      clock.ms += 1000
      await feed.beat()
      await follower.refresh()
      const fresh = known(follower.stalenessMs(), 'known')
      expect(follower.stalenessMs()).toBe(fresh)
      clock.ms += 7000
      await follower.refresh()
      expect(follower.stalenessMs()).toBe(fresh + 7000)
    })

    test('grows while the log is ahead of what is published', async () => {
      const { feed, follower, clock } = await started()
      await feed.beat()
      await follower.refresh()
      await feed.beat()
      await follower.refresh()
      feed.grant('bob')
      for (let beat = 0; beat < 5; beat++) {
        clock.ms += 1000
        await feed.beat()
        await follower.refresh()
      }
      expect(known(follower.stalenessMs(), 'known')).toBeGreaterThanOrEqual(5000)
      await feed.publish()
      await follower.refresh()
      expect(known(follower.stalenessMs(), 'known')).toBeLessThanOrEqual(2000)
    })

    test('stays small under constant writes, although every heartbeat is ahead of the deltas', async () => {
      const { feed, follower, clock } = await started()
      for (let second = 0; second < 20; second++) {
        await feed.publish()
        for (let write = 0; write < 5; write++) feed.grant(`user${second}-${write}`)
        await feed.beat()
        await follower.refresh()
        clock.ms += 1000
      }
      expect(known(follower.stalenessMs(), 'known')).toBeLessThanOrEqual(4000)
    })

    test('is that of the environment under its own name, where the log has no partitions', async () => {
      const { feed, follower } = await started()
      await feed.objects.put(
        'heartbeats/0.json',
        new TextEncoder().encode(JSON.stringify({ head: 5, seenAtMs: 1, intervalMs: 9, environments: { other: 5 } })),
      )
      for (let beat = 0; beat < 2; beat++) {
        await feed.beat({ partition: 'demo', intervalMs: 50 })
        await follower.refresh()
      }
      expect(follower.stalenessMs()).toBe(50)
    })

    test('a heartbeat that cannot be read hides nothing else', async () => {
      const { feed, follower } = await started()
      await feed.objects.put('heartbeats/0.json', new TextEncoder().encode('nonsense'))
      feed.grant('bob')
      await feed.publish()
      await follower.refresh()
      expect(readers(follower)).toEqual(['ann', 'bob'])
      expect(follower.problem).toContain('heartbeat')
    })
  })
}

/** Requests that are cut off in the middle of what others wait for: nothing waits for ever, and nothing is lost but their work. */
import { describe, expect, test } from 'vitest'
import { Followed } from '../../runtime/followed.ts'
import { Slots } from '../../runtime/slots.ts'
import { Follower } from '../../snapshots/follower.ts'
import { InFlight } from '../../snapshots/in-flight.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../../snapshots/platform.ts'
import { Pulse } from '../../snapshots/pulse.ts'
import { Feed, makePool, readers, repoPolicy, testPlatform } from '../snapshots/follower-feed.ts'

const never = (): Promise<never> => new Promise(() => {})

/** Whoever asks for such a key, or ends a turn, from now on, is never heard of again, when `cut` says so; once. */
const cutOff = () => {
  const state = { key: null as RegExp | null, pause: false }
  const objects = (inner: ObjectStore): ObjectStore => ({
    ...inner,
    get(key, options) {
      if (state.key?.test(key) !== true) return inner.get(key, options)
      state.key = null
      return never()
    },
  })
  const platform = (inner: SnapshotPlatform): SnapshotPlatform => ({
    ...inner,
    pause() {
      if (!state.pause) return inner.pause()
      state.pause = false
      return never()
    },
  })
  return { state, objects, platform }
}

const started = async () => {
  const feed = await Feed.open()
  feed.policy(repoPolicy)
  feed.grant('ann')
  await feed.publish(true)
  const [platform, pool, cut] = [testPlatform(), makePool(), cutOff()]
  const wait = async (ms: number): Promise<void> => {
    platform.clock.ms += ms
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 0)
    })
  }
  const followed = new Followed(() => {
    const pulse = new Pulse({ monotonicMs: platform.monotonicMs, silenceMs: 1000, wait })
    return new Follower({
      env: 'demo',
      partition: () => 0,
      pulse,
      pool: pool.part(() => false),
      objects: pulse.watchStore(cut.objects(feed.objects)),
      platform: pulse.watchPlatform(cut.platform(platform)),
      holdMs: 5000,
    })
  })
  return { feed, followed, pool, cut: cut.state, platform, wait }
}

/** Every instance that is in use has a store that answers, or is about to. */
const settle = async (wait: (ms: number) => Promise<void>): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await wait(0)
}

describe('whoever looks is cut off', () => {
  test.each([
    ['at the manifest', /manifest/],
    ['at the snapshot', /snapshots\//],
    ['at the heartbeat', /heartbeats\//],
  ])('%s of the first load: those who wait are let go, and the next one loads', async (_, key) => {
    const { followed, cut, pool, platform, wait } = await started()
    cut.key = key
    void followed.look()
    await followed.look()
    expect(followed.follower.replica).toBe(null)
    expect(followed.isLooking).toBe(false)
    await followed.look()
    expect(readers(followed.follower)).toEqual(['ann'])
    expect(platform.lines.map(({ event }) => event)).toContain('look-abandoned')
    await settle(wait)
    expect(pool.use().used).toBe(1)
  })

  test('in the middle of deltas in place, and of a swap: what answered goes on until the next one has loaded', async () => {
    const { feed, followed, cut, pool, wait } = await started()
    await followed.look()
    const first = followed.follower
    for (let index = 0; index < 600; index++) feed.grant(`user${index}`)
    await feed.publish()
    cut.pause = true
    void followed.look()
    await followed.look()
    expect(readers(followed.follower)).toContain('ann')
    await followed.look()
    expect(followed.follower).not.toBe(first)
    expect(readers(followed.follower)).toHaveLength(601)

    // A gap, so that nothing but a swap leads on.
    feed.grant('zoe')
    await feed.publish(true)
    for (const { key } of await feed.objects.list('demo/deltas')) await feed.objects.delete(key)
    cut.key = /deltas\//
    const second = followed.follower
    void followed.look()
    await followed.look()
    expect(readers(second)).toHaveLength(601)
    await followed.look()
    expect(readers(followed.follower)).toContain('zoe')
    await settle(wait)
    expect(pool.use().used).toBe(1)
  })

  test('one that was only slow comes back and does no harm', async () => {
    const { feed, followed, platform, pool, wait } = await started()
    const slow: { go?: () => void } = {}
    const inner = { ...feed.objects }
    const held = { once: true }
    feed.objects.get = (key, options) => {
      if (!held.once || !key.includes('snapshots/')) return inner.get(key, options)
      held.once = false
      return new Promise((resolve) => {
        slow.go = () => resolve(inner.get(key, options))
      })
    }
    const late = followed.look()
    await followed.look()
    await followed.look()
    expect(readers(followed.follower)).toEqual(['ann'])
    slow.go?.()
    await late
    await settle(wait)
    feed.grant('bob')
    await feed.publish()
    await followed.look()
    expect(readers(followed.follower)).toEqual(['ann', 'bob'])
    expect(platform.lines.filter(({ level }) => level === 'error')).toEqual([])
    expect(pool.use().bytes).toBeLessThan(40 * 1024 * 1024)
  })
})

describe('whoever holds something is cut off', () => {
  test('a swap does not wait for ever for who entered and never left', async () => {
    const { feed, followed, platform } = await started()
    await followed.look()
    const { replica } = followed.follower
    replica?.enter()
    for (const user of ['bob', 'cat', 'dan']) {
      feed.grant(user)
      await feed.publish(true)
      for (const { key } of await feed.objects.list('demo/deltas')) await feed.objects.delete(key)
      platform.clock.ms += 10_000
      await followed.look()
      expect(readers(followed.follower)).toContain(user)
    }
  })

  test('who is inside for a short time is waited for, who is for too long is not', () => {
    const clock = { ms: 0 }
    const inFlight = new InFlight(() => clock.ms, 100)
    const ended: string[] = []
    const leave = inFlight.enter()
    inFlight.whenLeft(() => ended.push('first'))
    clock.ms = 100
    inFlight.forget()
    expect(ended).toEqual([])
    clock.ms = 101
    inFlight.forget()
    expect(ended).toEqual(['first'])
    leave()
    leave()
    inFlight.whenLeft(() => ended.push('second'))
    expect(ended).toEqual(['first', 'second'])
  })

  test('a place that is held for too long is free again, one that is given back twice is one', () => {
    const clock = { ms: 0 }
    const slots = new Slots(2, () => clock.ms, 100)
    const first = slots.take()
    slots.take()
    expect(slots.take()).toBe(null)
    first?.()
    first?.()
    expect(slots.take()).not.toBe(null)
    expect(slots.take()).toBe(null)
    clock.ms = 101
    expect(slots.take()).not.toBe(null)
    expect(slots.take()).not.toBe(null)
    expect(slots.take()).toBe(null)
  })
})

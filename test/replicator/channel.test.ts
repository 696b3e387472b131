/** One environment's stream: who is waited for, who fell back, what memory serves. */
import { describe, expect, test } from 'vitest'
import { Channel } from '../../replicator/channel.ts'
import { RecentRecords } from '../../replicator/recent.ts'
import { at } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import { type Log, LogError } from '../../src/log/log.ts'
import { createMemoryLog } from '../../src/log/memory-log.ts'
import { facts, insert, logRecord } from '../support/record.ts'
import { reader } from './inner-conformance.ts'

interface Timer {
  readonly dueMs: number
  readonly work: () => void
}

/** A channel over a log in memory, with a clock of its own. */
const open = async (options: { readonly recentBytes?: number } = {}) => {
  const log = createMemoryLog({ logId: 'memory' })
  const timers = new Set<Timer>()
  let nowMs = 0
  let reads = 0
  const counted: Pick<Log, 'read' | 'bounds'> = {
    read: async (...args) => {
      reads++
      return log.read(...args)
    },
    bounds: async (env) => log.bounds(env),
  }
  const channel = new Channel({
    env: 'e',
    log: counted,
    recent: new RecentRecords(options.recentBytes),
    monotonicMs: () => nowMs,
    later: (delayMs, work) => {
      const timer = { dueMs: nowMs + delayMs, work }
      timers.add(timer)
      return () => timers.delete(timer)
    },
  })
  log.subscribe({ published: (_env, records, head) => channel.published(records, head), failed: () => undefined })
  return {
    channel,
    append: async (id: string) => log.append('e', logRecord(facts(insert('note', `Text:${id}`)), { writeId: id })),
    reads: () => reads,
    pass: (ms: number) => {
      nowMs += ms
      for (const timer of timers) if (timer.dueMs <= nowMs && timers.delete(timer)) timer.work()
    },
  }
}

/** A reader that takes a push when told to. */
const held = () => {
  const waiting: (() => void)[] = []
  const read = reader(
    async () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve)
      }),
  )
  return { ...read, take: () => waiting.shift()?.() }
}

const settled = async (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

describe('a write waits for', () => {
  test('every runtime but the one that wrote', async () => {
    const { channel, append } = await open()
    channel.connect(-1)
    const [own, other] = [held(), held()]
    channel.tail(-1, own, 'own')
    channel.tail(-1, other, 'other')
    const revision = await append('a')
    let applied: boolean | null = null
    void channel.applied(revision, 'own', 1000).then((result) => {
      applied = result
    })
    await settled()
    expect(applied).toBeNull()
    own.take()
    await settled()
    expect(applied).toBeNull()
    other.take()
    await settled()
    expect(applied).toBe(true)
    expect(await channel.applied(revision, 'nobody', 0)).toBe(true)
  })

  test('no longer than the bound, and not for one that ends', async () => {
    const { channel, append, pass } = await open()
    channel.connect(-1)
    const other = held()
    const tail = channel.tail(-1, other, 'other')
    const revision = await append('a')
    const late = channel.applied(revision, 'own', 1000)
    await settled()
    pass(1000)
    expect(await late).toBe(false)
    const ended = channel.applied(revision, 'own', 1000)
    tail.end()
    expect(await ended).toBe(true)
  })

  test('neither a reader of this process, nor one that is still catching up, nor one that takes nothing any more', async () => {
    const { channel, append, pass } = await open()
    channel.connect(-1)
    await append('a')
    channel.tail(-1, held(), null)
    const behind = held()
    channel.tail(-1, behind, 'behind')
    await settled()
    const revision = await append('b')
    expect(await channel.applied(revision, 'own', 1000)).toBe(true)
    behind.take()
    await settled()
    behind.take()
    await settled()
    const next = await append('c')
    const waited = channel.applied(next, 'own', 1000)
    await settled()
    pass(1000)
    expect(await waited).toBe(false)
    pass(limits.tailStallMs)
    expect(await channel.applied(next, 'own', 1000)).toBe(true)
  })
})

test('a reader that fell back is served from memory, as far as that reaches', async () => {
  for (const [recentBytes, expected] of [
    [limits.recentBytes, 0],
    [1000, 1],
  ] as const) {
    const { channel, append, reads } = await open({ recentBytes })
    channel.connect(-1)
    const slow = held()
    channel.tail(-1, slow, 'slow')
    const count = limits.tailPushes + 10
    for (let index = 0; index < count; index++) await append(`w${index}`)
    for (let index = 0; index < count; index++) {
      slow.take()
      await settled()
    }
    expect(slow.records.map(({ revision }) => revision)).toEqual(Array.from({ length: count }, (_, index) => index))
    expect(Math.sign(reads())).toBe(expected)
  }
})

test('before the log told its head nothing is pushed, and nothing is missed', async () => {
  const { channel, append } = await open()
  await append('a')
  const read = reader()
  channel.tail(-1, read, 'r')
  await append('b')
  await settled()
  expect(read.records).toEqual([])
  // What the log tells may be older than what was published meanwhile.
  channel.connect(0)
  await append('c')
  await settled()
  expect(read.records.map(({ record }) => record.writeId)).toEqual(['a', 'b', 'c'])
  expect(channel.head).toBe(2)
})

test('that only the head moved is told once in a while', async () => {
  const { channel, pass } = await open()
  channel.connect(4)
  const heads: number[] = []
  channel.tail(4, { push: (_records, through) => void heads.push(through), failed: () => undefined }, 'r')
  for (let head = 5; head <= 100; head++) channel.published([], head)
  expect(heads).toEqual([])
  pass(limits.idleAdvanceMs)
  expect(heads).toEqual([100])
  channel.published([], 101)
  channel.end()
  pass(limits.idleAdvanceMs)
  expect(heads).toEqual([100])
})

test('a log that fails ends every tail with the reason, until it is followed again', async () => {
  const { channel } = await open()
  channel.connect(-1)
  const [early, late] = [reader(), reader()]
  channel.tail(-1, early, 'early')
  channel.failed(new LogError('diverged', 'made anew'))
  channel.tail(-1, late, 'late')
  expect(await early.failure()).toMatchObject({ code: 'diverged' })
  expect(await late.failure()).toMatchObject({ code: 'diverged' })
  channel.reset()
  channel.connect(7)
  const again = reader()
  channel.tail(7, again, 'again')
  channel.published([{ revision: 9, record: logRecord({ kind: 'clear' }) }], 9)
  expect(at(again.records, 0).revision).toBe(9)
})

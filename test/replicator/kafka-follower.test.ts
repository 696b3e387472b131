/** Following a partition, with answers that a real broker gives too rarely to wait for. */
import kafkajs from 'kafkajs'
import { expect, onTestFinished, test } from 'vitest'
import { Pauses } from '../../replicator/kafka-deadline.ts'
import { PartitionFollower } from '../../replicator/kafka-follower.ts'
import type { Found, ReadLink } from '../../replicator/kafka-link.ts'
import { PartitionReader } from '../../replicator/kafka-reader.ts'
import { encodeRecord } from '../../src/log/codec.ts'
import type { LogError } from '../../src/log/log.ts'
import { refusal } from '../log/log-conformance.ts'
import { facts, logRecord } from '../support/record.ts'

/** A partition in memory that breaks as told. */
class Partition implements ReadLink {
  readonly partition = 1
  readonly messages: Found[] = []
  low = 0
  /** Told instead of the true one, as a new leader does for a moment. */
  high: number | null = null
  /** End of the log of a leader that the others have left behind; it cannot tell more than that. */
  behind: number | null = null
  /** Answers without messages. */
  silent = false
  broken = false
  fetches = 0
  drops = 0
  #waiting: PromiseWithResolvers<void>[] = []

  add(env: string, writeId: string, offset = (this.messages.at(-1)?.offset ?? -1) + 1): number {
    this.messages.push({ offset, key: Buffer.from(env), value: encodeRecord(logRecord(facts(), { writeId })) })
    this.wake()
    return offset
  }

  wake(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }

  /** What is in flight fails; what comes next does not. */
  interrupt(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('closed'))
  }

  async fetch(
    from: number,
    maxWaitMs: number,
  ): Promise<{ readonly messages: readonly Found[]; readonly low: number; readonly high: number }> {
    this.fetches++
    if (maxWaitMs > 0 && !this.broken && from === this.#end()) {
      const polled = Promise.withResolvers<void>()
      this.#waiting.push(polled)
      await polled.promise
    }
    this.#check()
    if (from < this.low || from > this.#end()) throw outOfRange()
    const high = this.high ?? this.#end()
    const messages = this.messages.filter(({ offset }) => offset >= from && offset >= this.low && offset < high)
    return { messages: this.silent ? [] : messages, low: this.low, high }
  }

  async watermarks(): Promise<{ readonly low: number; readonly high: number }> {
    this.#check()
    return { low: this.low, high: this.high ?? this.#end() }
  }

  drop(): void {
    this.drops++
    this.interrupt()
  }

  get isPolled(): boolean {
    return this.#waiting.length > 0
  }

  /** Resolves when it was asked several times. */
  async asked(): Promise<void> {
    const before = this.fetches
    await eventually(() => this.fetches > before + 1)
  }

  #end(): number {
    return this.behind ?? Math.max(this.low, (this.messages.at(-1)?.offset ?? -1) + 1)
  }

  #check(): void {
    if (this.broken) throw new Error('closed')
  }
}

const polling = async (link: Partition): Promise<void> => eventually(() => link.isPolled)

const outOfRange = (): Error =>
  new kafkajs.KafkaJSProtocolError(Object.assign(new Error('out of range'), { type: 'OFFSET_OUT_OF_RANGE', code: 1 }))

const follow = (link: Partition) => {
  const published: (readonly [string, readonly string[], number])[] = []
  const failures: LogError[] = []
  const lines: string[] = []
  let nowMs = 0
  const follower = new PartitionFollower({
    link,
    logId: 'log',
    suspect: false,
    ready: async () => undefined,
    checkGeneration: async () => undefined,
    published: (env, records, head) => published.push([env, records.map(({ record }) => record.writeId), head]),
    failed: (_env, error) => failures.push(error),
    monotonicMs: () => nowMs,
    log: (_level, event, fields = {}) => lines.push(`${event} ${String(fields['reason'])}`),
  })
  onTestFinished(() => follower.close())
  follower.add('e')
  /** Resolves when the message at an offset was published, without a bound of its own. */
  const told = async (offset: number): Promise<void> => eventually(() => follower.position > offset)
  return { follower, published, failures, lines, told, pass: (ms: number) => (nowMs += ms) }
}

/** A follower that has told everything of a log with these records, and asks for more. */
const following = async (...ids: readonly string[]) => {
  const link = new Partition()
  const followed = follow(link)
  await followed.follower.started()
  for (const id of ids) link.add('e', id)
  await followed.told(ids.length - 1)
  await polling(link)
  return { link, ...followed }
}

const eventually = async (holds: () => boolean): Promise<void> => {
  await expect.poll(holds, { timeout: 30_000 }).toBe(true)
}

test('only what comes after the start is told, gaps and all', async () => {
  const link = new Partition()
  link.add('e', 'before')
  const { follower, published, told } = follow(link)
  await follower.started()
  link.add('e', 'one', 5)
  await told(5)
  link.add('other', 'two', 9)
  await told(9)
  expect(published).toEqual([
    ['e', ['one'], 5],
    ['e', [], 9],
  ])
})

test('staleness counts from the last answer at the head', async () => {
  const link = new Partition()
  const { follower, pass, told } = follow(link)
  expect(follower.stalenessMs()).toBeNull()
  await follower.started()
  await eventually(() => follower.stalenessMs() === 0)
  link.broken = true
  link.wake()
  pass(700)
  expect(follower.stalenessMs()).toBe(700)
  link.broken = false
  await polling(link)
  link.wake()
  await eventually(() => follower.stalenessMs() === 0)
  // More is durable than what was answered.
  await polling(link)
  link.high = 100
  link.add('e', 'one')
  await told(0)
  await polling(link)
  pass(50)
  link.wake()
  await polling(link)
  expect(follower.stalenessMs()).toBe(50)
  link.high = null
  link.wake()
  await eventually(() => follower.stalenessMs() === 0)
})

test('an answer is as old as its question: it may have waited for a process that was stopped', async () => {
  const link = new Partition()
  const { follower, pass } = follow(link)
  await follower.started()
  await polling(link)
  pass(5000)
  link.wake()
  await polling(link)
  expect(follower.stalenessMs()).toBe(5000)
  link.wake()
  await eventually(() => follower.stalenessMs() === 0)
})

test('a broken connection changes nothing', async () => {
  const link = new Partition()
  const { follower, published, failures, told } = follow(link)
  await follower.started()
  for (let round = 0; round < 5; round++) {
    await polling(link)
    link.interrupt()
    link.add('e', `w${round}`)
    await told(round)
  }
  expect(published.flatMap(([, writeIds]) => writeIds)).toEqual(['w0', 'w1', 'w2', 'w3', 'w4'])
  expect(failures).toEqual([])
})

test('a new leader that knows less for a moment is waited for', async () => {
  const { link, follower, published, failures, told } = await following('one', 'two')
  link.interrupt()
  link.high = 1
  // Nor does a read of this process end before what it has seen.
  const pauses = new Pauses()
  const reader = new PartitionReader({ link, logId: 'log', pauses, seen: () => follower.position })
  const read = reader.read('e', -1, 10)
  expect(await reader.bounds()).toEqual({ first: 0, last: 1 })
  await link.asked()
  link.high = null
  link.add('e', 'three')
  await told(2)
  expect((await read).map(({ record }) => record.writeId).slice(0, 2)).toEqual(['one', 'two'])
  expect(published.flatMap(([, writeIds]) => writeIds)).toEqual(['one', 'two', 'three'])
  expect(failures).toEqual([])
})

test('a leader that was left behind by the others is waited for, and believed when nothing else is told for a while', async () => {
  const { link, published, failures, pass, told } = await following('one', 'two', 'three')
  link.behind = 1
  link.interrupt()
  await link.asked()
  pass(4000)
  await link.asked()
  link.behind = null
  link.add('e', 'four')
  await told(3)
  expect(published.flatMap(([, writeIds]) => writeIds)).toEqual(['one', 'two', 'three', 'four'])

  await polling(link)
  link.behind = 1
  link.interrupt()
  await link.asked()
  // The time before counts no more.
  pass(4000)
  await link.asked()
  expect(failures).toEqual([])
  pass(1000)
  await eventually(() => failures.length === 1)
  expect(failures[0]).toMatchObject({ code: 'diverged' })
})

test('a leader that waits for its replicas for as long as they are away is never taken for another log, and said so now and then', async () => {
  const { link, follower, published, failures, lines, pass, told } = await following('one', 'two')
  link.high = 1
  link.interrupt()
  const untold = (): number => lines.filter((line) => line.includes('revision 1 was read before')).length
  await eventually(() => untold() === 1)
  for (const hour of [2, 3]) {
    pass(3_600_000)
    await eventually(() => untold() === hour)
  }
  await link.asked()
  expect(untold()).toBe(3)
  expect(follower.blocked).toBeNull()
  expect(follower.stalenessMs()).toBeGreaterThanOrEqual(7_200_000)
  link.high = null
  link.add('e', 'three')
  await told(2)
  expect(published.flatMap(([, writeIds]) => writeIds)).toEqual(['one', 'two', 'three'])
  expect(failures).toEqual([])
})

test('a log that lost exactly its last record looks like one that does not tell of it, until another is in its place', async () => {
  const { link, published, failures, pass } = await following('one', 'two')
  link.interrupt()
  link.messages.splice(1)
  await link.asked()
  pass(600_000)
  await link.asked()
  expect(failures).toEqual([])
  link.add('e', 'other')
  await eventually(() => failures.length === 1)
  expect(failures[0]).toMatchObject({ code: 'diverged' })
  expect(published.flatMap(([, writeIds]) => writeIds)).toEqual(['one', 'two'])
})

test('a leader that tells nothing of what is acknowledged is left, one that tells of it late is not', async () => {
  const link = new Partition()
  const { follower, published, told } = follow(link)
  await follower.started()
  await polling(link)
  const drops = link.drops
  const slow = follower.reached(1)
  link.add('e', 'one')
  await slow
  expect(link.drops).toBe(drops)
  await follower.reached(1)
  expect(link.drops).toBe(drops + 1)
  link.add('e', 'two')
  await told(1)
  expect(published.flatMap(([, writeIds]) => writeIds)).toEqual(['one', 'two'])
})

test('what was trimmed before it was read is out of range, what was trimmed behind is nothing', async () => {
  const link = new Partition()
  const { follower, failures, told } = follow(link)
  await follower.started()
  for (const id of ['one', 'two', 'three']) link.add('e', id)
  await told(2)
  link.low = 3
  await polling(link)
  link.interrupt()
  link.add('e', 'four')
  await told(3)
  expect(failures).toEqual([])
  await polling(link)
  link.interrupt()
  for (const id of ['five', 'six']) link.add('e', id)
  link.low = 5
  await eventually(() => failures.length === 1)
  expect(failures[0]).toMatchObject({ code: 'out-of-range' })
  expect(follower.ended).toBe(true)
})

test('a log that ends before what was trimmed is another one, although nothing is left to compare it with', async () => {
  const link = new Partition()
  link.low = 10
  const { follower, published, failures, pass } = follow(link)
  await follower.started()
  await polling(link)
  link.low = 0
  for (const id of ['other', 'another']) link.add('e', id)
  link.interrupt()
  await link.asked()
  expect(failures).toEqual([])
  pass(5000)
  await eventually(() => failures.length === 1)
  expect(failures[0]).toMatchObject({ code: 'diverged' })
  expect(published).toEqual([])
})

test('a new leader that knows less than what was trimmed is waited for', async () => {
  const link = new Partition()
  link.low = 10
  const { follower, published, failures, pass, told } = follow(link)
  await follower.started()
  await polling(link)
  link.low = 8
  link.high = 9
  link.messages.push(...[8, 9].map((offset) => ({ offset, key: null, value: null })))
  link.interrupt()
  await polling(link)
  pass(70_000)
  link.wake()
  await polling(link)
  link.high = null
  link.add('e', 'one', 10)
  await told(10)
  expect(published).toEqual([['e', ['one'], 10]])
  expect(failures).toEqual([])
})

test('a log that was cut off and has grown past the position is another one', async () => {
  const { link, failures, published } = await following('one', 'two')
  link.interrupt()
  link.messages.splice(1)
  for (const id of ['other', 'another']) link.add('e', id)
  await eventually(() => failures.length === 1)
  expect(failures[0]).toMatchObject({ code: 'diverged' })
  expect(published.flatMap(([, writeIds]) => writeIds)).toEqual(['one', 'two'])
})

test('a read passes over a trimmed log with an error, never with silence', async () => {
  const link = new Partition()
  for (const id of ['one', 'two', 'three']) link.add('e', id)
  const reader = new PartitionReader({ link, logId: 'log', pauses: new Pauses(), seen: () => 0 })
  expect(await reader.read('e', -1, 1)).toHaveLength(1)
  link.low = 2
  reader.forget()
  expect(await refusal(reader.read('e', 0, 10))).toBe('out-of-range')
  expect(await refusal(reader.read('e', -2, 10))).toBe('out-of-range')
  expect(await refusal(reader.read('e', 3, 10))).toBe('out-of-range')
  expect(await reader.read('e', 1, 10)).toHaveLength(1)
  expect(await reader.read('e', 2, 10)).toEqual([])
})

test('a read is not out of range because a leader was left behind', async () => {
  const link = new Partition()
  for (const id of ['one', 'two']) link.add('e', id)
  link.behind = 0
  const reader = new PartitionReader({ link, logId: 'log', pauses: new Pauses(), seen: () => 2 })
  const read = reader.read('e', 0, 10)
  await link.asked()
  link.behind = null
  expect((await read).map(({ record }) => record.writeId)).toEqual(['two'])
})

test('a read is not at the head when it is told of nothing in front of it', async () => {
  const link = new Partition()
  for (const id of ['one', 'two']) link.add('e', id)
  link.silent = true
  const reader = new PartitionReader({ link, logId: 'log', pauses: new Pauses(), seen: () => 0 })
  const read = reader.read('e', -1, 10)
  await link.asked()
  link.silent = false
  expect((await read).map(({ record }) => record.writeId)).toEqual(['one', 'two'])
})

test('a read that goes on in what was fetched still sees what came since', async () => {
  const link = new Partition()
  link.add('e', 'one')
  link.add('other', 'two')
  const reader = new PartitionReader({ link, logId: 'log', pauses: new Pauses(), seen: () => 0 })
  expect(await reader.read('e', -1, 10)).toHaveLength(1)
  link.add('e', 'three')
  expect((await reader.read('e', 0, 10)).map(({ record }) => record.writeId)).toEqual(['three'])
})

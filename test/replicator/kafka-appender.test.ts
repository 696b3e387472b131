/** Appends to a partition that answers as told: groups, order, retries, what is known afterwards. */
import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { PartitionAppender } from '../../replicator/kafka-appender.ts'
import { Pauses } from '../../replicator/kafka-deadline.ts'
import { Unsent } from '../../replicator/kafka-failure.ts'
import type { AppendLink } from '../../replicator/kafka-link.ts'
import type { ProtocolMessage } from '../../replicator/kafka-protocol.ts'
import { LogError } from '../../src/log/log.ts'
import { refusal } from '../log/log-conformance.ts'

type Answer = (messages: readonly ProtocolMessage[], attempt: number) => number | Promise<number>

/** `answer` gives the offset of the first message, or throws. */
const appending = (answer: Answer, blocked: () => LogError | null = () => null, seen: () => number = () => 0) => {
  const groups: string[][] = []
  const sizes: number[] = []
  let inFlight = 0
  let mostInFlight = 0
  const link: AppendLink = {
    partition: 3,
    drop: () => undefined,
    async append(messages) {
      mostInFlight = Math.max(mostInFlight, ++inFlight)
      groups.push(messages.map(({ key, value }) => `${String(key)} ${String(value).slice(0, 8)}`))
      sizes.push(messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0))
      await Promise.resolve()
      try {
        return await answer(messages, groups.length)
      } finally {
        inFlight--
      }
    },
  }
  const published: number[] = []
  const appender = new PartitionAppender({
    link,
    ready: () => {
      const reason = blocked()
      if (reason !== null) throw reason
    },
    seen,
    published: async (offset) => void published.push(offset),
    nowMs: () => 0,
    pauses: new Pauses(),
  })
  return { appender, groups, sizes, published, mostInFlight: () => mostInFlight }
}

/** Offsets as a partition gives them, without gap. */
const counting = (): Answer => {
  let next = 0
  return (messages) => {
    next += messages.length
    return next - messages.length
  }
}

const bytes = (text: string, sizeBytes = 8): Uint8Array => Buffer.from(text.padEnd(sizeBytes, '.'))
const broker = (type: string): Error => new kafkajs.KafkaJSProtocolError(Object.assign(new Error(type), { type, code: 1 }))

test('what is written where others were read before is not acknowledged: the log was cut off', async () => {
  let seen = 1000
  const { appender, published } = appending(
    () => 500,
    () => null,
    () => seen,
  )
  expect(await refusal(appender.append('e', bytes('a')))).toBe('unknown-outcome')
  expect(published).toEqual([])
  seen = 500
  expect(await appender.append('e', bytes('b'))).toBe(500)
})

test('a record that its follower has read before the answer came is acknowledged', async () => {
  let seen = 7
  const { appender } = appending(
    () => {
      seen = 8
      return 7
    },
    () => null,
    () => seen,
  )
  expect(await appender.append('e', bytes('a'))).toBe(7)
})

test('what is appended in one turn goes as one group, what waits as the next, one after another', async () => {
  const { appender, groups, published, mostInFlight } = appending(counting())
  const first = ['a', 'b', 'c'].map(async (id) => appender.append('e', bytes(id)))
  await Promise.resolve()
  await Promise.resolve()
  const second = ['d', 'e'].map(async (id) => appender.append('f', bytes(id)))
  expect(await Promise.all([...first, ...second])).toEqual([0, 1, 2, 3, 4])
  expect(groups.map((group) => group.map((message) => message.replaceAll('.', '')))).toEqual([
    ['e a', 'e b', 'e c'],
    ['f d', 'f e'],
  ])
  expect(published).toEqual([2, 4])
  expect(mostInFlight()).toBe(1)
})

test('a group has at most 1,000 records and 512 KiB, but at least one record', async () => {
  const small = appending(counting())
  await Promise.all(Array.from({ length: 1024 }, async (_, index) => small.appender.append('e', bytes(String(index)))))
  expect(small.groups.map(({ length }) => length)).toEqual([1000, 24])
  const large = appending(counting())
  await Promise.all([200, 200, 200, 900, 10].map(async (kib) => large.appender.append('e', bytes('x', kib * 1024))))
  expect(large.sizes.map((sizeBytes) => sizeBytes / 1024)).toEqual([400, 200, 900, 10])
})

test('what was not sent is tried again, the same bytes in the same order, until it arrives', async () => {
  const count = counting()
  const { appender, groups } = appending((messages, attempt) => {
    if (attempt < 3) throw new Unsent('no connection')
    return count(messages, attempt)
  })
  expect(await Promise.all(['a', 'b'].map(async (id) => appender.append('e', bytes(id))))).toEqual([0, 1])
  expect(groups).toHaveLength(3)
  expect(new Set(groups.map((group) => group.join())).size).toBe(1)
})

test('what may have been written is tried again, too, and is unknown when that fails', async () => {
  const { appender } = appending((_messages, attempt) => {
    throw attempt === 1 ? new Error('the connection broke') : new Unsent('no connection')
  })
  expect(await refusal(appender.append('e', bytes('a')))).toBe('unknown-outcome')
})

test('what certainly was not written is unavailable', async () => {
  const { appender } = appending((_messages, attempt) => {
    throw attempt % 2 === 1 ? broker('NOT_LEADER_FOR_PARTITION') : new Unsent('no connection')
  })
  expect(await refusal(appender.append('e', bytes('a')))).toBe('unavailable')
})

test('what the topic refuses for its size is too large, at once', async () => {
  const { appender, groups } = appending(() => {
    throw broker('MESSAGE_TOO_LARGE')
  })
  expect(await refusal(appender.append('e', bytes('a')))).toBe('too-large')
  expect(groups).toHaveLength(1)
})

test('nothing is sent while the partition is blocked; it goes on afterwards', async () => {
  let reason: LogError | null = new LogError('diverged', 'another log')
  const { appender, groups } = appending(counting(), () => reason)
  expect(await refusal(appender.append('e', bytes('a')))).toBe('diverged')
  expect(groups).toEqual([])
  reason = null
  expect(await appender.append('e', bytes('b'))).toBe(0)
})

test('a full queue refuses, and closing waits for what was accepted', async () => {
  const gate = Promise.withResolvers<void>()
  const count = counting()
  const { appender } = appending(async (messages, attempt) => {
    await gate.promise
    return count(messages, attempt)
  })
  const accepted = Array.from({ length: 1024 }, async (_, index) => appender.append('e', bytes(String(index))))
  expect(await refusal(appender.append('e', bytes('late')))).toBe('overloaded')
  const closed = appender.close()
  gate.resolve()
  await closed
  expect(await Promise.all(accepted)).toHaveLength(1024)
})

test('large records fill the queue by their bytes', async () => {
  const gate = Promise.withResolvers<void>()
  const count = counting()
  const { appender } = appending(async (messages, attempt) => {
    await gate.promise
    return count(messages, attempt)
  })
  const accepted = Array.from({ length: 64 }, async () => appender.append('e', bytes('x', 1024 * 1024)))
  expect(await refusal(appender.append('e', bytes('late')))).toBe('overloaded')
  gate.resolve()
  expect(await Promise.all(accepted)).toHaveLength(64)
})

/** Finding out whether a topic is the right one, with brokers that are slow, silent, or come back late. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Contact } from '../../replicator/kafka-contact.ts'
import type { ProtocolBroker, ProtocolCluster } from '../../replicator/kafka-protocol.ts'
import type { TopicAdmin } from '../../replicator/kafka-topic.ts'
import { KafkaVerification } from '../../replicator/kafka-verification.ts'
import { encodeRecord } from '../../src/log/codec.ts'
import { testPlace, topicSettings } from '../support/kafka.ts'
import { logRecord } from '../support/record.ts'

/** Brokers in memory, which answer as told. */
class Brokers {
  readonly place = testPlace({ address: 'a:9092' })
  /** Until they tell of the topic; null for ever. */
  adminMs: number | null = 0
  /** Until they tell who leads; null for ever. */
  leaderMs: number | null = 0
  /** Of the topic. */
  partitions = 4
  /** Of records in the first partition. */
  records = 1
  /** Calls. */
  asked = 0
  #open = 0

  /** Contacts that were not ended. */
  get open(): number {
    return this.#open
  }

  admin(): Contact<TopicAdmin> {
    const { topicPrefix } = this.place
    const entry = { isDefault: false, configSource: 1, isSensitive: false, readOnly: false, configSynonyms: [] }
    const settings = Object.entries({ ...topicSettings, 'unclean.leader.election.enable': 'false', 'min.insync.replicas': '1' })
    const configEntries = settings.map(([configName, configValue]) => ({ ...entry, configName, configValue }))
    const partition = { partitionErrorCode: 0, leader: 1, replicas: [1], isr: [1] }
    return this.#contact(this.adminMs, {
      createTopics: async () => true,
      fetchTopicMetadata: async () => {
        this.asked++
        const partitions = Array.from({ length: this.partitions }, (_, partitionId) => ({ ...partition, partitionId }))
        return { topics: [{ name: `${topicPrefix}.log`, partitions }] }
      },
      describeConfigs: async () => ({
        resources: [{ configEntries, errorCode: 0, errorMessage: '', resourceName: '', resourceType: 2 }],
        throttleTime: 0,
      }),
    })
  }

  cluster(): Contact<ProtocolCluster> {
    const value = Buffer.from(encodeRecord(logRecord({ kind: 'genesis' }, { logId: 'log' })))
    const messages = [{ offset: '0', key: Buffer.from('control'), value, isControlRecord: false }]
    const broker: ProtocolBroker = {
      produce: async () => ({ topics: [{ partitions: [{ baseOffset: '0' }] }] }),
      fetch: async () => ({ responses: [{ partitions: [{ messages, lastStartOffset: '0', highWatermark: String(this.records) }] }] }),
      listOffsets: async ({ topics }) => {
        this.asked++
        const isEnd = topics[0]?.partitions[0]?.timestamp === -1
        return { responses: [{ partitions: [{ offset: isEnd ? String(this.records) : '0' }] }] }
      },
    }
    return this.#contact(this.leaderMs, {
      connect: async () => undefined,
      disconnect: async () => undefined,
      addTargetTopic: async () => undefined,
      findLeaderForPartitions: () => ({ 1: [0] }),
      findBroker: async () => broker,
      brokerPool: { metadata: null },
    })
  }

  /** As slow as told, and failed by its end as kafkajs' are. */
  #contact<C>(ms: number | null, client: C): Contact<C> {
    const { promise, resolve, reject } = Promise.withResolvers<C>()
    this.#open++
    const timer = ms === null ? undefined : setTimeout(() => resolve(client), ms)
    let isOpen = true
    const end = (): void => {
      if (isOpen) this.#open--
      isOpen = false
      clearTimeout(timer)
      reject(new Error('given up'))
    }
    return { connected: promise, end }
  }
}

const starting = (brokers: Brokers, logId: string | null, named?: readonly string[]): Promise<KafkaVerification> => {
  const started = start(brokers, logId, named)
  // It may end before anybody waits for it, because only the clock makes it go on.
  started.catch(() => undefined)
  return started
}

const start = async (brokers: Brokers, logId: string | null, named: readonly string[] = ['a:9092']): Promise<KafkaVerification> => {
  const platform = { nowMs: () => 0, newId: () => 'id', log: () => undefined }
  const verification = await KafkaVerification.start({
    connection: brokers,
    place: { ...brokers.place, brokers: named },
    known: logId,
    platform,
  })
  onTestFinished(() => verification.close())
  return verification
}

/** No time passes but what is told to. */
const stopClock = (): void => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
}

test('one slow broker is waited for when there is no other', async () => {
  stopClock()
  const brokers = new Brokers()
  brokers.adminMs = 9000
  const started = starting(brokers, null)
  await vi.advanceTimersByTimeAsync(30_000)
  expect((await started).logId).toBe('log')
})

test('slow brokers are waited for longer each time, when others might have been faster', async () => {
  stopClock()
  const brokers = new Brokers()
  brokers.adminMs = 9000
  const started = starting(brokers, null, ['a:9092', 'b:9092'])
  await vi.advanceTimersByTimeAsync(30_000)
  expect((await started).logId).toBe('log')
})

/** A log that is opened without its brokers, from a snapshot. */
const openedWithout = async (): Promise<{ readonly brokers: Brokers; readonly verification: KafkaVerification }> => {
  const brokers = new Brokers()
  brokers.adminMs = null
  const started = starting(brokers, 'log')
  await vi.advanceTimersByTimeAsync(5000)
  const verification = await started
  expect(() => verification.check()).toThrow('opening the log failed')
  return { brokers, verification }
}

test('a known log opens without its brokers, and slow ones are found later', async () => {
  stopClock()
  const { brokers, verification } = await openedWithout()
  brokers.adminMs = 9000
  await vi.advanceTimersByTimeAsync(60_000)
  expect(() => verification.check()).not.toThrow()
  expect(verification.partitions).toBe(4)
})

test.each([
  ['for brokers', 0, {}],
  ['for a leader', 2, { adminMs: 0, leaderMs: null }],
  ['for a topic to appear', 5, { adminMs: 0, partitions: 0 }],
  ['for a log that is not empty', 8, { adminMs: 0, records: 0 }],
] satisfies readonly (readonly [string, number, Partial<Brokers>])[])(
  'nothing goes on after the end, whatever was waited %s',
  async (_what, calls, told) => {
    stopClock()
    const { brokers, verification } = await openedWithout()
    Object.assign(brokers, told)
    // Into the middle of an attempt, not between two.
    for (let ms = 0; brokers.open === 0 || brokers.asked < calls; ms++) {
      expect(ms).toBeLessThan(60_000)
      await vi.advanceTimersByTimeAsync(1)
    }
    verification.close()
    await vi.advanceTimersByTimeAsync(0)
    const { asked } = brokers
    expect([brokers.open, vi.getTimerCount()]).toEqual([0, 0])
    await vi.advanceTimersByTimeAsync(60_000)
    expect([brokers.open, brokers.asked]).toEqual([0, asked])
  },
)

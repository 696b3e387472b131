/** The topic of a log: made when it is missing, refused when its settings would lose records. */
import kafkajs, { type Admin, type ConfigEntries } from 'kafkajs'
import { limits } from '../src/base/limits.ts'
import { LogError } from '../src/log/log.ts'
import type { KafkaPlace } from '../src/ops/places.ts'
import type { Contact } from './kafka-contact.ts'
import { type Pauses, within } from './kafka-deadline.ts'
import { protocolCode, reasonOf } from './kafka-failure.ts'

export interface Topic {
  readonly partitions: number
  /** What is not as asked for and does no harm by itself. */
  readonly warnings: readonly string[]
}

export const topicName = (place: KafkaPlace): string => `${place.topicPrefix}.log`

/** Between the answer that a topic was made and the one that it is there. */
const APPEARS_MS = 3000
const LOOK_MS = 50

/** In place of a number of replicas. */
const AS_BROKERS_ARE_SET = -1

/** A batch of the largest record with Kafka's own header. */
const BATCH_BYTES = 1_048_588

/** Settings that a topic is made with, and that are refused otherwise: the log is the only truth, so nothing but Arctos may remove records from it. */
const SETTINGS: readonly Setting[] = [
  { name: 'cleanup.policy', value: 'delete', why: 'compaction removes records that replicas have yet to apply' },
  { name: 'retention.ms', value: '-1', why: 'Kafka would remove old records by time, whether or not a snapshot holds them' },
  { name: 'retention.bytes', value: '-1', why: 'Kafka would remove old records by size, whether or not a snapshot holds them' },
  { name: 'message.timestamp.type', value: 'LogAppendTime', why: 'brokers reject records from a clock that is an hour ahead' },
  { name: 'unclean.leader.election.enable', value: 'false', why: 'a replica that lags could become leader without acknowledged records' },
  {
    name: 'max.message.bytes',
    value: String(BATCH_BYTES),
    why: `a record of ${limits.recordBytes} bytes would be refused`,
    accepts: (value) => Number(value) >= BATCH_BYTES,
  },
]

interface Setting {
  readonly name: string
  readonly value: string
  readonly why: string
  readonly accepts?: (value: string) => boolean
}

/** What is asked of brokers about topics. */
export type TopicAdmin = Pick<Admin, 'fetchTopicMetadata' | 'createTopics' | 'describeConfigs'>

interface AdminConnection<A> {
  readonly admin: () => Contact<A>
}

export interface OpenTopicOptions {
  readonly connection: AdminConnection<TopicAdmin>
  readonly place: KafkaPlace
  /** Without, a missing topic is refused: it held a log that is known. */
  readonly create: boolean
  readonly deadlineMs: number
  readonly pauses: Pauses
}

/** Checks the topic of a place. Throws LogError when it is refused, and what kafkajs throws when the brokers do not answer. */
export const openTopic = async ({ connection, place, create, deadlineMs, pauses }: OpenTopicOptions): Promise<Topic> => {
  const topic = topicName(place)
  return withAdmin({ connection, what: 'checking the topic', deadlineMs, pauses }, async (admin) => {
    if ((await partitionsOf(admin, topic)) === null) {
      if (!create) throw missing(topic)
      await createTopic(admin, place, pauses)
    }
    const entries = await settingsOf(admin, topic)
    for (const setting of SETTINGS) checkSetting(topic, setting, entries)
    const found = await appeared(admin, topic, pauses)
    return { partitions: found.count, warnings: warningsOf(place, found, entries.get('min.insync.replicas')) }
  })
}

export interface AdminOptions<A> {
  readonly connection: AdminConnection<A>
  readonly what: string
  readonly deadlineMs: number
  /** With whose end the calls end. */
  readonly pauses: Pauses
}

/** Public calls of kafkajs, with a deadline; nothing stays open afterwards. */
export const withAdmin = async <A, T>(
  { connection, what, deadlineMs, pauses }: AdminOptions<A>,
  use: (admin: A) => Promise<T>,
): Promise<T> => {
  pauses.check()
  const { connected, end } = connection.admin()
  const settle = pauses.atEnd(end)
  try {
    return await within(connected.then(use), deadlineMs, what)
  } finally {
    settle()
    end()
  }
}

const createTopic = async (admin: TopicAdmin, place: KafkaPlace, pauses: Pauses): Promise<void> => {
  const topic = topicName(place)
  try {
    // False: another replicator has just made it.
    await admin.createTopics({
      topics: [
        {
          topic,
          numPartitions: place.partitions,
          replicationFactor: place.replicationFactor ?? AS_BROKERS_ARE_SET,
          configEntries: [
            ...SETTINGS.map(({ name, value }) => ({ name, value })),
            ...(place.minInsyncReplicas === null ? [] : [{ name: 'min.insync.replicas', value: String(place.minInsyncReplicas) }]),
          ],
        },
      ],
    })
  } catch (cause) {
    const code = protocolCode(cause) ?? reasonOf(cause)
    const refused = [
      'INVALID_REPLICATION_FACTOR',
      'TOPIC_AUTHORIZATION_FAILED',
      'CLUSTER_AUTHORIZATION_FAILED',
      'POLICY_VIOLATION',
      'INVALID_CONFIG',
    ]
    if (!refused.includes(code)) throw cause
    const settings = SETTINGS.map(({ name, value }) => `${name}=${value}`).join(', ')
    const replicas = place.replicationFactor === null ? '' : `, replication factor ${place.replicationFactor}`
    const asked = `${place.partitions} partitions${replicas}`
    throw refusal(`topic \`${topic}\` is missing and could not be made: ${code}`, `make it with ${asked}, ${settings}`, cause)
  }
  await appeared(admin, topic, pauses)
}

interface Partitions {
  readonly count: number
  readonly replicas: number
}

const partitionsOf = async (admin: TopicAdmin, topic: string): Promise<Partitions | null> => {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const partitions = topics.find(({ name }) => name === topic)?.partitions ?? []
    return { count: partitions.length, replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)) }
  } catch (error) {
    if (protocolCode(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return null
    throw error
  }
}

const appeared = async (admin: TopicAdmin, topic: string, pauses: Pauses): Promise<Partitions> => {
  const until = performance.now() + APPEARS_MS
  for (;;) {
    const found = await partitionsOf(admin, topic)
    if (found !== null && found.count > 0) return found
    if (performance.now() > until) throw new Error(`topic \`${topic}\` was made and does not appear`)
    await pauses.pass(LOOK_MS)
  }
}

const settingsOf = async (admin: TopicAdmin, topic: string): Promise<ReadonlyMap<string, string>> => {
  const names = [...SETTINGS.map(({ name }) => name), 'min.insync.replicas']
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: names }
  const { resources } = await admin.describeConfigs({ resources: [resource], includeSynonyms: false })
  const entries: readonly ConfigEntries[] = resources.flatMap(({ configEntries }) => configEntries)
  return new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
}

const checkSetting = (topic: string, { name, value, why, accepts }: Setting, entries: ReadonlyMap<string, string>): void => {
  const found = entries.get(name)
  if (found !== undefined && (accepts === undefined ? found === value : accepts(found))) return
  const wanted = accepts === undefined ? `\`${value}\`` : `at least ${value}`
  const remedy = `kafka-configs.sh --alter --topic ${topic} --add-config ${name}=${value}`
  throw refusal(`topic \`${topic}\` has ${name} \`${found ?? 'unknown'}\`, expected ${wanted}: ${why}`, `set it with \`${remedy}\``)
}

const warningsOf = (place: KafkaPlace, { replicas }: Partitions, minInsync: string | undefined): readonly string[] =>
  [replicasWarning(place, replicas), insyncWarning(place, replicas, Number(minInsync))].filter((warning) => warning !== null)

const replicasWarning = ({ replicationFactor, brokers }: KafkaPlace, replicas: number): string | null => {
  if (replicationFactor !== null) {
    return replicas < replicationFactor ? `the topic has ${replicas} replicas, asked for are ${replicationFactor}` : null
  }
  if (replicas > 1 || brokers.length === 1) return null
  return 'the topic has 1 replica: the broker that is lost takes the log with it; give it 3, or say `replication=1` when that is meant'
}

const insyncWarning = ({ minInsyncReplicas }: KafkaPlace, replicas: number, found: number): string | null => {
  if (replicas < found) {
    return `the topic has min.insync.replicas ${found}, and fewer replicas, ${replicas}: nothing can be written to it; set one of them`
  }
  if (minInsyncReplicas !== null) {
    return found < minInsyncReplicas
      ? `the topic has min.insync.replicas ${found}, expected ${minInsyncReplicas}: set it, or say \`min-insync=${found}\` when that is meant`
      : null
  }
  if (replicas === 1 || found > 1) return null
  return `the topic has ${replicas} replicas and min.insync.replicas ${found}: what is acknowledged may be on one broker and lost with it; set it to 2, or say \`min-insync=1\` when that is meant`
}

const missing = (topic: string): LogError =>
  new LogError(
    'diverged',
    `topic \`${topic}\` is missing, but its log is known from snapshots: it was deleted, or the brokers or the prefix are others; restore the topic, or start anew with an empty data directory and object store`,
  )

// `unavailable`, because it can be mended while this process waits.
const refusal = (reason: string, remedy: string, cause?: unknown): LogError =>
  new LogError('unavailable', `${reason}; ${remedy}`, cause === undefined ? undefined : { cause })

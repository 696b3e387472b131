/** The part of kafkajs' protocol layer that the Kafka log uses, with types: the only file that knows its insides (docs/adr/0009). */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'

/** What the types below were read from. A test compares it with what is installed. */
export const readVersion = '2.2.4'

export interface ProtocolMessage {
  readonly key: Buffer | null
  readonly value: Buffer | null
}

export interface FoundMessage extends ProtocolMessage {
  readonly offset: string
  /** The end of a transaction: an offset without a record. */
  readonly isControlRecord: boolean
}

interface Topics<P> {
  readonly topic: string
  readonly partitions: readonly P[]
}

export interface ProtocolBroker {
  produce(request: {
    readonly acks: -1
    readonly timeout: number
    readonly compression: 0
    readonly topicData: readonly Topics<{ readonly partition: number; readonly messages: readonly SentMessage[] }>[]
  }): Promise<{ readonly topics: readonly { readonly partitions: readonly { readonly baseOffset: string }[] }[] }>
  fetch(request: {
    readonly replicaId: -1
    readonly isolationLevel: 0
    readonly maxWaitTime: number
    readonly minBytes: number
    readonly maxBytes: number
    readonly topics: readonly Topics<{ readonly partition: number; readonly fetchOffset: string; readonly maxBytes: number }>[]
  }): Promise<{ readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[] }>
  listOffsets(request: {
    readonly isolationLevel: 0
    /** -2: the first offset, -1: the next one. */
    readonly topics: readonly Topics<{ readonly partition: number; readonly timestamp: -1 | -2 }>[]
  }): Promise<{ readonly responses: readonly { readonly partitions: readonly { readonly offset: string }[] }[] }>
}

export interface SentMessage extends ProtocolMessage {
  readonly timestamp: number
  readonly headers: Readonly<Record<string, never>>
}

export interface FetchedPartition {
  readonly messages: readonly FoundMessage[]
  /** As kafkajs spells the log's first offset. */
  readonly lastStartOffset: string
  readonly highWatermark: string
}

export interface ProtocolCluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  /** Partitions by the id of the broker that leads them, or by `noLeader`. */
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>
  findBroker(options: { readonly nodeId: string }): Promise<ProtocolBroker>
  /** What the brokers told last; null before they did. */
  readonly brokerPool: { readonly metadata: { readonly brokers: readonly NamedBroker[] } | null }
}

export interface NamedBroker {
  readonly host: string
  readonly port: number
}

/** Stands for the broker of partitions that nobody leads. */
export const noLeader = '-1'

export type SocketFactory = (options: {
  readonly host: string
  readonly port: number
  readonly ssl?: ConnectionOptions | boolean | null
  readonly onConnect: () => void
}) => Socket

export interface ClusterOptions {
  readonly brokers: () => Promise<readonly string[]>
  readonly clientId: string
  readonly socketFactory: SocketFactory
  readonly ssl?: ConnectionOptions | boolean
  readonly sasl?: SaslOptions
  readonly connectionTimeout: number
  readonly authenticationTimeout: number
  readonly reauthenticationThreshold: number
  readonly requestTimeout: number
  /** Off: it looks at every connection ten times a second, and every call here has a deadline of its own. */
  readonly enforceRequestTimeout: false
  readonly metadataMaxAge: number
  /** One attempt: the retry loops are ours. */
  readonly retry: { readonly retries: 0 }
  readonly allowAutoTopicCreation: false
  readonly maxInFlightRequests: number
  readonly isolationLevel: 0
}

export interface SaslOptions {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

export const protocolCluster = (options: ClusterOptions): ProtocolCluster => {
  const { Cluster, logger } = insides()
  return new Cluster({ ...options, logger })
}

/** What is used, where it is found, so that a test can see that it is there. */
export const usedInsides = (): Readonly<Record<string, unknown>> => {
  const { Cluster, RequestQueue, Broker, metadata, logger } = insides()
  const members = (name: string, prototype: object, used: readonly string[]): readonly (readonly [string, unknown])[] =>
    used.map((member) => [`${name}.${member}`, Reflect.get(prototype, member)])
  return Object.fromEntries([
    ...members('Cluster', Cluster.prototype, ['connect', 'disconnect', 'addTargetTopic', 'findLeaderForPartitions', 'findBroker']),
    ...members('Broker', Broker.prototype, ['produce', 'fetch', 'listOffsets']),
    ...members('RequestQueue', RequestQueue.prototype, ['scheduleCheckPendingRequests', 'checkPendingRequests']),
    ...members('metadata', metadata, ['parse']),
    ...members('logger', logger, ['namespace', 'debug', 'error']),
  ])
}

interface Insides {
  readonly Cluster: { new (options: ClusterOptions & { readonly logger: object }): ProtocolCluster; readonly prototype: object }
  readonly Broker: { readonly prototype: object }
  readonly RequestQueue: { readonly prototype: RequestQueue }
  readonly metadata: MetadataResponse
  readonly logger: object
}

/** Of the newest version that kafkajs knows, which is the one that it uses with every broker since Kafka 2.0. */
interface MetadataResponse {
  parse: (data: Metadata) => Promise<Metadata>
}

interface Metadata {
  readonly topicMetadata: readonly {
    readonly partitionMetadata: readonly { readonly partitionErrorCode: number; readonly leader: number }[]
  }[]
}

interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

let loaded: Insides | null = null

// These modules have no types: what they are is asserted here once, by reading kafkajs 2.2.4, and checked by a test against the pinned package.
const insides = (): Insides => {
  if (loaded !== null) return loaded
  const require = createRequire(import.meta.url)
  // oxlint-disable typescript/no-unsafe-type-assertion -- see above
  const loggers = require('kafkajs/src/loggers') as {
    readonly createLogger: (options: { readonly level: number; readonly logCreator: () => () => void }) => object
    readonly LEVELS: { readonly NOTHING: number }
  }
  loaded = {
    Cluster: require('kafkajs/src/cluster') as Insides['Cluster'],
    Broker: require('kafkajs/src/broker') as Insides['Broker'],
    RequestQueue: require('kafkajs/src/network/requestQueue') as Insides['RequestQueue'],
    metadata: require('kafkajs/src/protocol/requests/metadata/v6/response') as Insides['metadata'],
    logger: loggers.createLogger({ level: loggers.LEVELS.NOTHING, logCreator: () => () => undefined }),
  }
  // oxlint-enable typescript/no-unsafe-type-assertion
  loaded.RequestQueue.prototype.scheduleCheckPendingRequests = scheduleWhenPending
  loaded.metadata.parse = withLeaderless(loaded.metadata.parse)
  return loaded
}

/** Stands in for the method of the same name, which arms itself every millisecond for ever, with a negative delay. */
function scheduleWhenPending(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return
  const waitMs = Math.max(this.throttledUntil - Date.now(), 10)
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null
    this.checkPendingRequests()
  }, waitMs)
}

const LEADERLESS: ReadonlySet<number> = new Set([5, 72])

/** Around the function of the same name, which fails for all partitions of a topic when one of them has no leader, or one that cannot be reached. */
const withLeaderless =
  (parse: MetadataResponse['parse']): MetadataResponse['parse'] =>
  async (data) =>
    parse({
      ...data,
      topicMetadata: data.topicMetadata.map((topic) => ({
        ...topic,
        partitionMetadata: topic.partitionMetadata.map((partition) =>
          LEADERLESS.has(partition.partitionErrorCode) ? { ...partition, partitionErrorCode: 0, leader: Number(noLeader) } : partition,
        ),
      })),
    })

/** Mends every kafkajs client of this process, the public ones included. */
export const mendClients = (): void => {
  insides()
}

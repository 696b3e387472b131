/** One connection to the leader of one partition: append, fetch, bounds. Any failure ends it; the next call dials again. */
import { assert, at } from '../src/base/assert.ts'
import type { KafkaConnection } from './kafka-connection.ts'
import type { Contact } from './kafka-contact.ts'
import { within } from './kafka-deadline.ts'
import { Unsent } from './kafka-failure.ts'
import { type FoundMessage, noLeader, type ProtocolBroker, type ProtocolCluster, type ProtocolMessage } from './kafka-protocol.ts'

export interface Found {
  readonly offset: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

export interface Fetched {
  readonly messages: readonly Found[]
  /** First retained offset. */
  readonly low: number
  /** First offset that is not yet durable. */
  readonly high: number
}

export interface Watermarks {
  readonly low: number
  readonly high: number
}

/** What a link dials by. */
export type ClusterConnection = Pick<KafkaConnection, 'cluster'>

/** What readers and followers ask of a link. */
export type ReadLink = Pick<PartitionLink, 'partition' | 'fetch' | 'watermarks' | 'drop'>

/** What an appender asks of one. */
export type AppendLink = Pick<PartitionLink, 'partition' | 'append' | 'drop'>

/** Added to the wait that is asked of the broker. */
const FETCH_MS = 4000
const BOUNDS_MS = 4000

/** Calls of one kind: one broker connection answers them one after another, so a long poll holds back what comes behind it. */
export class PartitionLink {
  readonly partition: number
  readonly #connection: ClusterConnection
  readonly #topic: string
  #cluster: Contact<ProtocolCluster> | null = null
  #turn = 0

  constructor(connection: ClusterConnection, topic: string, partition: number) {
    this.#connection = connection
    this.#topic = topic
    this.partition = partition
  }

  /** Offset of the first message; the others follow without gap. Rejects with `Unsent` when nothing was sent. */
  async append(messages: readonly ProtocolMessage[], timeoutMs: number, timestamp: number): Promise<number> {
    const sent = messages.map(({ key, value }) => ({ key, value, timestamp, headers: {} }))
    return this.#ask(timeoutMs, 'append', async (leader) => {
      const { topics } = await leader.produce({
        acks: -1,
        timeout: Math.max(1, Math.floor(timeoutMs)),
        compression: 0,
        topicData: [{ topic: this.#topic, partitions: [{ partition: this.partition, messages: sent }] }],
      })
      return safe(at(at(topics, 0).partitions, 0).baseOffset)
    })
  }

  /** Waits up to `maxWaitMs` for a message at `from`. At most about `maxBytes`, but a whole batch. Rejects with the protocol's `OFFSET_OUT_OF_RANGE` outside of the log. */
  async fetch(from: number, maxWaitMs: number, maxBytes: number): Promise<Fetched> {
    return this.#ask(maxWaitMs + FETCH_MS, 'fetch', async (leader) => {
      const { responses } = await leader.fetch({
        replicaId: -1,
        isolationLevel: 0,
        maxWaitTime: maxWaitMs,
        minBytes: 1,
        maxBytes,
        topics: [{ topic: this.#topic, partitions: [{ partition: this.partition, fetchOffset: String(from), maxBytes }] }],
      })
      const found = at(at(responses, 0).partitions, 0)
      // A batch is returned from its first message on.
      const messages = found.messages.map(readMessage).filter(({ offset }) => offset >= from)
      return { messages, low: safe(found.lastStartOffset), high: safe(found.highWatermark) }
    })
  }

  async watermarks(): Promise<Watermarks> {
    return this.#ask(BOUNDS_MS, 'bounds', async (leader) => {
      const offset = async (timestamp: -1 | -2): Promise<number> => {
        const topics = [{ topic: this.#topic, partitions: [{ partition: this.partition, timestamp }] }]
        const { responses } = await leader.listOffsets({ isolationLevel: 0, topics })
        return safe(at(at(responses, 0).partitions, 0).offset)
      }
      const low = await offset(-2)
      return { low, high: Math.max(low, await offset(-1)) }
    })
  }

  drop(): void {
    const cluster = this.#cluster
    this.#cluster = null
    cluster?.end()
  }

  async #ask<T>(ms: number, what: string, use: (leader: ProtocolBroker) => Promise<T>): Promise<T> {
    const until = performance.now() + ms
    const cluster = (this.#cluster ??= this.#connect())
    try {
      const leader = await this.#leader(cluster, ms)
      return await within(use(leader), until - performance.now(), `${what} on partition ${this.partition}`)
    } catch (error) {
      if (this.#cluster === cluster) this.drop()
      throw error
    }
  }

  async #leader({ connected }: Contact<ProtocolCluster>, ms: number): Promise<ProtocolBroker> {
    const find = async (): Promise<ProtocolBroker> => {
      const client = await connected
      const [nodeId] = Object.keys(client.findLeaderForPartitions(this.#topic, [this.partition]))
      assert(nodeId !== undefined, `topic \`${this.#topic}\` has no partition ${this.partition}`)
      if (nodeId === noLeader) throw new Error(`partition ${this.partition} has no leader at the moment`)
      return client.findBroker({ nodeId })
    }
    try {
      return await within(find(), ms, 'connecting')
    } catch (cause) {
      throw new Unsent(`no connection to the leader of partition ${this.partition}`, { cause })
    }
  }

  #connect(): Contact<ProtocolCluster> {
    const contact = this.#connection.cluster(this.#topic, this.#turn++)
    // Whoever asks hears of it; when nobody waits any more, it is no bug.
    contact.connected.catch(() => undefined)
    return contact
  }
}

const readMessage = ({ offset, key, value, isControlRecord }: FoundMessage): Found => ({
  offset: safe(offset),
  key: isControlRecord ? null : key,
  value,
})

const safe = (offset: string): number => {
  const value = Number(offset)
  assert(Number.isSafeInteger(value), `offset ${offset} is a whole number below 2^53`)
  return value
}

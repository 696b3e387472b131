/** Forgets the oldest records of a partition. */
import { LogError } from '../src/log/log.ts'
import type { KafkaConnection } from './kafka-connection.ts'
import type { Pauses } from './kafka-deadline.ts'
import { protocolCode, unavailable } from './kafka-failure.ts'
import { withAdmin } from './kafka-topic.ts'

/** A partition that was made or moved a moment ago is not yet known to every broker. */
const PASSING: ReadonlySet<string | null> = new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION'])
const ATTEMPTS = 5
const PAUSE_MS = 200
const TRIM_MS = 10_000

export interface TrimOptions {
  readonly connection: KafkaConnection
  readonly topic: string
  readonly partition: number
  readonly through: number
  readonly pauses: Pauses
}

/** Up to a revision, this one included; trimming again is no change. Rejects with LogError. */
export const trimPartition = async ({ connection, topic, partition, through, pauses }: TrimOptions): Promise<void> => {
  const operation = `trimming partition ${partition} of topic \`${topic}\` through revision ${through}`
  for (let attempt = 1; ; attempt++) {
    try {
      await withAdmin({ connection, what: operation, deadlineMs: TRIM_MS, pauses }, async (admin) => {
        // Without the topic's metadata kafkajs does not find the leader.
        await admin.fetchTopicMetadata({ topics: [topic] })
        await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(through + 1) }] })
      })
      return
    } catch (cause) {
      const code = protocolCode(cause)
      if (code === 'OFFSET_OUT_OF_RANGE') throw new LogError('out-of-range', `${operation} failed: it is past the head`, { cause })
      if (attempt === ATTEMPTS || !PASSING.has(code)) throw unavailable(operation, cause)
      await pauses.wait(PAUSE_MS)
    }
  }
}

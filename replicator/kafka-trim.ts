/** Forgets the oldest records of a partition. */
import { LogError } from '../src/log/log.ts'
import type { KafkaConnection } from './kafka-connection.ts'
import { protocolCode, unavailable } from './kafka-failure.ts'
import { withAdmin } from './kafka-topic.ts'

/** Up to a revision, this one included. Rejects with LogError. */
export const trimPartition = async (connection: KafkaConnection, topic: string, partition: number, through: number): Promise<void> => {
  const operation = `trimming partition ${partition} of topic \`${topic}\` through revision ${through}`
  try {
    await withAdmin(connection, operation, async (admin) => {
      // Without the topic's metadata kafkajs does not find the leader.
      await admin.fetchTopicMetadata({ topics: [topic] })
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(through + 1) }] })
    })
  } catch (cause) {
    if (protocolCode(cause) === 'OFFSET_OUT_OF_RANGE')
      throw new LogError('out-of-range', `${operation} failed: it is past the head`, { cause })
    throw unavailable(operation, cause)
  }
}

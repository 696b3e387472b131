/** A real Kafka broker for a test file, logs on it, and topics of a test's own. */
import { randomUUID } from 'node:crypto'
import kafkajs, { type Admin } from 'kafkajs'
import { afterAll, onTestFinished } from 'vitest'
import { openKafkaLog } from '../../replicator/kafka-log.ts'
import { mendClients } from '../../replicator/kafka-protocol.ts'
import { type KafkaOptions, type KafkaServer, startKafka } from '../../scripts/servers/kafka.ts'
import { type KafkaCluster, startKafkaCluster } from '../../scripts/servers/kafka-cluster.ts'
import { kafkaJars } from '../../scripts/servers/kafka-jars.ts'
import type { SnapshotPlatform } from '../../snapshots/platform.ts'
import { limits } from '../../src/base/limits.ts'
import type { PartitionedLog } from '../../src/log/log.ts'
import type { LogFields } from '../../src/ops/log-line.ts'
import type { KafkaPlace } from '../../src/ops/places.ts'
import { makeDirectory, removeDirectory } from './directory.ts'
import { isHere } from './servers.ts'

/** Whether a broker can be had. */
export const kafkaIsHere = (): Promise<boolean> => isHere('Kafka', kafkaJars)

/** Awaited at the top of a test file; the broker ends after the file's last test. Null where none can be had. */
export const testKafka = async (options: Omit<KafkaOptions, 'directory'> = {}): Promise<KafkaServer | null> => {
  if (!(await kafkaIsHere())) return null
  const directory = makeDirectory()
  const server = await startKafka({ ...options, directory })
  afterAll(async () => {
    server.thaw()
    await server.kill()
    removeDirectory(directory)
  })
  return server
}

/** Three brokers, as `testKafka` starts one. */
export const testKafkaCluster = async (): Promise<KafkaCluster | null> => {
  if (!(await kafkaIsHere())) return null
  const directory = makeDirectory()
  const cluster = await startKafkaCluster({ directory, nodes: 3 })
  afterAll(async () => {
    await cluster.kill()
    removeDirectory(directory)
  })
  return cluster
}

/** With a topic that no other test uses. */
export const testPlace = (server: Pick<KafkaServer, 'address'>, place: Partial<KafkaPlace> = {}): KafkaPlace => ({
  kind: 'kafka',
  brokers: [server.address],
  topicPrefix: `test-${randomUUID()}`,
  tls: false,
  sasl: null,
  partitions: 4,
  replicationFactor: 1,
  minInsyncReplicas: 1,
  ...place,
})

/** What a topic that is made by hand needs. */
export const topicSettings: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'message.timestamp.type': 'LogAppendTime',
  'max.message.bytes': '1048588',
}

export interface LogLine {
  readonly event: string
  readonly fields: LogFields
}

export interface OpenOptions {
  readonly logId?: string | null
  readonly username?: string
  readonly password?: string
  readonly maxRecordBytes?: number
  /** Takes what is logged. */
  readonly lines?: LogLine[]
}

/** Open until the caller closes it. */
export const openLog = async (place: KafkaPlace, options: OpenOptions = {}): Promise<PartitionedLog> =>
  openKafkaLog({
    place,
    username: options.username ?? null,
    password: options.password ?? null,
    logId: options.logId ?? null,
    platform: testPlatform(options.lines ?? []),
    maxRecordBytes: options.maxRecordBytes ?? limits.recordBytes,
  })

/** Closed when the test of this call ends. */
export const openTestLog = async (place: KafkaPlace, options: OpenOptions = {}): Promise<PartitionedLog> => {
  const log = await openLog(place, options)
  onTestFinished(async () => log.close())
  return log
}

const testPlatform = (lines: LogLine[]): Pick<SnapshotPlatform, 'nowMs' | 'monotonicMs' | 'newId' | 'log'> => ({
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  newId: () => randomUUID(),
  log: (_level, event, fields = {}) => lines.push({ event, fields }),
})

/** Public calls on a broker, as an operator makes them. */
export const withTestAdmin = async <T>(server: Pick<KafkaServer, 'address'>, use: (admin: Admin) => Promise<T>): Promise<T> => {
  mendClients()
  const admin = new kafkajs.Kafka({ brokers: [server.address], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

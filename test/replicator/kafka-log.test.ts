/** The log on Kafka keeps what every log promises, with an environment per partition and with all of them in one. */
import { describe } from 'vitest'
import { limits } from '../../src/base/limits.ts'
import type { Log, PartitionedLog } from '../../src/log/log.ts'
import { type LogHarness, logConformance, logDurabilityConformance } from '../log/log-conformance.ts'
import { openLog, testKafka, testPlace } from '../support/kafka.ts'

const kafka = await testKafka()

/** A log on a topic of its own, whose environments are placed when they are first named, by a map that outlives it as `control` does. */
const harness = async (partitionOf: (count: number) => number): Promise<LogHarness> => {
  if (kafka === null) throw new Error('there is no broker')
  const place = testPlace(kafka, { partitions: 8 })
  const environments = new Map<string, number>()
  const opened: PartitionedLog[] = []
  let logId: string | null = null
  return {
    maxRecordBytes: limits.recordBytes,
    async reopen(killed = false) {
      if (!killed) await opened.at(-1)?.close()
      const log = await openLog(place, { logId })
      logId = log.logId
      opened.push(log)
      for (const [env, partition] of environments) log.assign(env, partition)
      return placing(log, (env) => {
        if (environments.has(env)) return
        environments.set(env, partitionOf(environments.size))
        log.assign(env, partitionOf(environments.size - 1))
      })
    },
    async end() {
      await Promise.all(opened.map(async (log) => log.close()))
    },
  }
}

const placing = (log: PartitionedLog, named: (env: string) => void): Log => {
  const first = (env: string): string => {
    named(env)
    return env
  }
  return {
    logId: log.logId,
    append: async (env, record) => log.append(first(env), record),
    read: async (env, after, limit) => log.read(first(env), after, limit),
    bounds: async (env) => log.bounds(first(env)),
    environments: async () => log.environments(),
    subscribe: (listener) => log.subscribe(listener),
    stalenessMs: (env) => log.stalenessMs(first(env)),
    partitionOf: (env) => log.partitionOf(first(env)),
    trim: async (partition, through) => log.trim(partition, through),
    close: async () => log.close(),
  }
}

// The first partition starts with the genesis of `control`, which is no record of theirs.
describe.skipIf(kafka === null)('kafka', () => {
  logConformance('Kafka, a partition per environment', async () => harness((count) => 1 + count))
  logConformance('Kafka, one partition for all', async () => harness(() => 1))
  logDurabilityConformance('Kafka, a partition per environment', async () => harness((count) => 1 + count))
  logDurabilityConformance('Kafka, one partition for all', async () => harness(() => 1))
})

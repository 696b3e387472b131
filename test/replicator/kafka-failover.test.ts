/** The log on three Kafka brokers while they are lost, one after the other and two at once. */
import type { PartitionMetadata } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import type { KafkaServer } from '../../scripts/servers/kafka.ts'
import type { KafkaCluster } from '../../scripts/servers/kafka-cluster.ts'
import { at, known } from '../../src/base/assert.ts'
import { LogError, type PartitionedLog } from '../../src/log/log.ts'
import { type KafkaPlace, parseLogPlace } from '../../src/ops/places.ts'
import { everything, refusal } from '../log/log-conformance.ts'
import { type LogLine, openLog, openTestLog, testKafkaCluster, testPlace, topicSettings, withTestAdmin } from '../support/kafka.ts'
import { listen } from '../support/published.ts'
import { appended, checkKept, note, startLoad, writeIds } from './kafka-load.ts'

const kafka = await testKafkaCluster()
const cluster = (): KafkaCluster => known(kafka, 'brokers')
const server = (id: number): KafkaServer => cluster().node(id)

/** Three replicas, two of which acknowledge, as these brokers are set. */
const place = (own: Partial<KafkaPlace> = {}): KafkaPlace =>
  testPlace(server(1), { brokers: cluster().addresses, replicationFactor: null, minInsyncReplicas: null, ...own })

/** As a broker tells that runs. */
const partitionsOf = async ({ topicPrefix }: KafkaPlace): Promise<readonly PartitionMetadata[]> => {
  const asked = cluster().ids.find((id) => server(id).isRunning)
  return withTestAdmin(server(known(asked, 'a broker that runs')), async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [`${topicPrefix}.log`] })
    return at(topics, 0).partitions
  })
}

const leaderOf = async (used: KafkaPlace, partition: number): Promise<number> => {
  const found = (await partitionsOf(used)).find(({ partitionId }) => partitionId === partition)
  return known(found, 'a partition').leader
}

const allInSync = async (used: KafkaPlace): Promise<void> => {
  const areInSync = async (): Promise<boolean> => (await partitionsOf(used)).every(({ isr }) => isr.length === 3)
  await expect.poll(areInSync, { timeout: 50_000, interval: 200 }).toBe(true)
}

/** Whatever a test before left of them. */
const allRunning = async (): Promise<void> => {
  for (const id of cluster().ids) server(id).thaw()
  await Promise.all(cluster().ids.map(async (id) => (server(id).isRunning ? undefined : server(id).start())))
}

/** Brokers that are slow to replace one that stands still may take longer than an opening log waits. */
const opened = async (used: KafkaPlace, tries = 3): Promise<PartitionedLog> => {
  try {
    return await openLog(used)
  } catch (error) {
    if (tries > 1 && error instanceof LogError && error.code === 'unavailable') return opened(used, tries - 1)
    throw error
  }
}

/** Opens a log that asks a broker first, with nothing known from before, and appends. */
const appendedFrom = async (used: KafkaPlace, first: string, partition: number): Promise<void> => {
  const brokers = [first, ...cluster().addresses.filter((address) => address !== first)]
  const log = await opened({ ...used, brokers })
  log.assign('elsewhere', partition)
  await appended(log, 'elsewhere', `from ${first}`)
  await log.close()
}

/** Each partition on the given brokers, any of which acknowledges alone. */
const placeOn = async (...ids: readonly number[][]): Promise<KafkaPlace> => {
  const used = place()
  const replicaAssignment = ids.map((replicas, partition) => ({ partition, replicas }))
  const configEntries = Object.entries({ ...topicSettings, 'min.insync.replicas': '1' }).map(([name, value]) => ({ name, value }))
  await withTestAdmin(server(1), async (admin) =>
    admin.createTopics({ topics: [{ topic: `${used.topicPrefix}.log`, replicaAssignment, configEntries }] }),
  )
  return used
}

/** Appends until one is refused for certain: before the cluster has noticed its loss, the outcome is unknown. */
const refusedForCertain = async (log: PartitionedLog, env: string): Promise<string> => {
  for (let index = 0; index < 20; index++) {
    const writeId = `refused-${index}`
    if ((await refusal(log.append(env, note(writeId)))) === 'unavailable') return writeId
  }
  throw new Error('no append was refused for certain')
}

describe.skipIf(kafka === null)('a topic on three brokers', () => {
  const saidOf = async (used: KafkaPlace): Promise<readonly unknown[]> => {
    const lines: LogLine[] = []
    await openTestLog(used, { lines })
    return lines.map(({ event, fields }) => `${event}: ${String(fields['reason'])}`)
  }

  test('is made as they are set, three replicas of which two acknowledge, when the place does not say', async () => {
    const used = place()
    expect(await saidOf(used)).toEqual([])
    expect((await partitionsOf(used)).map(({ replicas }) => replicas.length)).toEqual([3, 3, 3, 3])
  })

  test('is made as the place says', async () => {
    const used = place({ replicationFactor: 2, minInsyncReplicas: 1 })
    expect(await saidOf(used)).toEqual([])
    expect((await partitionsOf(used)).map(({ replicas }) => replicas.length)).toEqual([2, 2, 2, 2])
  })

  test('of one replica can be written to, although two must acknowledge as they are set', async () => {
    const { topicPrefix } = place()
    const parsed = parseLogPlace(`kafka://${cluster().addresses.join(',')}/${topicPrefix}?replication=1`)
    if (!('place' in parsed) || parsed.place.kind !== 'kafka') throw new Error('a place was expected')
    const log = await openTestLog(parsed.place)
    log.assign('e', 1)
    await appended(log, 'e', 'one')
    expect((await partitionsOf(parsed.place)).map(({ replicas }) => replicas.length)).toEqual([1, 1, 1, 1])
  })

  test('is taken with a warning when the loss of one of them may lose what was acknowledged, and nobody said that it may', async () => {
    const single = await placeOn([1], [2])
    expect(await saidOf(single)).toEqual([expect.stringMatching(/^log-settings: the topic has 1 replica: /)])
    expect(await saidOf({ ...single, replicationFactor: 1 })).toEqual([])
    const replicated = await placeOn([1, 2, 3])
    expect(await saidOf(replicated)).toEqual([expect.stringMatching(/^log-settings: .* 3 replicas and min\.insync\.replicas 1: /)])
    expect(await saidOf({ ...replicated, minInsyncReplicas: 1 })).toEqual([])
  })
})

describe.skipIf(kafka === null)('three brokers', { timeout: 150_000 }, () => {
  test('the leader is killed, frozen, shut down, moved: writing goes on, nothing acknowledged is lost, and each is found again', async () => {
    await allRunning()
    const used = place()
    const log = await openTestLog(used)
    const heard = listen(log)
    const load = await startLoad(log, { a: 1, b: 1, c: 2, d: 3 })
    await load.more(20)

    const killed = await leaderOf(used, 1)
    await server(killed).kill()
    await Promise.all([load.more(20), appendedFrom(used, server(killed).address, 0)])
    expect(await leaderOf(used, 1)).not.toBe(killed)
    await server(killed).start()
    await allInSync(used)

    const frozen = await leaderOf(used, 1)
    await server(frozen).freeze()
    await Promise.all([load.more(20), appendedFrom(used, server(frozen).address, 0)])
    server(frozen).thaw()
    await load.more(20)
    expect(await leaderOf(used, 1)).not.toBe(frozen)
    await allInSync(used)

    const moved = await leaderOf(used, 2)
    const before = server(moved).address
    await server(moved).kill('SIGTERM')
    await load.more(20)
    expect(await leaderOf(used, 2)).not.toBe(moved)
    await cluster().move(moved)
    expect(server(moved).address).not.toBe(before)
    await allInSync(used)
    await Promise.all([load.more(20), appendedFrom(used, before, 0)])

    await load.end()
    await checkKept(load, log, heard)
  })

  test('a partition without a leader stops no other; where fewer replicas are left than must acknowledge, nothing is written', async () => {
    await allRunning()
    const strict = place({ minInsyncReplicas: 3 })
    const strictLog = await openTestLog(strict)
    strictLog.assign('e', 1)
    await strictLog.append('e', note('before'))
    const kept = await leaderOf(strict, 1)
    const lost = known(
      cluster().ids.find((id) => id !== kept),
      'another broker',
    )
    const single = await placeOn([kept], [kept], [lost])
    const log = await openTestLog(single)
    log.assign('lost', 2)
    await log.append('lost', note('before'))

    await server(lost).kill()
    const refused = await Promise.all([refusedForCertain(strictLog, 'e'), refusedForCertain(log, 'lost')])
    await appendedFrom(single, server(lost).address, 1)

    // Not where the others know it from.
    await cluster().move(lost)
    for (const [index, [of, env]] of (
      [
        [strictLog, 'e'],
        [log, 'lost'],
      ] as const
    ).entries()) {
      await appended(of, env, 'after')
      const found = writeIds(await everything(of, env))
      expect(found).not.toContain(at(refused, index))
      expect([...new Set(found)].filter((writeId) => !writeId.startsWith('refused'))).toEqual(['before', 'after'])
    }
  })

  test('while two of three are away nothing is acknowledged, and writing goes on when one is back', async () => {
    await allRunning()
    const used = place()
    const log = await openTestLog(used)
    const heard = listen(log)
    const survivor = await leaderOf(used, 1)
    const other = known(
      (await partitionsOf(used)).find(({ leader }) => leader !== survivor),
      'a partition with another leader',
    ).partitionId
    const load = await startLoad(log, { kept: 1, lost: other })
    await load.more(20)
    const away = cluster().ids.filter((id) => id !== survivor)
    await Promise.all(away.map(async (id) => server(id).kill()))

    const writes = ['kept', 'lost', 'kept', 'lost'].map(async (env, index) => refusal(log.append(env, note(`away-${index}`))))
    for (const outcome of await Promise.all(writes)) expect(['unavailable', 'unknown-outcome']).toContain(outcome)

    await server(at(away, 0)).start()
    await load.more(20)
    await load.end()
    await checkKept(load, log, heard)
  })
})

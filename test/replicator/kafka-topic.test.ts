/** The topic of a log: made, refused, trimmed, taken for another one. */
import type { Admin } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { at, known } from '../../src/base/assert.ts'
import { LogError } from '../../src/log/log.ts'
import type { KafkaPlace } from '../../src/ops/places.ts'
import { everything, refusal } from '../log/log-conformance.ts'
import { type LogLine, openLog, openTestLog, testKafka, testPlace, topicSettings, withTestAdmin } from '../support/kafka.ts'
import { listen } from '../support/published.ts'
import { facts, insert, logRecord } from '../support/record.ts'

const kafka = await testKafka()
const server = () => known(kafka, 'a broker')
const place = (): KafkaPlace => testPlace(server())
const admin = async <T>(use: (client: Admin) => Promise<T>): Promise<T> => withTestAdmin(server(), use)
const note = (writeId: string) => logRecord(facts(insert('note', `Text:${writeId}`)), { writeId })

const makeTopic = async ({ topicPrefix }: KafkaPlace, changed: Readonly<Record<string, string>> = {}, numPartitions = 2): Promise<void> => {
  const configEntries = Object.entries({ ...topicSettings, ...changed }).map(([name, value]) => ({ name, value }))
  await admin(async (client) => client.createTopics({ topics: [{ topic: `${topicPrefix}.log`, numPartitions, configEntries }] }))
}

const refusalOf = async (work: Promise<unknown>): Promise<LogError> => {
  try {
    await work
  } catch (error) {
    if (error instanceof LogError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe.skipIf(kafka === null)('the topic of a log', () => {
  test('is made with settings that lose nothing', async () => {
    const made = place()
    const log = await openTestLog(made)
    expect(log.partitions).toBe(4)
    const topic = `${made.topicPrefix}.log`
    const { resources } = await admin(async (client) =>
      client.describeConfigs({ resources: [{ type: 2, name: topic }], includeSynonyms: false }),
    )
    const found = new Map(at(resources, 0).configEntries.map(({ configName, configValue }) => [configName, configValue]))
    for (const [name, value] of Object.entries(topicSettings)) expect([name, found.get(name)]).toEqual([name, value])
    // Opened again it is taken as it is.
    expect((await openTestLog(made)).logId).toBe(log.logId)
  })

  test('made by hand with the right settings is taken, with as many partitions as it has', async () => {
    const made = place()
    await makeTopic(made, { 'max.message.bytes': '2000000' }, 7)
    expect((await openTestLog(made)).partitions).toBe(7)
  })

  test.each([
    ['cleanup.policy', 'compact', 'compaction removes records'],
    ['cleanup.policy', 'compact,delete', 'compaction removes records'],
    ['retention.ms', '604800000', 'would remove old records by time'],
    ['retention.bytes', '1000000', 'would remove old records by size'],
    ['message.timestamp.type', 'CreateTime', 'an hour ahead'],
    ['max.message.bytes', '1000000', 'would be refused'],
    ['unclean.leader.election.enable', 'true', 'without acknowledged records'],
  ])('with %s `%s` is refused, with reason and remedy', async (name, value, why) => {
    const made = place()
    await makeTopic(made, { [name]: value })
    const { code, message } = await refusalOf(openLog(made))
    expect(code).toBe('unavailable')
    expect(message).toContain(`topic \`${made.topicPrefix}.log\` has ${name} \`${value}\`, expected`)
    expect(message).toContain(why)
    expect(message).toContain(`--add-config ${name}=`)
  })

  test('that cannot be made is refused with the settings it needs', async () => {
    const { message } = await refusalOf(openLog({ ...place(), replicationFactor: 3 }))
    expect(message).toContain('is missing and could not be made: INVALID_REPLICATION_FACTOR')
    expect(message).toContain('make it with 4 partitions, replication factor 3, cleanup.policy=delete')
  })

  test('with less safety than asked for is taken with a warning', async () => {
    const made = place()
    await makeTopic(made)
    const lines: LogLine[] = []
    const log = await openLog({ ...made, replicationFactor: 3, minInsyncReplicas: 2 }, { lines })
    await log.close()
    expect(lines.map(({ event }) => event)).toEqual(['log-settings', 'log-settings'])
  })

  test('with fewer replicas than must acknowledge is taken with a warning', async () => {
    const made = place()
    const { logId } = await openTestLog(made)
    const settings = { ...topicSettings, 'min.insync.replicas': '2' }
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
    const resources = [{ type: 2, name: `${made.topicPrefix}.log`, configEntries }]
    await admin(async (client) => {
      await client.alterConfigs({ validateOnly: false, resources })
    })
    const lines: LogLine[] = []
    await openTestLog(made, { logId, lines })
    expect(lines.map(({ fields }) => fields['reason'])).toEqual([expect.stringContaining('nothing can be written to it')])
  })

  test('that is missing although its log is known is not made anew', async () => {
    const { code, message } = await refusalOf(openLog(place(), { logId: 'known' }))
    expect(code).toBe('diverged')
    expect(message).toContain('is missing, but its log is known from snapshots')
  })

  test('with another log than the known one is refused', async () => {
    const made = place()
    const { logId } = await openTestLog(made)
    const { code, message } = await refusalOf(openLog(made, { logId: 'known' }))
    expect(code).toBe('diverged')
    expect(message).toContain(`holds log \`${logId}\`, this replicator follows log \`known\``)
  })

  test('that is empty although its log is known is refused', async () => {
    const made = place()
    await makeTopic(made)
    expect((await refusalOf(openLog(made, { logId: 'known' }))).code).toBe('diverged')
  })

  test('with something else in it is refused', async () => {
    const made = place()
    await makeTopic(made)
    const log = await openTestLog(place())
    log.assign('e', 0)
    const producer = await import('kafkajs').then(({ default: kafkajs }) =>
      new kafkajs.Kafka({ brokers: [server().address], logLevel: 0 }).producer({
        createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      }),
    )
    await producer.connect()
    await producer.send({ topic: `${made.topicPrefix}.log`, messages: [{ value: 'other', partition: 0 }] })
    await producer.disconnect()
    const { code, message } = await refusalOf(openLog(made))
    expect(code).toBe('corrupted')
    expect(message).toContain('choose another topic prefix')
  })
})

describe.skipIf(kafka === null)('a trimmed log', () => {
  test('forgets what was trimmed, for every environment of the partition', async () => {
    const log = await openTestLog(place())
    log.assign('a', 1)
    log.assign('b', 1)
    log.assign('c', 2)
    const revisions: number[] = []
    for (const env of ['a', 'b', 'a', 'b', 'a']) revisions.push(await log.append(env, note(env)))
    await log.append('c', note('c'))
    await everything(log, 'a')
    await log.trim('1', at(revisions, 2))
    for (const env of ['a', 'b']) expect(await log.bounds(env)).toEqual({ first: at(revisions, 3), last: at(revisions, 4) })
    expect(await refusal(log.read('a', -1, 10))).toBe('out-of-range')
    expect(await refusal(log.read('a', at(revisions, 1), 10))).toBe('out-of-range')
    expect((await log.read('a', at(revisions, 2), 10)).map(({ revision }) => revision)).toEqual([at(revisions, 4)])
    expect(await everything(log, 'c')).toHaveLength(1)
    // Again, and further back: nothing to do.
    await log.trim('1', at(revisions, 2))
    await log.trim('1', at(revisions, 0))
    expect(await log.bounds('a')).toEqual({ first: at(revisions, 3), last: at(revisions, 4) })
    expect(await refusal(log.trim('1', at(revisions, 4) + 1))).toBe('out-of-range')
  })

  test('goes on behind what was trimmed, and tells its log by any record, or not at all', async () => {
    const made = place()
    const log = await openTestLog(made)
    log.assign('control', 0)
    const heard = listen(log)
    const record = logRecord(facts(), { logId: log.logId })
    const last = await log.append('control', record)
    await log.trim('0', last)
    expect(await log.bounds('control')).toEqual({ first: last + 1, last })
    expect(await log.read('control', last, 10)).toEqual([])
    expect((await refusalOf(openLog(made))).message).toContain('cannot be told without a snapshot')
    expect((await openTestLog(made, { logId: log.logId })).logId).toBe(log.logId)

    const next = await log.append('control', record)
    expect(next).toBeGreaterThan(last)
    await heard.until(() => heard.head('control') === next)
    expect((await openTestLog(made)).logId).toBe(log.logId)
    expect((await refusalOf(openLog(made, { logId: 'known' }))).code).toBe('diverged')
  })
})

describe.skipIf(kafka === null)('a topic that is made anew under its readers', () => {
  const remake = async (made: KafkaPlace): Promise<void> => {
    await admin(async (client) => client.deleteTopics({ topics: [`${made.topicPrefix}.log`] }))
    // Refused as long as the old one is being deleted.
    await expect
      .poll(
        async () =>
          makeTopic(made).then(
            () => true,
            () => false,
          ),
        { timeout: 30_000 },
      )
      .toBe(true)
  }

  test('is noticed, whether it has fewer records or as many, and nothing is appended to it', async () => {
    const made = place()
    const log = await openTestLog(made)
    const heard = listen(log)
    log.assign('few', 1)
    log.assign('none', 0)
    await log.bounds('few')
    await log.bounds('none')
    for (const id of ['1', '2', '3']) await log.append('few', note(id))
    await remake(made)
    const other = await openTestLog(made)
    other.assign('few', 1)
    await Promise.all(Array.from({ length: 10 }, async (_, index) => other.append('few', note(`other${index}`))))
    await heard.until(() => heard.failure('few') !== null && heard.failure('none') !== null)
    expect(heard.failure('few')?.code).toBe('diverged')
    expect(heard.failure('none')?.code).toBe('diverged')
    expect(heard.records('few').map(({ record }) => record.writeId)).toEqual(['1', '2', '3'])
    expect(await refusal(log.append('few', note('4')))).toBe('diverged')
    expect(await refusal(log.append('none', note('4')))).toBe('diverged')

    // Whoever assigns it again hears the same, because this log is gone.
    log.assign('few', 1)
    expect(await refusal(log.append('few', note('5')))).toMatch(/diverged|unavailable/)
    await heard.until(() => heard.failure('few')?.message.includes(`follows log \`${log.logId}\``) ?? false)
    expect(await everything(other, 'few')).toHaveLength(10)
  })
})

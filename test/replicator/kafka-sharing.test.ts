/** Environments that share a partition, and replicators that share a topic. */

import { sha256 } from '@noble/hashes/sha2.js'
import { describe, expect, test } from 'vitest'
import { KafkaConnection } from '../../replicator/kafka-connection.ts'
import { PartitionLink } from '../../replicator/kafka-link.ts'
import { topicName } from '../../replicator/kafka-topic.ts'
import { at, known } from '../../src/base/assert.ts'
import { encodeRecord } from '../../src/log/codec.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import type { KafkaPlace } from '../../src/ops/places.ts'
import { everything, refusal } from '../log/log-conformance.ts'
import { openTestLog, testKafka, testPlace } from '../support/kafka.ts'
import { listen } from '../support/published.ts'
import { facts, insert, logRecord } from '../support/record.ts'

const kafka = await testKafka()
const place = (): KafkaPlace => testPlace(known(kafka, 'a broker'))
const note = (writeId: string) => logRecord(facts(insert('note', `Text:${writeId}`)), { writeId })
const writeIds = (records: readonly RevisedRecord[]): readonly string[] => records.map(({ record }) => record.writeId)

/** Puts bytes into the topic as nobody should. */
const appendRaw = async (into: KafkaPlace, partition: number, env: string | null, bytes: Uint8Array | null): Promise<number> => {
  const link = new PartitionLink(new KafkaConnection(into, { username: null, password: null }), topicName(into), partition)
  const message = { key: env === null ? null : Buffer.from(env), value: bytes === null ? null : Buffer.from(bytes) }
  try {
    return await link.append([message], 4000, Date.now())
  } finally {
    link.drop()
  }
}

/** As a later version would write it: intact, of another format. */
const newerFormat = (): Uint8Array => {
  const bytes = encodeRecord(note('newer'))
  bytes[4] = 2
  const sum = sha256(Buffer.concat([bytes.subarray(0, 9), bytes.subarray(25)]))
  bytes.set(sum.subarray(0, 16), 9)
  return bytes
}

describe.skipIf(kafka === null)('sharing', () => {
  test('each environment of a partition gets its own records and the head of all', async () => {
    const log = await openTestLog(place())
    const heard = listen(log)
    for (const env of ['a', 'b', 'c']) log.assign(env, 2)
    await log.bounds('a')
    const first = await log.append('a', note('a1'))
    const second = await log.append('b', note('b1'))
    const third = await log.append('a', note('a2'))
    expect(second).toBeGreaterThan(first)
    expect(third).toBeGreaterThan(second)
    await heard.until(() => heard.head('c') === third)
    expect(heard.records('a').map(({ revision }) => revision)).toEqual([first, third])
    expect(writeIds(heard.records('b'))).toEqual(['b1'])
    expect(heard.records('c')).toEqual([])
    for (const env of ['a', 'b', 'c']) expect(heard.head(env)).toBe(third)
    expect(await log.read('c', -1, 10)).toEqual([])
    expect(writeIds(await log.read('a', first, 10))).toEqual(['a2'])
    expect(['a', 'b', 'c'].map((env) => log.partitionOf(env))).toEqual(['2', '2', '2'])
  })

  test('an environment that is not assigned any more hears nothing', async () => {
    const log = await openTestLog(place())
    const heard = listen(log)
    log.assign('a', 1)
    log.assign('b', 1)
    await log.bounds('a')
    log.unassign('b')
    const last = await log.append('a', note('a1'))
    await heard.until(() => heard.head('a') === last)
    expect(heard.head('b')).toBe(-1)
    expect(await refusal(log.append('b', note('b1')))).toBe('unknown-environment')
    expect(await log.environments()).toEqual(['a'])
    log.assign('b', 3)
    expect(await log.append('b', note('b1'))).toBe(0)
  })

  test('a read of an environment passes over many records of others', async () => {
    const log = await openTestLog(place())
    log.assign('rare', 1)
    log.assign('busy', 1)
    const bulk = (writeId: string) => logRecord({ kind: 'policy', source: 'x'.repeat(60_000), filename: null }, { writeId })
    await log.append('rare', note('r1'))
    await Promise.all(Array.from({ length: 50 }, async (_, index) => log.append('busy', bulk(`b${index}`))))
    const last = await log.append('rare', note('r2'))
    await log.append('busy', bulk('b50'))
    expect(writeIds(await everything(log, 'rare'))).toEqual(['r1', 'r2'])
    expect(await log.read('rare', last, 10)).toEqual([])
    expect(await everything(log, 'busy')).toHaveLength(51)
  })

  test('replicators that find the same empty topic agree on its log, and see one order', async () => {
    const shared = place()
    const logs = await Promise.all([1, 2, 3].map(async () => openTestLog(shared)))
    const [one, two, three] = [at(logs, 0), at(logs, 1), at(logs, 2)]
    expect(new Set(logs.map(({ logId }) => logId)).size).toBe(1)
    const heard = logs.map((log) => listen(log))
    for (const log of logs)
      for (const [env, partition] of [
        ['control', 0],
        ['e', 1],
      ] as const)
        log.assign(env, partition)
    await Promise.all(logs.map(async (log) => log.bounds('e')))
    const ids = Array.from({ length: 200 }, (_, index) => `w${index}`)
    await Promise.all(ids.map(async (id, index) => (index % 2 === 0 ? one : two).append('e', note(id))))
    const records = await everything(three, 'e')
    expect(writeIds(records).toSorted()).toEqual(ids.toSorted())
    for (const each of heard) {
      await each.until(() => each.records('e').length === ids.length)
      expect(each.records('e')).toEqual(records)
    }
  })

  test('a genesis that came second is no record of the log', async () => {
    const shared = place()
    const log = await openTestLog(shared)
    const heard = listen(log)
    log.assign('control', 0)
    await log.bounds('control')
    const second = await appendRaw(shared, 0, 'control', encodeRecord(logRecord({ kind: 'genesis' }, { logId: 'second' })))
    const third = await log.append('control', note('third'))
    await heard.until(() => heard.head('control') === third)
    expect(heard.records('control').map(({ revision }) => revision)).toEqual([third])
    const found = await everything(log, 'control')
    expect(found.map(({ revision, record }) => [revision, record.body.kind])).toEqual([
      [0, 'genesis'],
      [third, 'facts'],
    ])
    expect(found[0]?.record.logId).toBe(log.logId)
    expect(second).toBe(1)
    expect((await openTestLog(shared)).logId).toBe(log.logId)
  })

  test.each([
    ['of a newer format', newerFormat(), 'unreadable'],
    ['that is damaged', encodeRecord(note('damaged')).fill(7, 40, 41), 'corrupted'],
    ['without content', null, 'corrupted'],
    ['of something else', Buffer.from('{"not":"ours"}'), 'corrupted'],
  ] as const)('a record %s stops its environment alone', async (_what, bytes, code) => {
    const shared = place()
    const log = await openTestLog(shared)
    const heard = listen(log)
    log.assign('bad', 1)
    log.assign('good', 1)
    await log.bounds('bad')
    const before = await log.append('bad', note('before'))
    const damaged = await appendRaw(shared, 1, 'bad', bytes)
    await log.append('good', note('after'))
    await heard.until(() => heard.records('good').length === 1)
    expect(heard.failure('bad')?.code).toBe(code)
    expect(heard.failure('bad')?.message).toContain(`revision ${damaged} of environment \`bad\``)
    expect(heard.failure('good')).toBeNull()
    expect(writeIds(heard.records('bad'))).toEqual(['before'])
    expect(writeIds(heard.records('good'))).toEqual(['after'])
    expect(writeIds(await log.read('bad', -1, 10))).toEqual(['before'])
    expect(await refusal(log.read('bad', before, 10))).toBe(code)
    expect(writeIds(await everything(log, 'good'))).toEqual(['after'])
  })

  test('what nobody appended through a log is passed over', async () => {
    const shared = place()
    const log = await openTestLog(shared)
    log.assign('e', 1)
    await appendRaw(shared, 1, null, Buffer.from('stray'))
    await appendRaw(shared, 1, 'not assigned', Buffer.from('stray'))
    const revision = await log.append('e', note('e1'))
    expect(await everything(log, 'e')).toEqual([{ revision, record: note('e1') }])
  })

  test('appends beyond the queue are refused, the accepted ones arrive', async () => {
    const server = known(kafka, 'a broker')
    const log = await openTestLog(place())
    log.assign('e', 1)
    await log.append('e', note('first'))
    await server.freeze()
    const outcomes = Array.from({ length: 4000 }, async (_, index) => log.append('e', note(`w${index}`)).catch((error: unknown) => error))
    server.thaw()
    const refused = (await Promise.all(outcomes)).filter((outcome) => typeof outcome !== 'number')
    expect(refused.length).toBeGreaterThan(0)
    expect(at(refused, 0)).toMatchObject({ name: 'LogError', code: 'overloaded' })
    expect(await everything(log, 'e', 1000)).toHaveLength(4001 - refused.length)
  })
})

/** The replicator over a real Kafka: the inner interface, several cells on one log, a broker that is gone. */
import { describe, expect, test } from 'vitest'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { known } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import type { KafkaPlace } from '../../src/ops/places.ts'
import { refusal } from '../log/log-conformance.ts'
import { openLog, testKafka, testPlace } from '../support/kafka.ts'
import { type Cell, startCell, stateOf, until } from './cell.ts'
import { innerConformance, note, ownEnvironments, reader } from './inner-conformance.ts'

const kafka = await testKafka()
const placeOf = (partitions: number): KafkaPlace => testPlace(known(kafka, 'a broker'), { partitions })

/** A cell of its own process, as far as the log can tell. */
const cellOn = async (
  place: KafkaPlace,
  options: { readonly objects?: ObjectStore; readonly remote?: ObjectStore; readonly logId?: string } = {},
): Promise<Cell> => {
  const { logId = null, ...stores } = options
  // Of a log that was trimmed, only objects tell which one it is.
  return startCell({ ...stores, log: await openLog(place, { logId }), settings: { trim: false } })
}

describe.skipIf(kafka === null)('replicator on Kafka', () => {
  // The positions of an environment begin at 0 where it has its partition to itself.
  innerConformance('on Kafka', async () => {
    const log = await openLog(placeOf(16))
    const replicator = await inMemoryReplicator({ log })
    return { replicator, maxRecordBytes: limits.recordBytes, end: () => replicator.close() }
  })

  test('cells on one log agree, whoever writes', async () => {
    const place = placeOf(2)
    const remote = memoryObjectStore('shared')
    const cells = await Promise.all([cellOn(place, { remote }), cellOn(place, { remote }), cellOn(place, { remote })])
    await Promise.all(cells.map(async ({ replicator }) => replicator.createEnvironment('e')))
    await Promise.all(cells.map(async ({ replicator }) => replicator.createEnvironment('idle')))
    await Promise.all(
      cells.flatMap(({ replicator }, cell) =>
        Array.from({ length: 20 }, async (_, index) => replicator.append('e', note(`${cell}-${index}`), `${cell}-${index}`)),
      ),
    )
    const [first, ...others] = await Promise.all(
      cells.map(async ({ replicator }) => {
        await until(async () => ((await stateOf(replicator, 'e')).facts.length === 60 ? true : null))
        return stateOf(replicator, 'e')
      }),
    )
    for (const other of others) expect(other).toEqual(first)
    expect(cells.filter(({ replicator }) => replicator.measure().holdsLease)).toHaveLength(1)
    const [one, two] = cells
    await known(one, 'a cell').replicator.deleteEnvironment('idle')
    await until(async () => ((await ownEnvironments(known(two, 'a cell').replicator)).length === 1 ? true : null))
  })

  test('with the broker gone a cell starts from its own objects, keeps what it has, and goes on by itself', async () => {
    const server = known(kafka, 'a broker')
    const place = placeOf(2)
    const objects = memoryObjectStore()
    const first = await cellOn(place, { objects })
    await first.replicator.createEnvironment('e')
    await first.replicator.append('e', note('a'), 'a')
    for (const env of ['control', 'e']) await first.replicator.publish(env)
    const before = await stateOf(first.replicator, 'e')
    await server.kill()
    expect(['unavailable', 'unknown-outcome']).toContain(await refusal(first.replicator.append('e', note('lost'), 'lost')))
    await first.replicator.close()

    const second = await cellOn(place, { objects, logId: first.log.logId })
    expect(await stateOf(second.replicator, 'e')).toEqual(before)
    expect(second.replicator.stalenessMs('e')).toBeNull()
    const read = reader()
    second.replicator.tail('e', before.revision, read)
    await server.start()
    await until(() => (second.replicator.stalenessMs('e') === null ? null : true))
    await until(async () => ((await second.replicator.append('e', note('b'), 'b').catch(() => null)) === null ? null : true))
    await until(() => (read.records.at(-1)?.record.writeId === 'b' ? true : null))
    expect((await stateOf(second.replicator, 'e')).facts).toContain('note(Text:b)')
  })
})

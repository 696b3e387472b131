/** A tail between reading and being pushed to, step by step. */
import { expect, test } from 'vitest'
import { Tail } from '../../replicator/tail.ts'
import { createMemoryLog } from '../../src/log/memory-log.ts'
import { logRecord } from '../support/record.ts'
import { reader } from './inner-conformance.ts'

const settled = async (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

test('records that are durable but not published are left to the publication', async () => {
  const log = createMemoryLog({ logId: 'memory' })
  for (const writeId of ['a', 'b', 'c']) await log.append('e', logRecord({ kind: 'clear' }, { writeId }))
  const source = { env: 'e', log, head: 0 }
  const read = reader()
  const tail = new Tail(source, -1, read, { ended: () => undefined })
  tail.start()
  await settled()
  expect(read.records.map(({ revision }) => revision)).toEqual([0])
  source.head = 2
  tail.publish(await log.read('e', 0, 10), 2)
  await settled()
  expect(read.records.map(({ revision }) => revision)).toEqual([0, 1, 2])
  expect(read.failures).toEqual([])
})

test('a gap up to the head is no reason to wait', async () => {
  const log = createMemoryLog({ logId: 'memory' })
  await log.append('e', logRecord({ kind: 'clear' }, { writeId: 'a' }))
  // The last positions of a log may hold nothing that is a record.
  const source = { env: 'e', log: { ...log, read: async () => [] }, head: 5 }
  const read = reader()
  const tail = new Tail(source, 3, read, { ended: () => undefined })
  tail.start()
  await settled()
  tail.publish([{ revision: 6, record: logRecord({ kind: 'clear' }) }], 6)
  expect(read.records.map(({ revision }) => revision)).toEqual([6])
})

test('a push that ends its own tail is the last one', async () => {
  const log = createMemoryLog({ logId: 'memory' })
  for (let index = 0; index < 600; index++) await log.append('e', logRecord({ kind: 'clear' }))
  let ended = 0
  const read = reader(() => {
    tail.end()
    return undefined
  })
  const tail = new Tail({ env: 'e', log, head: 599 }, -1, read, {
    ended: () => {
      ended++
    },
  })
  tail.start()
  await settled()
  tail.publish([{ revision: 600, record: logRecord({ kind: 'clear' }) }], 600)
  expect(read.pushes).toHaveLength(1)
  expect(ended).toBe(1)
})

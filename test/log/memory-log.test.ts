/** The log in memory. */
import { expect, test } from 'vitest'
import type { Log } from '../../src/log/log.ts'
import { createMemoryLog } from '../../src/log/memory-log.ts'
import { facts, insert, logRecord } from '../support/record.ts'
import { type LogHarness, logConformance } from './log-conformance.ts'

const maxRecordBytes = 700 * 1024

const inMemory = async (partitions: number): Promise<LogHarness> => {
  let log: Log | undefined
  return {
    maxRecordBytes,
    async reopen() {
      log ??= createMemoryLog({ logId: 'memory', maxRecordBytes, partitions })
      return log
    },
    async end() {
      await log?.close()
    },
  }
}

logConformance('in memory', async () => inMemory(0))
logConformance('in memory, one partition for all', async () => inMemory(1))

test('no reader shares a record with another', async () => {
  const log = createMemoryLog({ logId: 'memory' })
  const record = logRecord(facts(insert('p', 'T:a')))
  await log.append('e', record)
  const [first] = await log.read('e', -1, 1)
  const [second] = await log.read('e', -1, 1)
  expect(first).toEqual({ revision: 0, record })
  expect(first?.record).not.toBe(record)
  expect(first?.record).not.toBe(second?.record)
})

test('environments of one partition share its positions, and hear of its head', async () => {
  const log = createMemoryLog({ logId: 'memory', partitions: 2 })
  for (const [env, partition] of [
    ['a', 0],
    ['b', 1],
    ['idle', 1],
  ] as const)
    log.assign(env, partition)
  const heard: unknown[] = []
  log.subscribe({ published: (env, records, head) => heard.push([env, records.length, head]), failed: () => undefined })
  expect(await log.append('b', logRecord({ kind: 'clear' }))).toBe(0)
  log.assign('c', 1)
  expect(await log.append('c', logRecord({ kind: 'clear' }))).toBe(1)
  expect(heard).toEqual([
    ['b', 1, 0],
    ['idle', 0, 0],
    ['b', 0, 1],
    ['idle', 0, 1],
    ['c', 1, 1],
  ])
  expect(await log.bounds('idle')).toEqual({ first: 0, last: 1 })
  expect(await log.bounds('a')).toEqual({ first: 0, last: -1 })
  expect(['a', 'b', 'idle'].map((env) => log.partitionOf(env))).toEqual(['0', '1', '1'])
  log.unassign('idle')
  expect((await log.environments()).toSorted()).toEqual(['a', 'b', 'c'])
})

/** The log in memory. */
import { expect, test } from 'vitest'
import type { Log } from '../../src/log/log.ts'
import { createMemoryLog } from '../../src/log/memory-log.ts'
import { facts, insert, logRecord } from '../support/record.ts'
import { logConformance } from './log-conformance.ts'

const maxRecordBytes = 700 * 1024

logConformance('in memory', async () => {
  let log: Log | undefined
  return {
    maxRecordBytes,
    async reopen() {
      log ??= createMemoryLog({ logId: 'memory', maxRecordBytes })
      return log
    },
    async end() {
      await log?.close()
    },
  }
})

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

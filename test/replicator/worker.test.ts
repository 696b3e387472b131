/** The log's thread: the inner interface through its port, what survives a restart, what a dead thread looks like. */

import { EventEmitter } from 'node:events'
import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openEmbeddedLog } from '../../replicator/embedded-log.ts'
import type { FromWorker } from '../../replicator/messages.ts'
import { threadClockMs } from '../../replicator/thread-clock.ts'
import { startReplicatorWorker, startThread } from '../../replicator/worker-client.ts'
import { limits } from '../../src/base/limits.ts'
import type { InnerReplicator } from '../../src/log/inner.ts'
import { everything, refusal } from '../log/log-conformance.ts'
import { makeDirectory, removeDirectory, testDirectory } from '../support/directory.ts'
import { innerConformance, note, ownEnvironments, reader } from './inner-conformance.ts'

const maxRecordBytes = limits.recordBytes

innerConformance('worker thread', async () => {
  const directory = makeDirectory()
  const replicator = await startReplicatorWorker({ directory, maxRecordBytes })
  const end = async (): Promise<void> => {
    await replicator.close()
    removeDirectory(directory)
  }
  return { replicator, maxRecordBytes, end }
})

const start = async (directory: string, maxFileBytes?: number): Promise<InnerReplicator> => {
  const replicator = await startReplicatorWorker({ directory, maxRecordBytes, ...(maxFileBytes !== undefined && { maxFileBytes }) })
  onTestFinished(() => replicator.close())
  return replicator
}

test('a restart finds the environments and their records, and forgets ephemeral ones', async () => {
  const directory = testDirectory()
  const first = await start(directory)
  await first.createEnvironment('e')
  await first.createEnvironment('test', { ephemeral: true })
  await first.append('e', note('a'), 'a')
  await first.append('test', note('b'), 'b')
  await first.close()
  const second = await start(directory)
  expect(second.status().logId).toBe(first.status().logId)
  expect(await ownEnvironments(second)).toEqual([{ env: 'e', ephemeral: false, first: 0, last: 1 }])
  await second.createEnvironment('e')
  const read = reader()
  second.tail('e', 0, read)
  await second.append('e', note('c'), 'c')
  await read.count(2)
  expect(read.records.map(({ record }) => record.writeId)).toEqual(['a', 'c'])
})

describe('a log that cannot be opened', () => {
  test('is refused with the reason', async () => {
    const directory = testDirectory()
    const holder = await start(directory)
    await expect(startReplicatorWorker({ directory, maxRecordBytes })).rejects.toMatchObject({
      name: 'LogError',
      code: 'unavailable',
      message: expect.stringContaining('is in use by another process'),
    })
    await holder.close()
    truncateSync(join(directory, 'log.sqlite'), 0)
    await expect(startReplicatorWorker({ directory, maxRecordBytes })).rejects.toMatchObject({ name: 'LogError', code: 'corrupted' })
  })
})

test('a full disk is a problem until an append succeeds', async () => {
  const directory = testDirectory()
  const replicator = await start(directory, 64 * 1024)
  await replicator.createEnvironment('e')
  const read = reader()
  replicator.tail('e', 0, read)
  expect(await refusal(replicator.append('e', note('x'.repeat(100_000)), 'large'))).toBe('unavailable')
  expect(replicator.status()).toMatchObject({ state: 'running', problem: { code: 'unavailable' } })
  await replicator.append('e', note('small'), 'small')
  expect(replicator.status().problem).toBeNull()
  expect(read.records.map(({ record }) => record.writeId)).toEqual(['small'])
})

describe('too many writes at once', () => {
  test('are refused before they reach the thread', async () => {
    const replicator = await start(testDirectory())
    await replicator.createEnvironment('e')
    const outcomes = await Promise.allSettled(
      Array.from({ length: limits.appendQueueRecords + 5 }, async (_, index) => replicator.append('e', note('a'), `w${index}`)),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(limits.appendQueueRecords)
    expect(outcomes.at(-1)).toMatchObject({ reason: { code: 'overloaded' } })
    expect((await replicator.append('e', note('a'), 'after')).revision).toBe(limits.appendQueueRecords + 1)
  })

  test('are counted by size too', async () => {
    const replicator = await start(testDirectory())
    await replicator.createEnvironment('e')
    const text = 'x'.repeat(900_000)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 80 }, async (_, index) => replicator.append('e', note(text), `w${index}`)),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(Math.floor(limits.appendQueueBytes / 900_042))
  })
})

test('a dead thread: outcomes are unknown, everything after is refused, the log is intact', async () => {
  const directory = testDirectory()
  const thread = startThread({ directory, maxRecordBytes })
  const replicator = await startReplicatorWorker({ directory, maxRecordBytes }, { worker: thread })
  await replicator.createEnvironment('e')
  const read = reader()
  replicator.tail('e', 0, read)
  await replicator.append('e', note('a'), 'a')
  const underWay = refusal(replicator.append('e', note('b'), 'b'))
  await thread.terminate()
  expect(await underWay).toBe('unknown-outcome')
  expect(await read.failure()).toMatchObject({ code: 'unavailable' })
  expect(replicator.status()).toMatchObject({
    state: 'failed',
    pending: 0,
    problem: { message: expect.stringContaining("the log's thread ended") },
  })
  expect(await refusal(replicator.append('e', note('c'), 'c'))).toBe('unavailable')
  expect(await refusal(replicator.createEnvironment('f'))).toBe('unavailable')
  await replicator.close()

  const log = openEmbeddedLog({ directory, maxRecordBytes })
  onTestFinished(() => log.close())
  expect((await everything(log, 'e')).map(({ record }) => record.writeId).slice(0, 2)).toEqual([`genesis-${log.logId}`, 'a'])
})

describe('staleness where others append, too', () => {
  /** The other side is this test. */
  const pretended = async () => {
    const thread = Object.assign(new EventEmitter(), {
      postMessage: (message: { readonly kind: string }) => void (message.kind === 'close' && thread.emit('exit', 0)),
      terminate: async () => 0,
    })
    const tell = (...messages: FromWorker[]): void => void thread.emit('message', messages)
    // It stands for a thread as far as one is used.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const starting = startReplicatorWorker({ directory: '', maxRecordBytes }, { worker: thread as unknown as Worker })
    tell({ kind: 'ready', logId: 'shared', sole: false })
    const replicator = await starting
    onTestFinished(() => replicator.close())
    return { replicator, tell }
  }

  test('is unknown before it is told, and grows when nothing is told any more', async () => {
    const { replicator, tell } = await pretended()
    expect(replicator.stalenessMs('e')).toBeNull()
    tell({ kind: 'seen', atMs: threadClockMs(), ages: [['e', 7]] })
    const [first, other] = [replicator.stalenessMs('e'), replicator.stalenessMs('other')]
    expect(first).toBeGreaterThanOrEqual(7)
    expect(other).toBeNull()
    await expect.poll(() => replicator.stalenessMs('e')).toBeGreaterThan((first ?? 0) + 20)
  })

  test('counts from when it was told, not from when that is heard: the process may have been stopped in between', async () => {
    const { replicator, tell } = await pretended()
    tell({ kind: 'seen', atMs: threadClockMs() - 60_000, ages: [['e', 5]] })
    expect(replicator.stalenessMs('e')).toBeGreaterThanOrEqual(60_005)
  })
})

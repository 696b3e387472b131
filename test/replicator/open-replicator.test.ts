/** A replicator put together from places: its directory is its own, its store is one that it can write, its lag is told. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { replicatorMetrics } from '../../replicator/measurements.ts'
import { type OpenReplicatorOptions, openReplicator } from '../../replicator/open-replicator.ts'
import type { Replicator } from '../../replicator/replicator.ts'
import { folderObjectStore } from '../../snapshots/node/folder-store.ts'
import { PressThread } from '../../snapshots/node/press-thread.ts'
import { compileModules } from '../../snapshots/node/stores.ts'
import { known } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import { type MetricRegistry, noMetrics } from '../../src/ops/metrics.ts'
import { refusal } from '../log/log-conformance.ts'
import { startChild } from '../support/child.ts'
import { testDirectory } from '../support/directory.ts'
import { facts, insert } from '../support/record.ts'
import { startCell, swift, until } from './cell.ts'
import { note } from './inner-conformance.ts'

const modules = await compileModules()

const optionsFor = (directory: string): OpenReplicatorOptions => ({
  directory,
  place: { kind: 'embedded' },
  store: null,
  settings: {
    appliedWaitMs: 1000,
    retainedSnapshots: 3,
    snapshotRecords: 1000,
    trim: true,
    deltaIntervalMs: 10,
    heartbeatMs: 10,
    snapshotIntervalMs: 100,
    ...swift,
  },
  maxRecordBytes: limits.recordBytes,
  modules,
  engine: '0.0.0',
  log: () => undefined,
})

const open = async (options: OpenReplicatorOptions): Promise<Replicator> => {
  const replicator = await openReplicator(options)
  onTestFinished(() => replicator.close())
  return replicator
}

describe('a data directory', () => {
  test('whoever closes it waits for a publication without its rests', async () => {
    onTestFinished(() => void vi.restoreAllMocks())
    const hurried = vi.spyOn(PressThread.prototype, 'hurry')
    const ended = vi.spyOn(PressThread.prototype, 'close')
    const replicator = await openReplicator(optionsFor(testDirectory()))
    expect(hurried).not.toHaveBeenCalled()
    await replicator.close()
    expect(hurried.mock.invocationCallOrder[0]).toBeLessThan(ended.mock.invocationCallOrder[0] ?? 0)
  })

  test('has one replicator, and another one after that has ended', async () => {
    const directory = testDirectory()
    const first = await open(optionsFor(directory))
    await first.createEnvironment('e')
    await first.append('e', note('a'), 'a')
    await expect(openReplicator(optionsFor(directory))).rejects.toMatchObject({
      name: 'LogError',
      code: 'unavailable',
      message: expect.stringMatching(/`.*` is in use by another process: stop it, or give each replicator a directory of its own/),
    })
    await first.append('e', note('b'), 'b')
    await first.close()
    const second = await open(optionsFor(directory))
    expect(await second.snapshot('e')).toMatchObject({ revision: 2 })
  })

  test('is free again when its process was killed', async () => {
    const directory = testDirectory()
    const child = startChild(new URL('./lock-child.ts', import.meta.url), [directory])
    await child.line((line) => line === 'ready')
    await expect(openReplicator(optionsFor(directory))).rejects.toMatchObject({
      message: expect.stringContaining('is in use by another process'),
    })
    await child.end()
    const replicator = await open(optionsFor(directory))
    expect(await replicator.snapshot('a')).toMatchObject({ revision: expect.any(Number) })
  })

  test('that cannot be one is refused', async () => {
    const file = join(testDirectory(), 'file')
    writeFileSync(file, '')
    expect(await refusal(openReplicator(optionsFor(file)))).toBe('unavailable')
  })
})

describe('the store', () => {
  test('in another folder is shared', async () => {
    const [directory, shared] = [testDirectory(), testDirectory()]
    const replicator = await open({ ...optionsFor(directory), store: { kind: 'folder', path: shared } })
    await replicator.createEnvironment('e')
    await until(() => (replicator.measure().holdsLease ? true : null))
    await replicator.publish('e')
    for (const folder of [shared, join(directory, 'objects')]) expect(await folderObjectStore(folder).get('e/manifest.json')).not.toBeNull()
  })

  test('that is the own folder is shared with nobody', async () => {
    const directory = testDirectory()
    const replicator = await open({ ...optionsFor(directory), store: { kind: 'folder', path: join(directory, 'objects') } })
    expect(replicator.measure()).toMatchObject({ holdsLease: false })
    expect(await folderObjectStore(join(directory, 'objects')).get('lease.json')).toBeNull()
  })

  test('behind a web server is refused', async () => {
    const store = { kind: 'http', url: 'http://127.0.0.1:1' } as const
    expect(await refusal(openReplicator({ ...optionsFor(testDirectory()), store }))).toBe('unavailable')
  })
})

test('more writes than can be applied are accepted, and the lag is told until it is gone', async () => {
  const cell = await startCell()
  await cell.replicator.createEnvironment('e')
  const gauges = new Map<string, number>()
  let refresh = (): void => undefined
  const metrics: MetricRegistry = {
    ...noMetrics,
    gauge: ({ name }) => ({ set: (value) => void gauges.set(name, value) }),
    beforeExport: (work) => {
      refresh = work
    },
  }
  replicatorMetrics(metrics, () => cell.replicator.measure())
  const lagNow = (): number => {
    refresh()
    return known(gauges.get('arctos_replicator_lag_records'), 'the gauge is set')
  }
  let most = 0
  const changes = (batch: number) => facts(...Array.from({ length: 300 }, (_, index) => insert('note', `Text:${batch}-${index}`)))
  await Promise.all(
    Array.from({ length: 30 }, async (_, batch) => {
      await cell.replicator.append('e', changes(batch), `w${batch}`)
      most = Math.max(most, lagNow())
    }),
  )
  expect(most).toBeGreaterThan(5)
  expect(known(gauges.get('arctos_replicator_lag_ms'), 'the gauge is set')).toBeGreaterThanOrEqual(0)
  await until(() => (lagNow() === 0 ? true : null))
  expect(await cell.replicator.snapshot('e')).toMatchObject({ revision: 30 })
})

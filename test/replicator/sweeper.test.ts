/** What is deleted when nothing needs it any more, and what is not. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { Sweeper, type SweeperOptions, type SweptEnvironment } from '../../replicator/sweeper.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { nodeSnapshotPlatform } from '../../snapshots/node/platform.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { startCell } from './cell.ts'
import { note } from './inner-conformance.ts'

const keysOf = async (objects: ObjectStore): Promise<readonly string[]> => (await objects.list('')).map(({ key }) => key)

const bytes = new Uint8Array([1])

interface Swept {
  at(ms: number): Promise<void>
}

/** A sweeper whose time passes when told to; nothing is needed for a second before it goes. */
const sweeping = (options: Pick<SweeperOptions, 'local' | 'remote' | 'mayWriteShared' | 'hosted' | 'deleted'>): Swept => {
  let nowMs = 0
  let run: (() => void) | null = null
  const sweeper = new Sweeper({
    ...options,
    platform: { ...nodeSnapshotPlatform(() => {}), monotonicMs: () => nowMs },
    later: (_delayMs, work) => {
      run = work
      return () => {
        run = null
      }
    },
    unreferencedMs: 1000,
  })
  onTestFinished(() => sweeper.close())
  return {
    async at(ms) {
      nowMs = ms
      const now = run
      run = null
      now?.()
      await vi.waitFor(() => expect(run).not.toBeNull(), { timeout: 20_000, interval: 1 })
    },
  }
}

test('objects of deleted environments go after a while, where this cell may delete', async () => {
  const [local, remote] = [memoryObjectStore('local'), memoryObjectStore('shared')]
  for (const objects of [local, remote])
    for (const key of ['gone/manifest.json', 'gone/snapshots/1-a.sqlite.gz', 'gone-too/manifest.json', 'kept/manifest.json'])
      await objects.put(key, bytes)
  let mayWriteShared = false
  const swept = sweeping({ local, remote, mayWriteShared: () => mayWriteShared, hosted: () => [], deleted: () => ['gone'] })
  await swept.at(0)
  await swept.at(999)
  expect(await keysOf(local)).toHaveLength(4)
  await swept.at(1000)
  expect(await keysOf(local)).toEqual(['gone-too/manifest.json', 'kept/manifest.json'])
  expect(await keysOf(remote)).toHaveLength(4)
  mayWriteShared = true
  await swept.at(1001)
  await swept.at(3000)
  expect(await keysOf(remote)).toEqual(['gone-too/manifest.json', 'kept/manifest.json'])
})

test('restore points go when the log holds no record that names them, and what a manifest names stays', async () => {
  const cell = await startCell({ settings: { trim: false } })
  await cell.replicator.createEnvironment('e')
  await cell.replicator.append('e', note('a'), 'a')
  for (const revision of [0, 1]) await cell.replicator.restore('e', revision)
  await cell.replicator.publish('e')
  const before = await keysOf(cell.objects)
  await cell.replicator.close()
  const [needed, ...others] = before.filter((key) => key.startsWith('e/restores/'))
  expect(others).toHaveLength(1)
  const environment = (isConnected: boolean): SweptEnvironment => ({
    env: 'e',
    problem: null,
    channel: { isConnected },
    current: async () => undefined,
    needsRestorePoint: (key) => key === needed,
  })
  let isConnected = false
  const remote = null
  const swept = sweeping({
    local: cell.objects,
    remote,
    mayWriteShared: () => true,
    hosted: () => [environment(isConnected)],
    deleted: () => [],
  })
  await swept.at(0)
  await swept.at(2000)
  // What the log names is not known yet.
  expect(await keysOf(cell.objects)).toEqual(before)
  isConnected = true
  await swept.at(2001)
  await swept.at(4000)
  expect(await keysOf(cell.objects)).toEqual(before.filter((key) => !others.includes(key)))
})

test('an environment that cannot be swept keeps its objects, and no other does', async () => {
  const cell = await startCell({ settings: { trim: false } })
  await cell.replicator.createEnvironment('e')
  await cell.replicator.append('e', note('a'), 'a')
  await cell.replicator.restore('e', 0)
  await cell.replicator.publish('e')
  await cell.replicator.close()
  const local = cell.objects
  await local.put('gone/manifest.json', bytes)
  const environment = (env: string): SweptEnvironment => ({
    env,
    problem: null,
    channel: { isConnected: true },
    current: async () => {
      if (env === 'bad') throw new Error('still being loaded')
    },
    needsRestorePoint: () => false,
  })
  const hosted = (): SweptEnvironment[] => ['bad', 'e'].map(environment)
  const swept = sweeping({ local, remote: null, mayWriteShared: () => true, hosted, deleted: () => ['gone'] })
  const doomed = async () => (await keysOf(local)).filter((key) => key.startsWith('e/restores/') || key.startsWith('gone/'))
  await swept.at(0)
  expect(await doomed()).toHaveLength(2)
  await swept.at(2000)
  expect(await doomed()).toEqual([])
})

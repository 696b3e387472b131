/** Ways in which a cell could take an empty environment for a whole one, and hand it on. */
import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openEmbeddedLog } from '../../replicator/embedded-log.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { folderObjectStore } from '../../snapshots/node/folder-store.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { limits } from '../../src/base/limits.ts'
import { LogError, type LogListener, type PartitionedLog } from '../../src/log/log.ts'
import { createMemoryLog } from '../../src/log/memory-log.ts'
import { testDirectory } from '../support/directory.ts'
import { lasting, startCell, stateOf, until } from './cell.ts'
import { note } from './inner-conformance.ts'

type Cell = Awaited<ReturnType<typeof startCell>>

const WRITTEN = 20

/** Writes and publishes, and waits until the log holds nothing of the environment any more. */
const writeUntilTrimmed = async (cell: Cell, env: string): Promise<number> => {
  for (let count = 0; count < WRITTEN; count++) {
    await cell.replicator.append(env, note(`b${count}`), `b${count}`)
    if (count % 5 === 4) await cell.replicator.publish(env)
  }
  await until(async () => {
    const { first, last } = await cell.log.bounds(env)
    return first === last + 1 ? true : null
  })
  return WRITTEN
}

const factsOf = async (cell: Cell, env: string): Promise<number> => (await stateOf(cell.replicator, env)).facts.length

const embedded = (directory: string): Promise<Cell> =>
  startCell({
    log: openEmbeddedLog({ directory, maxRecordBytes: limits.recordBytes }),
    objects: folderObjectStore(join(directory, 'objects')),
    settings: { snapshotRecords: 5 },
  })

describe('cells that share a log', { timeout: 60_000 }, () => {
  test('a cell that was cut off while the log was trimmed takes the shared snapshot', async () => {
    const memory = createMemoryLog({ logId: 'memory', partitions: 3 })
    const remote = memoryObjectStore('shared')
    const holder = await startCell({ log: lasting(memory), remote, settings: { snapshotRecords: 5 } })
    let frozen = false
    const listeners: LogListener[] = []
    const log: PartitionedLog = {
      ...lasting(memory),
      subscribe: (listener) => {
        listeners.push(listener)
        return memory.subscribe({
          published: (...published) => {
            if (!frozen) listener.published(...published)
          },
          failed: (...failed) => listener.failed(...failed),
        })
      },
    }
    const cut = await startCell({ log, remote })
    await holder.replicator.createEnvironment('e', { partition: 1 })
    await holder.replicator.append('e', note('first'), 'first')
    expect(await until(async () => ((await factsOf(cut, 'e')) === 1 ? true : null))).toBe(true)
    frozen = true
    const written = await writeUntilTrimmed(holder, 'e')
    frozen = false
    for (const listener of listeners) listener.failed('e', new LogError('out-of-range', 'the partition was trimmed before it was read'))
    expect(await until(async () => ((await factsOf(cut, 'e').catch(() => 0)) === written + 1 ? true : null))).toBe(true)
  })

  test('environments that wait for their turn to be opened are not trimmed, and can be deleted', async () => {
    const memory = createMemoryLog({ logId: 'memory', partitions: 3 })
    const remote = memoryObjectStore('shared')
    let slow = false
    let released = (): void => {}
    const held = new Promise<void>((resolve) => {
      released = resolve
    })
    const log: PartitionedLog = {
      ...lasting(memory),
      bounds: async (env) => {
        if (slow && env.startsWith('slow')) await held
        return memory.bounds(env)
      },
    }
    const holder = await startCell({ log, remote, settings: { snapshotRecords: 5 } })
    await holder.replicator.createEnvironment('old', { partition: 1 })
    const other = await startCell({ log: lasting(memory), remote })
    slow = true
    for (let count = 0; count < 4; count++) await other.replicator.createEnvironment(`slow${count}`, { partition: 2 })
    await other.replicator.createEnvironment('fresh', { partition: 1 })
    await other.replicator.createEnvironment('gone', { partition: 1 })
    for (let count = 0; count < 5; count++) await other.replicator.append('fresh', note(`f${count}`), `f${count}`)
    await other.replicator.deleteEnvironment('gone')
    for (let count = 0; count < 30; count++) {
      await holder.replicator.append('old', note(`o${count}`), `o${count}`)
      if (count % 5 === 4) await holder.replicator.publish('old')
    }
    released()
    expect(await until(async () => ((await factsOf(holder, 'fresh').catch(() => 0)) === 5 ? true : null))).toBe(true)
    await until(async () => ((await holder.replicator.environments()).some(({ env }) => env === 'gone') ? null : true))
  })

  test('a cell whose own state of the environments is older than the log begins again from the shared one', async () => {
    const memory = createMemoryLog({ logId: 'memory', partitions: 1 })
    const remote = memoryObjectStore('shared')
    const objects: ObjectStore = memoryObjectStore('local')
    const before = await startCell({ log: lasting(memory), remote, objects })
    await before.replicator.createEnvironment('old')
    await before.replicator.publish('control')
    await before.replicator.close()
    const holder = await startCell({ log: lasting(memory), remote, settings: { snapshotRecords: 5 } })
    await holder.replicator.createEnvironment('e')
    await holder.replicator.publish('control')
    const written = await writeUntilTrimmed(holder, 'e')
    const after = await startCell({ log: lasting(memory), remote, objects })
    expect(after.logged('replica-loaded').map(({ fields }) => [fields['environment'], fields['source']])).toContainEqual([
      'control',
      'remote',
    ])
    expect(await until(async () => ((await factsOf(after, 'e').catch(() => 0)) === written ? true : null))).toBe(true)
  })

  test('an environment that was made and trimmed while the log could not be reached is loaded from the shared store', async () => {
    const memory = createMemoryLog({ logId: 'memory', partitions: 3 })
    const remote = memoryObjectStore('shared')
    const objects: ObjectStore = memoryObjectStore('local')
    const holder = await startCell({ log: lasting(memory), remote, settings: { snapshotRecords: 5 } })
    const before = await startCell({ log: lasting(memory), remote, objects })
    await before.replicator.publish('control').catch(() => {})
    await before.replicator.close()
    await holder.replicator.createEnvironment('e', { partition: 1 })
    const written = await writeUntilTrimmed(holder, 'e')
    let down = true
    const whenUp = <T>(work: () => Promise<T>): Promise<T> => (down ? Promise.reject(new LogError('unavailable', 'no brokers')) : work())
    const log: PartitionedLog = {
      ...lasting(memory),
      append: (...call) => whenUp(() => memory.append(...call)),
      read: (...call) => whenUp(() => memory.read(...call)),
      bounds: (...call) => whenUp(() => memory.bounds(...call)),
      stalenessMs: (env) => (down ? null : memory.stalenessMs(env)),
    }
    const after = await startCell({ log, remote, objects })
    down = false
    expect(await until(async () => ((await factsOf(after, 'e').catch(() => 0)) === written ? true : null))).toBe(true)
  })
})

describe('a cell alone', { timeout: 60_000 }, () => {
  for (const damage of ['manifest', 'snapshots', 'folder'] as const) {
    test(`stops an environment whose ${damage} cannot be used when the log holds no record of it`, async () => {
      const directory = testDirectory()
      const cell = await embedded(directory)
      await cell.replicator.createEnvironment('e')
      await writeUntilTrimmed(cell, 'e')
      await cell.replicator.close()
      const folder = join(directory, 'objects', 'e')
      if (damage === 'folder') rmSync(folder, { recursive: true })
      else if (damage === 'manifest') writeFileSync(join(folder, 'manifest.json'), '')
      else for (const name of readdirSync(join(folder, 'snapshots'))) truncateSync(join(folder, 'snapshots', name), 10)
      const again = await embedded(directory)
      await expect(again.replicator.snapshot('e')).rejects.toMatchObject({ code: 'diverged' })
      expect(again.logged('environment-waits')).toMatchObject([{ level: 'error', fields: { environment: 'e' } }])
      expect(again.replicator.measure().stopped).toBe(1)
    })
  }

  test('refuses to begin a new log beside the objects of another', async () => {
    const directory = testDirectory()
    const cell = await embedded(directory)
    await cell.replicator.createEnvironment('e')
    await cell.replicator.append('e', note('a'), 'a')
    await cell.replicator.publish('e')
    await cell.replicator.publish('control')
    await cell.replicator.close()
    for (const name of readdirSync(directory)) if (name !== 'objects') rmSync(join(directory, name), { recursive: true })
    await expect(embedded(directory)).rejects.toMatchObject({ code: 'diverged' })
  })
})

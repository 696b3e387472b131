/** The replicator's own replicas: what they start from, what is published of them, what a runtime gets. */
import { cpSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openEmbeddedLog } from '../../replicator/embedded-log.ts'
import { loadNewest } from '../../snapshots/load.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { folderObjectStore } from '../../snapshots/node/folder-store.ts'
import { nodeSnapshotPlatform } from '../../snapshots/node/platform.ts'
import { compileModules, storePool } from '../../snapshots/node/stores.ts'
import { at, known } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import { type Log, LogError, type PartitionedLog } from '../../src/log/log.ts'
import { createMemoryLog } from '../../src/log/memory-log.ts'
import { refusal } from '../log/log-conformance.ts'
import { testDirectory } from '../support/directory.ts'
import { facts, insert, logRecord } from '../support/record.ts'
import { type Cell, lasting, type SeenState, startCell, stateOf, until } from './cell.ts'
import { note, ownEnvironments, reader } from './inner-conformance.ts'

const writeNotes = async ({ replicator }: Cell, env: string, from: number, count: number): Promise<void> => {
  for (let index = from; index < from + count; index++) await replicator.append(env, note(`n${index}`), `w${index}`)
}

const notes = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `note(Text:n${index})`).toSorted()

const ordersOf = ({ indexes }: SeenState): unknown => JSON.parse(known(indexes[0]?.split(' ')[1], 'the orders of the only table'))

const openEmbedded = (directory: string): Log => openEmbeddedLog({ directory, maxRecordBytes: limits.recordBytes })

describe('a restart', () => {
  const start = async (directory: string, snapshotRecords = 5): Promise<Cell> => {
    const log = openEmbedded(directory)
    return startCell({ log, objects: folderObjectStore(join(directory, 'objects')), settings: { snapshotRecords } })
  }

  /** A data directory whose log was trimmed, and what it stands for. */
  const trimmed = async (): Promise<string> => {
    const directory = testDirectory()
    const cell = await start(directory)
    await cell.replicator.createEnvironment('e')
    for (let index = 0; index < 20; index += 5) {
      await writeNotes(cell, 'e', index, 5)
      await cell.replicator.publish('e')
    }
    await until(async () => ((await cell.log.bounds('e')).first > 10 ? true : null))
    await writeNotes(cell, 'e', 20, 3)
    await cell.replicator.close()
    return directory
  }

  test('goes on from snapshot and deltas, with a log that does not reach back', async () => {
    const directory = await trimmed()
    const cell = await start(directory)
    expect(cell.logged('replica-loaded').map(({ fields }) => [fields['environment'], fields['source']])).toEqual([
      ['control', 'local'],
      ['e', 'local'],
    ])
    expect(await stateOf(cell.replicator, 'e')).toMatchObject({ revision: 23, facts: notes(23) })
    await writeNotes(cell, 'e', 23, 2)
    expect(await stateOf(cell.replicator, 'e')).toMatchObject({ revision: 25, facts: notes(25) })
    const read = reader()
    cell.replicator.tail('e', -1, read)
    expect(await read.failure()).toMatchObject({ code: 'out-of-range' })
  })

  test('refuses a damaged snapshot, and takes the one before', async () => {
    const directory = await trimmed()
    const folder = join(directory, 'objects', 'e', 'snapshots')
    const [newest] = readdirSync(folder).toSorted((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))
    truncateSync(join(folder, known(newest, 'a snapshot')), 100)
    const cell = await start(directory)
    expect(cell.logged('load-refused')).toMatchObject([{ level: 'error', fields: { code: 'damaged', key: `e/snapshots/${newest}` } }])
    expect(await stateOf(cell.replicator, 'e')).toMatchObject({ revision: 23, facts: notes(23) })
  })

  test('replays the log when there is no object any more', async () => {
    const directory = testDirectory()
    const first = await start(directory, 1000)
    await first.replicator.createEnvironment('e')
    await writeNotes(first, 'e', 0, 20)
    const before = await stateOf(first.replicator, 'e')
    await first.replicator.close()
    const again = await startCell({ log: openEmbedded(directory) })
    expect(again.logged('replica-loaded').map(({ fields }) => fields['source'])).toEqual(['log', 'log'])
    expect(await stateOf(again.replicator, 'e')).toEqual(before)
  })

  test('without objects and without the first records stops that environment, and no other', async () => {
    const directory = await trimmed()
    rmSync(join(directory, 'objects', 'e'), { recursive: true })
    const cell = await start(directory)
    await cell.replicator.createEnvironment('other')
    await writeNotes(cell, 'other', 0, 1)
    expect(await refusal(cell.replicator.snapshot('e'))).toBe('diverged')
    expect(cell.logged('environment-waits')).toMatchObject([{ level: 'error', fields: { environment: 'e' } }])
    expect(cell.replicator.measure()).toMatchObject({ stopped: 1, environments: 3 })
    expect(await stateOf(cell.replicator, 'other')).toMatchObject({ facts: notes(1) })
  })

  test('without the objects of `control` and without its first records is refused: what it lists is not known', async () => {
    const directory = testDirectory()
    const first = await start(directory)
    for (const env of ['a', 'b', 'c']) {
      await first.replicator.createEnvironment(env)
      await first.replicator.publish('control')
    }
    await until(async () => ((await first.log.bounds('control')).first > 0 ? true : null))
    await first.replicator.close()
    expect(await refusal(startCell({ log: openEmbedded(directory) }))).toBe('out-of-range')
  })

  test('after a log was cut off behind what was applied stops that environment', async () => {
    const directory = testDirectory()
    const first = await start(directory)
    await first.replicator.createEnvironment('e')
    await writeNotes(first, 'e', 0, 3)
    await first.replicator.publish('e')
    const copy = testDirectory()
    cpSync(directory, copy, { recursive: true })
    await writeNotes(first, 'e', 3, 3)
    await first.replicator.publish('e')
    await first.replicator.close()
    const cell = await startCell({ log: openEmbedded(copy), objects: folderObjectStore(join(directory, 'objects')) })
    expect(await refusal(cell.replicator.snapshot('e'))).toBe('diverged')
    expect(cell.replicator.problem()).toBeNull()
  })

  test('adopts a data directory from before there was `control`', async () => {
    const directory = testDirectory()
    const log = openEmbedded(directory)
    await log.append('e', logRecord({ kind: 'genesis' }, { logId: log.logId, writeId: 'g' }))
    await log.append('e', logRecord(note('n0'), { logId: log.logId, writeId: 'w0' }))
    await log.close()
    const cell = await start(directory)
    expect(await ownEnvironments(cell.replicator)).toEqual([{ env: 'e', ephemeral: false, first: 0, last: 1 }])
    expect(await stateOf(cell.replicator, 'e')).toMatchObject({ facts: notes(1) })
    expect(await stateOf(cell.replicator, 'control')).toMatchObject({ facts: ['environment(Environment:e, Integer:0)'] })
  })

  test('with the log unreachable serves what is here, and follows when it answers', async () => {
    const memory = createMemoryLog({ logId: 'memory' })
    const objects = memoryObjectStore()
    const first = await startCell({ log: lasting(memory), objects })
    await first.replicator.createEnvironment('e')
    await writeNotes(first, 'e', 0, 3)
    await first.replicator.publish('e')
    await first.replicator.publish('control')
    await first.replicator.close()

    let reachable = false
    const gone = async (): Promise<never> => {
      throw new LogError('unavailable', 'the log does not answer')
    }
    const log: Log = {
      ...lasting(memory),
      bounds: (env) => (reachable ? memory.bounds(env) : gone()),
      read: (...args) => (reachable ? memory.read(...args) : gone()),
      append: (...args) => (reachable ? memory.append(...args) : gone()),
    }
    const cell = await startCell({ log, objects })
    expect(await stateOf(cell.replicator, 'e')).toMatchObject({ facts: notes(3) })
    expect(cell.replicator.stalenessMs('e')).toBeNull()
    expect(await refusal(cell.replicator.append('e', note('n'), 'w'))).toBe('unavailable')
    const read = reader()
    cell.replicator.tail('e', 3, read)
    await memory.append('e', logRecord(note('n3'), { logId: 'memory', writeId: 'w3' }))
    reachable = true
    await read.count(1)
    await until(() => (cell.replicator.stalenessMs('e') === 0 ? true : null))
    expect(await stateOf(cell.replicator, 'e')).toMatchObject({ facts: notes(4) })
  })
})

describe('a snapshot for a runtime', () => {
  test('holds everything that was acknowledged, and the indexes that the policy needs', async () => {
    const { replicator } = await startCell()
    await replicator.createEnvironment('e')
    const source = `actor User {}
      resource Doc { permissions = ["write"]; }
      has_permission(user: User, "write", doc: Doc) if by matches User and space matches Space and grant(by, doc, space) and member(user, space);`
    for (let index = 0; index < 10; index++) {
      const { revision } = await replicator.append(
        'e',
        facts(insert('grant', `User:u${index}`, `Doc:d${index}`, 'Space:main')),
        `w${index}`,
      )
      expect((await stateOf(replicator, 'e')).revision).toBe(revision)
    }
    // Both ends are there from the start.
    expect(ordersOf(await stateOf(replicator, 'e'))).toEqual([
      [0, 1, 2],
      [2, 1, 0],
    ])
    await replicator.append('e', { kind: 'policy', source, filename: null }, 'policy')
    expect(ordersOf(await stateOf(replicator, 'e'))).toEqual([
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ])
  })

  test('of an ephemeral environment there is none', async () => {
    const { replicator } = await startCell()
    await replicator.createEnvironment('test', { ephemeral: true })
    expect(await replicator.snapshot('test')).toBeNull()
  })
})

describe('a publication', () => {
  test('under load is what the records make', async () => {
    const cell = await startCell({ settings: { snapshotRecords: 7 } })
    const { replicator, objects } = cell
    await replicator.createEnvironment('e')
    const load = Promise.all(
      [0, 1, 2, 3].map(async (writer) => {
        for (let index = writer; index < 200; index += 4) await replicator.append('e', note(`n${index}`), `w${index}`)
      }),
    )
    for (let round = 0; round < 5; round++)
      expect(await replicator.publish('e')).toMatchObject({ key: expect.stringMatching(/^e\/snapshots\//) })
    await load
    const { revision, coveredThrough } = await replicator.publish('e')
    expect([revision, coveredThrough]).toEqual([200, 200])
    const pool = storePool(await compileModules())
    const loaded = known(await loadNewest({ objects, env: 'e', pool, platform: nodeSnapshotPlatform(() => {}) }), 'a manifest')
    onTestFinished(() => pool.release(loaded.store))
    expect(loaded.store.totals().total).toBe(200)
    expect(loaded.store.stateHash()).toBe((await stateOf(replicator, 'e')).stateHash)
  })

  test('that fails is told, tried again, and loses nothing', async () => {
    const inner = memoryObjectStore()
    let full = true
    const objects = {
      ...inner,
      put: async (...args: Parameters<typeof inner.put>) => (full ? Promise.reject(new Error('the disk is full')) : inner.put(...args)),
    }
    const cell = await startCell({ objects })
    await cell.replicator.createEnvironment('e')
    await writeNotes(cell, 'e', 0, 5)
    await until(() => at(cell.logged('publish-failed'), 3))
    expect(cell.logged('publish-failed')[0]).toMatchObject({ level: 'error', fields: { operation: 'publish', automatic: true } })
    expect(cell.replicator.measure().publicationFailures).toBeGreaterThan(3)
    full = false
    await until(async () => ((await inner.get('e/manifest.json')) === null ? null : true))
  })
})

describe('environments', () => {
  test('that are deleted under load are gone, for good, and no other is', async () => {
    const cell = await startCell()
    const { replicator } = cell
    for (const env of ['a', 'b']) await replicator.createEnvironment(env)
    const [gone, kept] = [reader(), reader()]
    replicator.tail('a', -1, gone)
    replicator.tail('b', -1, kept)
    let written = 0
    /** How the writer ended; it writes until it is refused, or told to end. */
    const write = async (env: string, name: string): Promise<string> => {
      for (let index = 0; ; index++) {
        const outcome = await refusal(replicator.append(env, note(`${name}${index}`), `${name}${index}`)).catch(() => 'written')
        if (outcome !== 'written' || ended) return outcome
        written++
        await new Promise((resolve) => {
          setTimeout(resolve, 1)
        })
      }
    }
    let ended = false
    const toGone = Promise.all(['p', 'q', 'r'].map((name) => write('a', name)))
    const toKept = Promise.all(['s', 't', 'u'].map((name) => write('b', name)))
    await until(() => (written > 50 ? true : null))
    await replicator.deleteEnvironment('a')
    expect(await toGone).toEqual(['unknown-environment', 'unknown-environment', 'unknown-environment'])
    ended = true
    expect(await toKept).toEqual(['written', 'written', 'written'])
    expect(await gone.failure()).toMatchObject({ code: 'unknown-environment' })
    expect(kept.failures).toEqual([])
    expect(await refusal(replicator.createEnvironment('a'))).toBe('unknown-environment')
    expect(await refusal(replicator.deleteEnvironment('a'))).toBe('unknown-environment')
    expect(await refusal(replicator.deleteEnvironment('control'))).toBe('unknown-environment')
    expect((await ownEnvironments(replicator)).map(({ env }) => env)).toEqual(['b'])
  })

  test('come and go in every cell', async () => {
    const memory = createMemoryLog({ logId: 'memory', partitions: 3 })
    const [one, two] = [await startCell({ log: lasting(memory) }), await startCell({ log: lasting(memory) })]
    await Promise.all([
      one.replicator.createEnvironment('a', { partition: 2 }),
      two.replicator.createEnvironment('a', { partition: 1 }),
      two.replicator.createEnvironment('b'),
    ])
    const placeOf = async (cell: Cell): Promise<readonly string[]> =>
      (await stateOf(cell.replicator, 'control')).facts.filter((fact) => fact.startsWith('environment('))
    expect(await placeOf(one)).toEqual(await placeOf(two))
    expect(await placeOf(one)).toHaveLength(2)
    await until(async () => ((await ownEnvironments(one.replicator)).length === 2 ? true : null))
    await one.replicator.append('b', note('n0'), 'w0')
    expect(await stateOf(two.replicator, 'b')).toMatchObject({ facts: notes(1) })
    await two.replicator.deleteEnvironment('a')
    await until(async () => ((await ownEnvironments(one.replicator)).length === 1 ? true : null))
  })

  test('whose log fails stop alone', async () => {
    const memory = createMemoryLog({ logId: 'memory' })
    let fail: ((env: string) => void) | undefined
    const log: Log = {
      ...lasting(memory),
      subscribe: (listener) => {
        fail = (env) => listener.failed(env, new LogError('unreadable', 'a newer version wrote it'))
        return memory.subscribe(listener)
      },
    }
    const cell = await startCell({ log })
    for (const env of ['a', 'b']) await cell.replicator.createEnvironment(env)
    const read = reader()
    cell.replicator.tail('a', -1, read)
    fail?.('a')
    expect(await read.failure()).toMatchObject({ code: 'unreadable' })
    expect(await refusal(cell.replicator.append('a', note('n'), 'w'))).toBe('unreadable')
    await writeNotes(cell, 'b', 0, 2)
    expect(await stateOf(cell.replicator, 'b')).toMatchObject({ facts: notes(2) })
    expect(cell.replicator.measure().stopped).toBe(1)
  })
})

describe('names of folders beside those of environments', () => {
  test.each(['heartbeats', 'control'])('%s is no environment that can be made or deleted', async (id) => {
    const { replicator, objects } = await startCell()
    if (id === 'control') await expect(replicator.deleteEnvironment(id)).rejects.toMatchObject({ code: 'unknown-environment' })
    else {
      await expect(replicator.createEnvironment(id)).rejects.toThrow('is not reserved')
      await expect(replicator.deleteEnvironment(id)).rejects.toMatchObject({ code: 'unknown-environment' })
    }
    expect((await replicator.environments()).map(({ env }) => env)).toEqual(['control'])
    expect((await objects.list('heartbeats/manifest')).length).toBe(0)
  })
})

describe('closing', () => {
  /** Of one environment it never tells more records, although there are more: as a replay that takes minutes. */
  const stuck = (log: PartitionedLog, isStuck: () => boolean): PartitionedLog => ({
    ...lasting(log),
    read: (env, ...rest) => (env === 'slow' && isStuck() ? new Promise<never>(() => {}) : log.read(env, ...rest)),
  })

  // Far below the minute that a replica has to catch up.
  test('while an environment is being replayed ends soon, and who waits for it is told', { timeout: 40_000 }, async () => {
    const memory = createMemoryLog({ logId: 'memory' })
    const first = await startCell({ log: lasting(memory) })
    for (const env of ['slow', 'other']) await first.replicator.createEnvironment(env)
    for (let index = 0; index < 5; index++) await first.replicator.append('slow', note(`n${index}`), `w${index}`)
    await first.replicator.close()
    let isStuck = true
    // With nothing of its own it has to replay.
    const { replicator, objects } = await startCell({ log: stuck(memory, () => isStuck) })
    const asked = [replicator.snapshot('slow'), replicator.publish('slow'), replicator.restore('slow', 1)].map(async (answer) => answer)
    const outcomes = Promise.allSettled(asked)
    await replicator.append('other', note('n'), 'w')
    await replicator.close()
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
    isStuck = false
    const again = await startCell({ log: lasting(memory), objects })
    expect(await stateOf(again.replicator, 'slow')).toMatchObject({ facts: notes(5) })
    expect(await stateOf(again.replicator, 'other')).toMatchObject({ facts: ['note(Text:n)'] })
  })
})

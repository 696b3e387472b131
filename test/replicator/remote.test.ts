/** What a replicator does at the object store that all cells share, and that nothing there disturbs the cell. */
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { readHeartbeat } from '../../snapshots/heartbeat.ts'
import { readManifest } from '../../snapshots/load-manifest.ts'
import { printManifest } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { type ObjectStore, StoreError } from '../../snapshots/object-store.ts'
import { at, known } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import type { PartitionedLog } from '../../src/log/log.ts'
import { createMemoryLog } from '../../src/log/memory-log.ts'
import { manifestIn, plantSnapshot, putManifest } from '../snapshots/planted.ts'
import { type Cell, lasting, startCell, stateOf, until } from './cell.ts'
import { note } from './inner-conformance.ts'

const manifestOf = async (objects: ObjectStore, env: string) => {
  const read = await readManifest({ objects, env })
  return read === null || read === 'unchanged' ? null : read.manifest
}

const write = async ({ replicator }: Cell, env: string, count: number): Promise<void> => {
  for (let index = 0; index < count; index++) await replicator.append(env, note(`n${index}`), `w${index}`)
}

test('the holder of the lease mirrors every environment, and tells the heads', async () => {
  const remote = memoryObjectStore('shared')
  const cell = await startCell({ remote })
  await cell.replicator.createEnvironment('e')
  await write(cell, 'e', 5)
  await until(async () => ((await manifestOf(remote, 'e'))?.coveredThrough === 5 ? true : null))
  await until(async () => ((await manifestOf(remote, 'control'))?.coveredThrough === 1 ? true : null))
  expect(await manifestOf(remote, 'e')).toMatchObject({ epoch: 1, logId: 'memory' })
  const heartbeat = known(
    await until(async () => {
      const read = await readHeartbeat(remote, 'e')
      return read !== null && read !== 'unchanged' && read.heartbeat.head === 5 ? read.heartbeat : null
    }),
    'a heartbeat',
  )
  expect(heartbeat).toMatchObject({ head: 5, environments: { e: 5 } })
  expect(cell.replicator.measure()).toMatchObject({ holdsLease: true, remoteFailures: 0, stateHashMismatches: 0 })
})

test('no object is brought there twice, however many ask for it at once', async () => {
  const inner = memoryObjectStore('shared')
  const puts: string[] = []
  const release = Promise.withResolvers<void>()
  const remote: ObjectStore = {
    ...inner,
    async put(key, bytes, condition) {
      if (key.startsWith('e/snapshots/')) {
        puts.push(key)
        await release.promise
      }
      return inner.put(key, bytes, condition)
    },
  }
  const cell = await startCell({ remote })
  await cell.replicator.createEnvironment('e')
  await write(cell, 'e', 3)
  const asked = [cell.replicator.publish('e'), cell.replicator.publish('e')]
  await until(() => (puts.length > 0 ? true : null))
  // The interval of mirroring passes some times meanwhile.
  await delay(100)
  release.resolve()
  await Promise.all(asked)
  expect(puts).toEqual([...new Set(puts)])
})

test('a new cell starts from what is shared, when the log does not reach back', async () => {
  const memory = createMemoryLog({ logId: 'memory', partitions: 1 })
  const remote = memoryObjectStore('shared')
  const first = await startCell({ log: lasting(memory), remote })
  await first.replicator.createEnvironment('e')
  for (let round = 0; round < 4; round++) {
    await write(first, 'e', 3)
    await first.replicator.append('e', note(`round ${round}`), `round ${round}`)
    await first.replicator.publish('e')
  }
  await until(async () => ((await memory.bounds('e')).first > 5 ? true : null))
  const second = await startCell({ log: lasting(memory), remote })
  expect(second.logged('replica-loaded').map(({ fields }) => fields['source'])).toEqual(['remote', 'remote'])
  expect(await stateOf(second.replicator, 'e')).toEqual(await stateOf(first.replicator, 'e'))
})

test('a new cell whose log is trimmed when it is about to read it begins again, from what is shared', async () => {
  const memory = createMemoryLog({ logId: 'memory', partitions: 1 })
  const remote = memoryObjectStore('shared')
  const first = await startCell({ log: lasting(memory), remote })
  await first.replicator.createEnvironment('e')
  await first.replicator.publish('control')
  await until(async () => ((await memory.bounds('control')).first > 0 ? true : null))
  // Before it was trimmed, there was nothing to start from either.
  let before = true
  const log: PartitionedLog = {
    ...lasting(memory),
    bounds: async (env) => ({ ...(await memory.bounds(env)), ...(before && { first: 0 }) }),
    read: async (...args) => {
      before = false
      return memory.read(...args)
    },
  }
  const shared: ObjectStore = Object.assign(Object.create(remote), {
    get: async (...args: Parameters<ObjectStore['get']>) => (before ? null : remote.get(...args)),
  })
  const second = await startCell({ log, remote: shared })
  expect(second.logged('replica-loaded').map(({ fields }) => fields['source'])).toContain('log')
  expect(await stateOf(second.replicator, 'control')).toEqual(await stateOf(first.replicator, 'control'))
})

describe('a shared store that fails', () => {
  const failures: readonly (readonly [string, (store: ObjectStore) => ObjectStore])[] = [
    ['is down', (store) => broken(store, () => Promise.reject(new StoreError('unavailable', 'no route to host')))],
    ['denies', (store) => broken(store, () => Promise.reject(new StoreError('denied', 'these credentials may do nothing')))],
    ['never answers', (store) => broken(store, () => new Promise<never>(() => {}))],
  ]
  test.each(failures)('because it %s: the cell goes on, and trims nothing that others need', async (_name, breaking) => {
    const memory = createMemoryLog({ logId: 'memory', partitions: 1 })
    const inner = memoryObjectStore('shared')
    let failing = false
    const [sound, failed] = [inner, breaking(inner)]
    const store = (): ObjectStore => (failing ? failed : sound)
    const remote: ObjectStore = {
      name: 'shared',
      get: (...args) => store().get(...args),
      put: (...args) => store().put(...args),
      list: (...args) => store().list(...args),
      delete: (...args) => store().delete(...args),
    }
    const cell = await startCell({ log: lasting(memory), remote })
    failing = true
    await cell.replicator.createEnvironment('e')
    for (let round = 0; round < 3; round++) {
      await write(cell, 'e', 3)
      await cell.replicator.append('e', note(`round ${round}`), `round ${round}`)
      // The publication for this cell alone; that for all of them is what fails.
      await until(async () => ((await manifestOf(cell.objects, 'e'))?.coveredThrough === (await memory.bounds('e')).last ? true : null))
    }
    expect(await stateOf(cell.replicator, 'e')).toMatchObject({ facts: expect.arrayContaining(['note(Text:round 2)']) })
    expect((await memory.bounds('e')).first).toBe(0)
    expect(cell.replicator.problem()).toBeNull()
    expect(cell.replicator.measure()).toMatchObject({ stopped: 0 })
  })

  test('for a while is mirrored to when it is back, and that is told', async () => {
    const inner = memoryObjectStore('shared')
    let down = true
    const remote = broken(
      inner,
      () => Promise.reject(new StoreError('unavailable', 'no route to host')),
      () => down,
    )
    const cell = await startCell({ remote })
    await cell.replicator.createEnvironment('e')
    await write(cell, 'e', 3)
    await until(() => at(cell.logged('remote-failed'), 1))
    expect(cell.logged('remote-failed')[0]).toMatchObject({
      fields: { operation: 'renew lease', reason: 'no route to host', automatic: true },
    })
    expect(cell.replicator.measure().remoteFailures).toBeGreaterThan(1)
    down = false
    await until(async () => ((await manifestOf(inner, 'e'))?.coveredThrough === 3 ? true : null))
  })
})

test('a published state that differs from the own one is told, and counted once', async () => {
  const memory = createMemoryLog({ logId: 'memory' })
  const remote = memoryObjectStore('shared')
  const holder = await startCell({ log: lasting(memory), remote })
  await holder.replicator.createEnvironment('e')
  const other = await startCell({ log: lasting(memory), remote })
  await write(holder, 'e', 3)
  expect(await stateOf(other.replicator, 'e')).toEqual(await stateOf(holder.replicator, 'e'))
  await holder.replicator.publish('e')
  const manifest = known(await manifestOf(remote, 'e'), 'a manifest')
  expect(other.replicator.measure()).toMatchObject({ holdsLease: false, stateHashMismatches: 0 })
  const [newest, ...rest] = manifest.snapshots
  const wrong = { ...manifest, snapshots: [{ ...known(newest, 'a snapshot'), stateHash: 'f'.repeat(32) }, ...rest] }
  await remote.put('e/manifest.json', printManifest(wrong))
  const line = await until(() => other.logged('state-hash-mismatch')[0])
  expect(line).toMatchObject({ level: 'error', fields: { environment: 'e', revision: 3, expected: 'f'.repeat(32), automatic: false } })
  expect(other.replicator.measure().stateHashMismatches).toBe(1)
})

test('an idle environment does not keep the log of its partition', async () => {
  const memory = createMemoryLog({ logId: 'memory', partitions: 1 })
  const remote = memoryObjectStore('shared')
  const cell = await startCell({ log: lasting(memory), remote, settings: { snapshotRecords: 3 } })
  for (const env of ['idle', 'empty', 'busy']) await cell.replicator.createEnvironment(env)
  await write(cell, 'idle', 2)
  let round = 0
  await until(async () => {
    await cell.replicator.append('busy', note(`n${round}`), `w${round++}`)
    return (await memory.bounds('busy')).first > 20 ? true : null
  })
  const covered = await until(async () => {
    const manifest = await manifestOf(cell.objects, 'idle')
    return manifest !== null && manifest.coveredThrough > 20 ? manifest : null
  })
  expect(covered.snapshots[0]?.revision).toBeLessThan(20)
  // What was trimmed is in what is shared: a cell with nothing of its own has it all.
  const other = await startCell({ log: lasting(memory), remote })
  for (const env of ['idle', 'empty', 'busy', 'control'])
    expect(await stateOf(other.replicator, env)).toEqual(await stateOf(cell.replicator, env))
})

test('a foreign snapshot keeps the log of its environment, until one of its own is out', async () => {
  const memory = createMemoryLog({ logId: 'memory', partitions: 4 })
  const inner = memoryObjectStore()
  const first = await startCell({ log: lasting(memory), objects: inner, settings: { trim: false } })
  for (const [partition, env] of ['e', 'o', 'busy'].entries()) {
    await first.replicator.createEnvironment(env, { partition: partition + 1 })
    await write(first, env, 2)
    await first.replicator.publish(env)
  }
  await first.replicator.close()
  const place = { objects: inner, env: 'e' }
  const { key } = await plantSnapshot({ objects: inner, env: 'o' }, place)
  const manifest = await manifestIn(place)
  await putManifest(place, { ...manifest, snapshots: manifest.snapshots.filter((entry) => entry.key === key), deltas: [] })
  let isFull = true
  const objects: ObjectStore = {
    ...inner,
    put: async (name, ...rest) => {
      if (isFull && name.startsWith('e/snapshots/')) throw new StoreError('unavailable', 'the disk is full')
      return inner.put(name, ...rest)
    },
  }
  const remote = memoryObjectStore('shared')
  const cell = await startCell({ log: lasting(memory), objects, remote, settings: { snapshotRecords: 3 } })
  await until(async () => (await manifestOf(remote, 'e')) !== null || null)
  const kept = (await memory.bounds('busy')).last
  let round = 0
  const trimmedPast = async (env: string, position: number): Promise<true | null> => {
    await cell.replicator.append(env, note(`m${round}`), `m${round++}`)
    return (await memory.bounds(env)).first > position ? true : null
  }
  await until(() => trimmedPast('busy', kept))
  expect((await memory.bounds('e')).first).toBe(0)
  isFull = false
  await until(() => trimmedPast('e', 2))
  expect((await stateOf(cell.replicator, 'e')).facts).toContain('note(Text:n1)')
})

test('an environment that is not known yet keeps the log of its partition too', async () => {
  const memory = createMemoryLog({ logId: 'memory', partitions: 2 })
  const remote = memoryObjectStore('shared')
  let held: (() => void)[] | null = null
  // A cell that trims, and hears late what happens in `control`.
  const log: PartitionedLog = {
    ...lasting(memory),
    subscribe: (listener) =>
      memory.subscribe({
        published: (env, ...published) => {
          if (env === 'control' && held !== null) held.push(() => listener.published(env, ...published))
          else listener.published(env, ...published)
        },
        failed: (...failed) => listener.failed(...failed),
      }),
  }
  const late = await startCell({ log, remote, settings: { snapshotRecords: 3 } })
  await until(() => (late.replicator.measure().holdsLease ? true : null))
  await late.replicator.createEnvironment('busy', { partition: 1 })
  held = []
  const early = await startCell({ log: lasting(memory), remote, settings: { trim: false } })
  await early.replicator.createEnvironment('fresh', { partition: 1 })
  await write(early, 'fresh', 3)
  const first = (await memory.bounds('fresh')).last - 3
  for (let index = 0; index < 30; index++) {
    await late.replicator.append('busy', note(`n${index}`), `w${index}`)
    await late.replicator.publish('busy')
  }
  expect((await memory.bounds('busy')).first).toBeLessThanOrEqual(first)
  for (const publish of held.splice(0)) publish()
  held = null
  await until(async () => ((await memory.bounds('busy')).first > first ? true : null))
  expect(await stateOf(late.replicator, 'fresh')).toEqual(await stateOf(early.replicator, 'fresh'))
})

describe('the lease', () => {
  test('is released by a cell that does not see the log any more, and taken by one that does', async () => {
    const memory = createMemoryLog({ logId: 'memory' })
    const remote = memoryObjectStore('shared')
    let ageMs: number | null = 0
    const blind = await startCell({ log: { ...lasting(memory), stalenessMs: () => ageMs }, remote })
    await until(() => (blind.replicator.measure().holdsLease ? true : null))
    ageMs = limits.leaseStandstillMs
    await until(() => (blind.replicator.measure().holdsLease ? null : true))
    expect(blind.logged('lease-lost')).toHaveLength(1)
    const other = await startCell({ log: lasting(memory), remote })
    await until(() => (other.replicator.measure().holdsLease ? true : null))
    ageMs = 0
    await blind.replicator.createEnvironment('e')
    await write(blind, 'e', 3)
    await until(async () => ((await manifestOf(remote, 'e'))?.coveredThrough === 3 ? true : null))
    expect(blind.replicator.measure().holdsLease).toBe(false)
  })

  test('is not taken by a cell that has not seen the log', async () => {
    const memory = createMemoryLog({ logId: 'memory' })
    const remote = memoryObjectStore('shared')
    let asked = 0
    let seen = false
    const stalenessMs = (): number | null => {
      asked++
      return seen ? 0 : null
    }
    const cell = await startCell({ log: { ...lasting(memory), stalenessMs }, remote })
    // The first look comes at once; the others are heartbeats, which come every 10 ms.
    await until(() => (asked > 50 ? true : null))
    expect(await remote.list('lease.json')).toEqual([])
    seen = true
    await until(() => (cell.replicator.measure().holdsLease ? true : null))
    expect(await remote.list('lease.json')).toHaveLength(1)
  })
})

describe('an environment that is made in a partition that was trimmed', () => {
  /** A cell whose log does not reach back, and a shared store that hangs when told to. */
  const trimmedCell = async () => {
    const memory = createMemoryLog({ logId: 'memory', partitions: 1 })
    const inner = memoryObjectStore('shared')
    const state = { hangs: false }
    const { promise: never, reject } = Promise.withResolvers<never>()
    const remote = broken(
      inner,
      () => never,
      () => state.hangs,
    )
    // So that nothing has to be waited for at the end.
    const answer = (): void => reject(new StoreError('unavailable', 'at last'))
    const cell = await startCell({ log: lasting(memory), remote })
    await cell.replicator.createEnvironment('old')
    await write(cell, 'old', 3)
    await cell.replicator.publish('old')
    await until(async () => ((await memory.bounds('old')).first > 0 ? true : null))
    return { memory, remote, state, cell, answer }
  }

  test('serves while the shared store never answers', async () => {
    const { cell, state, answer } = await trimmedCell()
    state.hangs = true
    await cell.replicator.createEnvironment('new')
    await write(cell, 'new', 2)
    expect(await stateOf(cell.replicator, 'new')).toMatchObject({ facts: ['note(Text:n0)', 'note(Text:n1)'] })
    expect(cell.replicator.problem()).toBeNull()
    answer()
  })

  test('is there after a restart, with that store still away', async () => {
    const { cell, memory, state, remote, answer } = await trimmedCell()
    state.hangs = true
    await cell.replicator.createEnvironment('new')
    await write(cell, 'new', 2)
    await until(async () => ((await manifestOf(cell.objects, 'new'))?.coveredThrough === (await memory.bounds('new')).last ? true : null))
    const before = await stateOf(cell.replicator, 'new')
    answer()
    await cell.replicator.close()
    const again = await startCell({ log: lasting(memory), objects: cell.objects, remote })
    expect(await stateOf(again.replicator, 'new')).toEqual(before)
  })

  test('is followed by the other cells, with that store away: the log holds it whole', async () => {
    const { cell, memory, state, remote, answer } = await trimmedCell()
    const other = await startCell({ log: lasting(memory), remote })
    state.hangs = true
    await cell.replicator.createEnvironment('new')
    await write(cell, 'new', 2)
    await until(async () => ((await other.replicator.environments()).some(({ env }) => env === 'new') ? true : null))
    expect(await stateOf(other.replicator, 'new')).toEqual(await stateOf(cell.replicator, 'new'))
    answer()
  })

  test('and trimmed again before a cell heard of it, is never taken for an empty one there', async () => {
    const memory = createMemoryLog({ logId: 'memory', partitions: 1 })
    const inner = memoryObjectStore('shared')
    let down = false
    const remote = broken(
      inner,
      () => Promise.reject(new StoreError('unavailable', 'no route to host')),
      () => down,
    )
    const early = await startCell({ log: lasting(memory), remote, settings: { snapshotRecords: 1 } })
    await until(() => (early.replicator.measure().holdsLease ? true : null))
    const held: (() => void)[] = []
    let holds = false
    const log: PartitionedLog = {
      ...lasting(memory),
      subscribe: (listener) =>
        memory.subscribe({
          published: (...published) => void (holds ? held.push(() => listener.published(...published)) : listener.published(...published)),
          failed: (...failed) => listener.failed(...failed),
        }),
    }
    const late = await startCell({ log, remote, settings: { trim: false } })
    holds = true
    await early.replicator.createEnvironment('new')
    await write(early, 'new', 3)
    const last = (await memory.bounds('new')).last
    for (let round = 0; round < 4; round++) {
      await early.replicator.append('new', note(`more ${round}`), `more ${round}`)
      for (const env of ['new', 'control']) await early.replicator.publish(env)
    }
    await until(async () => ((await memory.bounds('new')).first > last ? true : null))
    down = true
    holds = false
    for (const publish of held.splice(0)) publish()
    await until(async () => ((await late.replicator.environments()).some(({ env }) => env === 'new') ? true : null))
    // A write here must not make it look like one that begins now.
    await late.replicator.append('new', note('here'), 'here')
    await until(() => late.logged('environment-waits').find(({ fields }) => fields['environment'] === 'new'))
    await expect(late.replicator.snapshot('new')).rejects.toThrow(/no state yet|still being loaded/)
    down = false
    await until(async () => stateOf(late.replicator, 'new').catch(() => null))
    expect(await stateOf(late.replicator, 'new')).toEqual(await stateOf(early.replicator, 'new'))
  })
})

/** Every call ends as `fails` says, as long as it does. */
const broken = (store: ObjectStore, fails: () => Promise<never>, isBroken: () => boolean = () => true): ObjectStore => ({
  name: store.name,
  get: (...args) => (isBroken() ? fails() : store.get(...args)),
  put: (...args) => (isBroken() ? fails() : store.put(...args)),
  list: (...args) => (isBroken() ? fails() : store.list(...args)),
  delete: (...args) => (isBroken() ? fails() : store.delete(...args)),
})

/** What the looks of a Worker at its objects cost, on workerd: how often they are, and what they transfer. */
import { describe, expect, test } from 'vitest'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { serveObjects } from '../../scripts/bench/workerd.ts'
import { manifestKey } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { at } from '../../src/base/assert.ts'
import { controlEnvironment } from '../../src/log/control.ts'
import { settings } from '../../src/ops/settings.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { withTheTest } from '../runtime/support/edge.ts'
import { type Asker, createHarness } from '../runtime/support/harness.ts'
import { basic } from '../runtime/support/policies.ts'
import { looksOf } from './looks.ts'
import { anaReads, anaRole, startTestWorker, startWorkerEdge, until } from './support.ts'

const manifests = [controlEnvironment, developmentEnvironment].map(manifestKey)
/** Of both together. */
const IDLE_LOOKS = 20

const lookOften = async (ask: Asker): Promise<void> => {
  const before = await looksOf(ask)
  await until(async () => {
    await ask.allowed(anaReads)
    return (await looksOf(ask)) >= before + IDLE_LOOKS
  })
}

describe('idle looks are answered by a condition, and transfer nothing', () => {
  test('of a bucket of R2', async () => {
    const { worker, ask, cell, publish, replicator } = await startWorkerEdge()
    await cell.facts(anaRole)
    await publish()
    // Nothing is written from here on.
    await replicator.close()
    expect(await ask.allowed(anaReads)).toBe(true)
    const before = (await worker.seen()).reads
    await lookOften(ask)
    const after = (await worker.seen()).reads
    for (const key of manifests) {
      const [was, is] = [before[key], after[key]]
      expect(is?.bodies).toBe(was?.bodies)
      expect((is?.conditional ?? 0) - (was?.conditional ?? 0)).toBe((is?.asked ?? 0) - (was?.asked ?? 0))
      expect((is?.conditional ?? 0) - (was?.conditional ?? 0)).toBeGreaterThanOrEqual(IDLE_LOOKS / 4)
    }
    const bodies = (reads: typeof after): number => Object.values(reads).reduce((sum, { bodies: each }) => sum + each, 0)
    expect(bodies(after)).toBe(bodies(before))
  })

  test('of a web server', async () => {
    const objects = memoryObjectStore()
    const replicator = await inMemoryReplicator({ objects, settings: { deltaIntervalMs: 3_600_000, heartbeatMs: 50 } })
    const cell = await createHarness({ replicator })
    await cell.policy(basic)
    await cell.facts(anaRole)
    for (const { env } of await replicator.environments()) await replicator.publish(env)
    await replicator.close()
    const { store, reads } = watched(objects)
    const served = await serveObjects(store)
    withTheTest(() => served.close())
    const { ask } = await startTestWorker({ bucket: false, settings: { ARCTOS_STORE: served.url } })
    expect(await ask.allowed(anaReads)).toBe(true)
    const loaded = reads.length
    await lookOften(ask)
    for (const key of manifests) {
      const of = reads.slice(loaded).filter((read) => read.key === key)
      expect(of.filter(({ found }) => found === 'unchanged').length).toBeGreaterThanOrEqual(IDLE_LOOKS / 4)
    }
    expect(reads.slice(loaded).filter(({ found }) => found === 'content')).toEqual([])
  })
})

test('without a setting, looks are a second apart: those who ask before cause none, those who ask at once cause one', async () => {
  const { ask, worker } = await startWorkerEdge({ settings: { ARCTOS_REFRESH_MS: '' } })
  expect(settings.refreshMs.default).toBe(1000)
  const manifestReads = async (): Promise<number> => (await worker.seen()).reads[at(manifests, 0)]?.asked ?? 0
  await worker.setClocks('stand')
  const askAtOnce = () => Promise.all(Array.from({ length: 5 }, () => ask.allowed(anaReads)))
  await askAtOnce()
  const [first, looked] = [await manifestReads(), await looksOf(ask)]
  for (let second = 0; second < 3; second++) {
    expect(await manifestReads()).toBe(first + second)
    await worker.advanceClocks(999)
    await askAtOnce()
    await askAtOnce()
    expect(await manifestReads()).toBe(first + second)
    await worker.advanceClocks(1)
    await askAtOnce()
    await until(async () => (await manifestReads()) > first + second)
    await until(async () => (await looksOf(ask)) === looked + 2 * (second + 1))
    await askAtOnce()
  }
})

interface Read {
  readonly key: string
  readonly found: 'content' | 'unchanged' | 'nothing'
}

/** Tells what was read from a store. */
const watched = (objects: ObjectStore): { readonly store: ObjectStore; readonly reads: readonly Read[] } => {
  const reads: Read[] = []
  const get: ObjectStore['get'] = async (key, options) => {
    const object = await objects.get(key, options)
    reads.push({ key, found: object === null ? 'nothing' : object === 'unchanged' ? object : 'content' })
    return object
  }
  return { store: { ...objects, get }, reads }
}

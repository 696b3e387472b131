/** What retention deletes, and when. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Manifest, manifestKey, manifestObjects, printManifest } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { type SweepOptions, type Swept, sweep } from '../../snapshots/retention.ts'
import { at } from '../../src/base/assert.ts'
import { env, publishState } from './published-state.ts'

const HOUR_MS = 3_600_000

/** Sweeps of one process, on a clock of the test's own. */
class Sweeper {
  ms = 12_345
  readonly #objects: ObjectStore
  readonly #unreferenced = new Map<string, number>()
  constructor(objects: ObjectStore) {
    this.#objects = objects
  }

  sweep(more: Partial<SweepOptions> = {}): Promise<Swept> {
    return sweep({
      objects: this.#objects,
      env,
      keep: new Set(),
      platform: { monotonicMs: () => this.ms },
      unreferencedMs: HOUR_MS,
      unreferenced: this.#unreferenced,
      ...more,
    })
  }
}

const keysOf = async (objects: ObjectStore): Promise<readonly string[]> => (await objects.list('')).map(({ key }) => key)

/** Whatever the modification times say: one of each server. */
const stores = { old: () => memoryObjectStore('memory', () => 0), future: () => memoryObjectStore('memory', () => 4e12) }

for (const [name, open] of Object.entries(stores))
  test(`what nothing names is deleted an hour after that was first seen, with modification times of the ${name}`, async () => {
    const objects = open()
    const old = await publishState(objects, [10])
    const sweeper = new Sweeper(objects)
    expect(await sweeper.sweep()).toEqual({ deleted: [], missing: [] })
    sweeper.ms += HOUR_MS * 5
    const current = await publishState(objects, [20])
    expect((await sweeper.sweep()).deleted).toEqual([])
    sweeper.ms += HOUR_MS - 1
    expect((await sweeper.sweep()).deleted).toEqual([])
    sweeper.ms += 1
    expect((await sweeper.sweep()).deleted.toSorted()).toEqual(manifestObjects(old).toSorted())
    expect(await keysOf(objects)).toEqual([manifestKey(env), ...manifestObjects(current)].toSorted())
  })

test('another process waits an hour of its own', async () => {
  const objects = memoryObjectStore()
  await publishState(objects, [10])
  await publishState(objects, [20])
  const [first, second] = [new Sweeper(objects), new Sweeper(objects)]
  await first.sweep()
  second.ms = first.ms + HOUR_MS
  expect((await second.sweep()).deleted).toEqual([])
})

test('what is named again begins anew', async () => {
  const objects = memoryObjectStore()
  const old = await publishState(objects, [10])
  const current = await publishState(objects, [20])
  const sweeper = new Sweeper(objects)
  await sweeper.sweep()
  sweeper.ms += HOUR_MS / 2
  const both: Manifest = { ...current, snapshots: [...current.snapshots, ...old.snapshots] }
  await objects.put(manifestKey(env), printManifest(both))
  await sweeper.sweep()
  await objects.put(manifestKey(env), printManifest(current))
  sweeper.ms += HOUR_MS / 2
  expect((await sweeper.sweep()).deleted).toEqual(old.deltas.map(({ key }) => key))
  sweeper.ms += HOUR_MS
  expect((await sweeper.sweep()).deleted).toEqual(old.snapshots.map(({ key }) => key))
})

test('what is to be kept is kept', async () => {
  const objects = memoryObjectStore()
  await publishState(objects, [10])
  const keep = new Set([`${env}/restores/5-x.sqlite.gz`])
  for (const key of [...keep, `${env}/restores/6-x.sqlite.gz`, 'shop2/snapshots/1', 'lease.json', `heartbeats/${env}.json`])
    await objects.put(key, new Uint8Array(1))
  const sweeper = new Sweeper(objects)
  await sweeper.sweep({ keep })
  sweeper.ms += HOUR_MS
  expect((await sweeper.sweep({ keep })).deleted).toEqual([`${env}/restores/6-x.sqlite.gz`])
})

test('without a manifest, or with one that cannot be read, nothing is deleted', async () => {
  const objects = memoryObjectStore()
  const old = await publishState(objects, [10])
  const sweeper = new Sweeper(objects)
  for (const content of [null, '{"format":', '{"format":9}']) {
    await objects.delete(manifestKey(env))
    if (content !== null) await objects.put(manifestKey(env), new TextEncoder().encode(content))
    for (let round = 0; round < 2; round++) {
      await sweeper.sweep().then(
        (swept) => expect([content, swept]).toEqual([null, { deleted: [], missing: [] }]),
        (error: unknown) => expect([content !== null, error]).toEqual([true, expect.objectContaining({ name: 'LoadError' })]),
      )
      sweeper.ms += HOUR_MS * 2
    }
  }
  for (const key of manifestObjects(old)) expect(await objects.get(key)).not.toBeNull()
})

test('a sweep ends when it may no longer delete, and goes on where it was', async () => {
  const objects = memoryObjectStore()
  await publishState(objects, [10])
  await publishState(objects, [20])
  const sweeper = new Sweeper(objects)
  await sweeper.sweep()
  sweeper.ms += HOUR_MS
  let allowed = 1
  expect((await sweeper.sweep({ mayDelete: () => allowed-- > 0 })).deleted).toHaveLength(1)
  expect((await sweeper.sweep()).deleted).toHaveLength(1)
})

test('what the manifest names and is gone is told', async () => {
  const objects = memoryObjectStore()
  const { snapshots } = await publishState(objects, [10])
  await objects.delete(at(snapshots, 0).key)
  expect((await new Sweeper(objects).sweep()).missing).toEqual([at(snapshots, 0).key])
})

test('whatever is published when, no manifest of the last hour loses an object', async () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('publish', 'sweep'), fc.integer({ min: 0, max: HOUR_MS })), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const objects = memoryObjectStore()
      const sweeper = new Sweeper(objects)
      const published = [{ manifest: await publishState(objects, [0]), untilMs: Number.POSITIVE_INFINITY }]
      for (const [index, [what, passMs]] of script.entries()) {
        sweeper.ms += passMs
        if (what === 'sweep') {
          await sweeper.sweep()
        } else {
          at(published, published.length - 1).untilMs = sweeper.ms
          published.push({ manifest: await publishState(objects, [index + 1]), untilMs: Number.POSITIVE_INFINITY })
        }
        const there = new Set(await keysOf(objects))
        for (const { manifest, untilMs } of published)
          if (sweeper.ms - untilMs < HOUR_MS) expect(manifestObjects(manifest).filter((key) => !there.has(key))).toEqual([])
      }
      // And it ends.
      await sweeper.sweep()
      sweeper.ms += HOUR_MS
      await sweeper.sweep()
      expect(await keysOf(objects)).toHaveLength(3)
    }),
    { numRuns: 100 },
  )
})

/** Images of 1, 15 and 45 MB replace each other in a Worker under requests: none fails, and each is answered from the one state that its position names. */
import { expect, onTestFinished, test } from 'vitest'
import { EdgeImages, emptyState } from '../../scripts/bench/edge-images.ts'
import { serveObjects } from '../../scripts/bench/workerd.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { webSnapshotPlatform } from '../../snapshots/web-platform.ts'
import { workerMemory } from '../../snapshots/worker-memory.ts'
import { at } from '../../src/base/assert.ts'
import { controlEnvironment } from '../../src/log/control.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import type { Answer, Asker } from '../runtime/support/harness.ts'
import { startTestWorker, until } from './support.ts'
import { BITS, MEGABYTES, nameOf, namesOf, type Size, States } from './swap-states.ts'

/** As many as a Worker should stand; another number by `ARCTOS_SWAPS`. */
const SWAPS = Number(process.env['ARCTOS_SWAPS'] ?? 200)
const HTTP_SWAPS = 30
const CLIENTS = 16
const MEMORY_BYTES = workerMemory.defaultMib * 1024 * 1024

const settings = { ARCTOS_REFRESH_MS: '20' }

/** Of every 50 swaps five bring 15 MB, and two bring 45 MB. */
const mixedSize = (swap: number): Size => (swap % 25 === 12 ? 'large' : swap % 10 === 8 ? 'middle' : 'small')

test(`${SWAPS} swaps from R2 under load: no request fails, each is answered from one state`, async () => {
  const { worker, ask } = await startTestWorker({ settings })
  expect(await swapUnderLoad({ objects: worker.bucket, ask, swaps: SWAPS, sizeOf: mixedSize })).toBe(SWAPS)
}, 600_000)

test(`${HTTP_SWAPS} swaps from a web server under load, each of another size than the one before: the same`, async () => {
  const objects = memoryObjectStore()
  const served = await serveObjects(objects)
  onTestFinished(() => served.close())
  const { ask } = await startTestWorker({ bucket: false, settings: { ...settings, ARCTOS_STORE: served.url } })
  const sizeOf = (swap: number): Size => at(['small', 'middle', 'large'], swap % 3)
  expect(await swapUnderLoad({ objects, ask, swaps: HTTP_SWAPS, sizeOf })).toBe(HTTP_SWAPS)
}, 600_000)

interface Swapping {
  readonly objects: ObjectStore
  readonly ask: Asker
  readonly swaps: number
  readonly sizeOf: (swap: number) => Size
}

/** How often the Worker has swapped, by its own count. */
const swapUnderLoad = async ({ objects, ask, swaps, sizeOf }: Swapping): Promise<number> => {
  const states = new States()
  const { pool } = states
  const platform = webSnapshotPlatform(() => undefined)
  const imagesOf = (env: string) => new EdgeImages({ objects, env, pool, platform })
  const [control, images] = [imagesOf(controlEnvironment), imagesOf(developmentEnvironment)]
  await control.show(await control.upload(emptyState(pool, null)))
  await images.show(await images.upload(states.next('small', 1)))
  await until(async () => (await ask.post('/api/list', asked)).status === 200)

  const run = { isOver: false }
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, start) => askOn(ask, start, run)))
  const sizes = new Set<Size>()
  const driven = (async () => {
    for (let swap = 0; swap < swaps && !run.isOver; swap++) {
      const size = sizeOf(swap)
      const entry = await images.upload(states.next(size, ((swap + 2) * 37) % (1 << BITS)))
      const [least, most] = MEGABYTES[size]
      expect(entry.rawBytes / 1e6).toBeGreaterThan(least)
      expect(entry.rawBytes / 1e6).toBeLessThan(most)
      await images.show(entry)
      await until(async () => revisionOf(await ask.post('/api/list', asked)) === entry.revision)
      sizes.add(size)
      if (size === 'large') await expectMemory(ask, entry.rawBytes)
    }
  })()
  await Promise.race([driven, clients]).finally(() => (run.isOver = true))
  const seen = (await clients).flat()
  await driven
  expect([...sizes].toSorted()).toEqual(['large', 'middle', 'small'])
  for (const { revision, found, expected } of seen) {
    expect({ revision, found }).toEqual({ revision, found: expected(at([states.codes.get(revision) ?? -1], 0)) })
  }
  expect(new Set(seen.map(({ revision }) => revision)).size).toBeGreaterThan(swaps / 2)
  await expectMemory(ask, 0)
  const { text } = await ask.get('/metrics')
  // Without those of the keys and the first one beside them.
  return Number(/^arctos_edge_looks\{outcome="swapped"\} (\d+)/m.exec(text)?.[1]) - 2
}

/** Of all databases: at least what one image has, and at most what they may have by default. */
const expectMemory = async (ask: Asker, leastBytes: number): Promise<void> => {
  const bytes = Number(/^arctos_wasm_bytes (\d+)/m.exec((await ask.get('/metrics')).text)?.[1])
  expect(bytes).toBeGreaterThan(leastBytes)
  expect(bytes).toBeLessThanOrEqual(MEMORY_BYTES)
}

const asked = { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo' }

interface Seen {
  readonly revision: number
  readonly found: unknown
  readonly expected: (code: number) => unknown
}

/** Asks until told to stop; an answer other than 200, or of an older state than the one before, fails it. */
const askOn = async (ask: Asker, start: number, run: { readonly isOver: boolean }): Promise<readonly Seen[]> => {
  const seen: Seen[] = []
  for (let round = start; !run.isOver; round++) {
    const bit = round % BITS
    const isList = round % 3 === 0
    const answer: Answer = isList ? await ask.post('/api/list', asked) : await ask.authorize(`User:ana read Repo:${nameOf(bit)}`)
    expect([answer.status, answer.status === 200 ? '' : answer.text]).toEqual([200, ''])
    const revision = revisionOf(answer)
    expect(revision).toBeGreaterThanOrEqual(seen.at(-1)?.revision ?? 0)
    if (isList) seen.push({ revision, found: answer.body.results, expected: namesOf })
    else seen.push({ revision, found: answer.body.allowed, expected: (code) => ((code >> bit) & 1) === 1 })
  }
  return seen
}

const revisionOf = ({ headers }: Answer): number => Number(headers.get('arctos-revision')?.split(':').at(-1))

/** What an isolate holds while the largest images that fit twice replace each other: heap, buffers and wasm memory stay within what a platform gives it. */
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { checkOf } from '../../scripts/bench/ask-cell.ts'
import { headerOf } from '../../scripts/bench/connection.ts'
import { EdgeImages, emptyState } from '../../scripts/bench/edge-images.ts'
import { countedBytes, type IsolateMemory, sample } from '../../scripts/bench/inspector.ts'
import { type RunningWorker, serveObjects, startWorkerd } from '../../scripts/bench/workerd.ts'
import { bundleWorker } from '../../scripts/worker/bundle.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { nodeSnapshotPlatform } from '../../snapshots/node/platform.ts'
import { largestWorkerImage } from '../../snapshots/worker-memory.ts'
import { controlEnvironment } from '../../src/log/control.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { temporaryDirectory } from '../runtime/support/process.ts'
import { until } from './support.ts'
import { MEGABYTES, nameOf, States } from './swap-states.ts'

const MIB = 1024 * 1024
const ISOLATE_BYTES = 128 * MIB
/** After about ten garbage is collected. */
const SWAPS = 14
const LIVE_SWAPS = 3
const FREE_BYTES = 20 * MIB

test.each([
  ['HTTP', false],
  ['a bucket of R2', true],
])(
  `${SWAPS} swaps of 45 MB by %s: with all garbage of them an isolate stays within 128 MB`,
  async (_, r2) => {
    const most = await mostWhileSwapping({ swaps: SWAPS, live: false, r2 })
    expect(most.wasm).toBeGreaterThan(90e6)
    expect({ ...most, fits: countedBytes(most) < ISOLATE_BYTES }).toMatchObject({ fits: true })
  },
  300_000,
)

test(`${LIVE_SWAPS} swaps of 45 MB: what is no garbage leaves 20 MB of an isolate free`, async () => {
  const most = await mostWhileSwapping({ swaps: LIVE_SWAPS, live: true, r2: false })
  expect(most.wasm).toBeGreaterThan(90e6)
  expect({ ...most, fits: countedBytes(most) < ISOLATE_BYTES - FREE_BYTES }).toMatchObject({ fits: true })
}, 300_000)

const question = { user: 'ana', action: 'read', resource: { type: 'Repo', id: nameOf(0) } } as const

interface Swapping {
  readonly swaps: number
  readonly live: boolean
  readonly r2: boolean
}

const mostWhileSwapping = async ({ swaps, live, r2 }: Swapping): Promise<IsolateMemory> => {
  const objects = memoryObjectStore()
  const states = new States()
  const platform = nodeSnapshotPlatform(() => undefined)
  const imagesOf = (env: string) => new EdgeImages({ objects, env, pool: states.pool, platform })
  const [control, images] = [imagesOf(controlEnvironment), imagesOf(developmentEnvironment)]
  await control.show(await control.upload(emptyState(states.pool, null)))
  const upload = (swap: number) => images.upload(states.next('large', swap % 2))
  const first = await upload(0)
  const [least, mostMb] = MEGABYTES.large
  expect(first.rawBytes / 1e6).toBeGreaterThan(least)
  expect(first.rawBytes / 1e6).toBeLessThan(mostMb)
  expect(first.rawBytes).toBeLessThan(largestWorkerImage())
  await images.show(first)

  const worker = await startBenchWorker(objects, r2)
  const inspector = await worker.inspector()
  onTestFinished(() => inspector.close())
  const sampling = sample(inspector, { live })
  for (let swap = 1; swap <= swaps; swap++) {
    const entry = await upload(swap)
    await images.show(entry)
    await until(async () => (await revisionOf(worker)) === entry.revision)
  }
  return sampling.most()
}

/** Plain workerd, which tells an inspector of its memory. */
const startBenchWorker = async (objects: Parameters<typeof serveObjects>[0], r2: boolean): Promise<RunningWorker> => {
  const directory = await temporaryDirectory()
  await bundleWorker(directory, fileURLToPath(new URL('../../scripts/bench/edge-worker.ts', import.meta.url)))
  const served = await serveObjects(objects)
  onTestFinished(() => served.close())
  const worker = await startWorkerd({ directory, objects: served, settings: { ARCTOS_REFRESH_MS: '20' }, r2, inspected: true })
  onTestFinished(() => worker.stop())
  await worker.untilAnswered({ path: '/livez', body: null }, '{"message":"alive"}')
  return worker
}

const revisionOf = async ({ client }: RunningWorker): Promise<number> =>
  Number(
    headerOf(await client.ask(checkOf(question)), 'arctos-revision')
      ?.split(':')
      .at(-1),
  )

/** The Worker on plain workerd: its size, its start, its decisions, its requests, its memory, and what a swap costs those that wait. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { nodeSnapshotPlatform } from '../../snapshots/node/platform.ts'
import { compileModules, storeFactory, storePool } from '../../snapshots/node/stores.ts'
import { controlEnvironment } from '../../src/log/control.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { bundleWorker } from '../worker/bundle.ts'
import type { Answers } from './data-set.ts'
import { EdgeImages, emptyState } from './edge-images.ts'
import { memoryFigures } from './edge-memory.ts'
import { decisionFigures, requestFigures } from './edge-questions.ts'
import { startFigures, swapFigures } from './edge-times.ts'
import { atMost, type Figure } from './figure.ts'
import { githubSet, githubShapes } from './github.ts'
import { type ServedObjects, serveObjects } from './workerd.ts'
import { type Loaded, load } from './world.ts'

/** An environment as the Worker follows it. */
export interface EdgeWorld {
  readonly size: string
  readonly directory: string
  readonly objects: ServedObjects
  readonly images: EdgeImages
  /** Of the image that the Worker starts from, unpacked. */
  readonly rawBytes: number
  readonly loaded: Loaded
  readonly answers: Answers
  readonly settings: Readonly<Record<string, string>>
}

const SIZES = {
  '1.5 MB': { organizations: 5, settings: {} },
  '15 MB': { organizations: 52, settings: {} },
  // The largest that is swapped within the memory of a Worker, by its default.
  '45 MB': { organizations: 161, settings: {} },
  // Two of them do not fit into what an isolate has; one alone is measured.
  '1m': { organizations: githubShapes['1m'].organizations, settings: { ARCTOS_MEMORY_MIB: '512' } },
} as const

export const edgeFigures = async (report: (figures: readonly Figure[]) => void): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'arctos-bench-edge-'))
  try {
    report(await bundleFigures(join(directory, 'deployed')))
    const bundle = join(directory, 'bench')
    await bundleWorker(bundle, fileURLToPath(new URL('edge-worker.ts', import.meta.url)))
    await over('1.5 MB', bundle, async (world) => report(await startFigures(world)))
    await over('15 MB', bundle, async (world) => report(await swapFigures(world)))
    await over('45 MB', bundle, async (world) => report(await memoryFigures(world)))
    await over('1m', bundle, async (world) => {
      report(await decisionFigures(world))
      report(await requestFigures(world))
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Compressed each for itself, which is more than together. */
const bundleFigures = async (directory: string): Promise<Figure[]> => {
  await bundleWorker(directory)
  const files = ['worker.js', 'sqlite3.wasm', 'trampoline.wasm']
  const [script = 0, ...wasm] = await Promise.all(files.map(async (name) => gzipSync(await readFile(join(directory, name))).length / 1024))
  const bytes = wasm.reduce((sum, part) => sum + part, script)
  return [
    { name: 'Worker bundle, compressed: its script alone', size: '', value: script, unit: 'KiB' },
    { name: 'Worker bundle without data, compressed', size: '', value: bytes, unit: 'KiB', bar: atMost(500) },
  ]
}

const over = async (size: keyof typeof SIZES, directory: string, measure: (world: EdgeWorld) => Promise<void>): Promise<void> => {
  process.stderr.write(`edge: ${size}\n`)
  const { organizations, settings } = SIZES[size]
  const modules = await compileModules()
  const [pool, platform, objects] = [storePool(modules), nodeSnapshotPlatform(() => undefined), memoryObjectStore()]
  const loaded = load(storeFactory(modules)(), size, githubSet({ ...githubShapes['1m'], organizations }))
  const imagesOf = (env: string) => new EdgeImages({ objects, env, pool, platform })
  const [control, images] = [imagesOf(controlEnvironment), imagesOf(developmentEnvironment)]
  await control.show(await control.upload(emptyState(pool, null)))
  const entry = await images.upload(loaded.store)
  await images.show(entry)
  const served = await serveObjects(objects)
  try {
    await measure({ size, directory, objects: served, images, rawBytes: entry.rawBytes, loaded, answers: loaded.data.answers(), settings })
  } finally {
    served.close()
  }
}

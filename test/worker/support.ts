/** A cell in this process that publishes into the bucket of a Worker, and the Worker. */
import { Hono } from 'hono'
import { expect } from 'vitest'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { listen } from '../../runtime/node/server.ts'
import { type Manifest, manifestKey, parseManifest, printManifest } from '../../snapshots/manifest.ts'
import { objectBytes } from '../../snapshots/object-bytes.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { at } from '../../src/base/assert.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { adminHash } from '../runtime/support/admin.ts'
import { type Ending, withTheTest } from '../runtime/support/edge.ts'
import { Asker, createHarness, type Harness } from '../runtime/support/harness.ts'
import { basic } from '../runtime/support/policies.ts'
import { startWorker, type WorkerOptions, type WorkerProcess } from '../support/worker-process.ts'

export const anaReads = 'User:ana read Repo:r1'
export const anaRole = 'has_role(User:ana, String:reader, Repo:r1)'

/** The Worker, ended with the test. */
export const startTestWorker = async ({ atEnd = withTheTest, ...options }: WorkerOptions & Ending = {}) => {
  const worker = await startWorker({ ...options, settings: { ARCTOS_REFRESH_MS: '50', ...options.settings } })
  atEnd(() => worker.end())
  return { worker, ask: new Asker({ request: (path, init) => fetch(`${worker.url}${path}`, init) }) }
}

export interface TestWorkerOptions extends WorkerOptions, Ending {
  /** Whether the cell is the origin of the Worker. */
  readonly origin?: boolean
  /** Of the cell. */
  readonly cellSettings?: Readonly<Record<string, string>>
}

/** A cell with a policy whose objects are in the bucket of a Worker. */
export const startWorkerEdge = async ({ origin = false, cellSettings, atEnd = withTheTest, ...options }: TestWorkerOptions = {}) => {
  const served = await serveCell(atEnd)
  const { worker, ask } = await startTestWorker({
    ...options,
    atEnd,
    settings: { ...(origin && { ARCTOS_ORIGIN: served.url }), ...options.settings },
  })
  const replicator = await inMemoryReplicator({ objects: worker.bucket, settings: { deltaIntervalMs: 3_600_000, heartbeatMs: 50 } })
  atEnd(() => replicator.close())
  const cell = await createHarness({ replicator, settings: { ARCTOS_ADMIN_KEY: adminHash, ...cellSettings } })
  served.state.cell = cell
  const publish = async (): Promise<void> => {
    for (const { env } of await replicator.environments()) await replicator.publish(env)
  }
  await cell.policy(basic)
  await publish()
  return { worker, ask, cell, publish, replicator, origin: served.state, metric: metricOf(ask) }
}

/** The one of the Worker's metrics with these labels. */
const metricOf =
  (ask: Asker) =>
  async (series: string): Promise<number> => {
    const { text } = await ask.get('/metrics')
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')[1] ?? 0,
    )
  }

interface ServedCell {
  cell: Harness | null
  /** It answers what no cell does. */
  down: boolean
  /** It takes requests and never answers. */
  hanging: boolean
  /** All requests that it has taken. */
  readonly asked: string[]
  /** Nobody listens any more: connections are refused. */
  readonly unplug: () => Promise<void>
}

/** A cell over HTTP, that can fail in several ways. */
const serveCell = async (atEnd: (close: () => unknown) => void) => {
  const app = new Hono()
  const server = await listen({ host: '127.0.0.1', port: 0, requestTimeoutMs: 30_000, app: () => app })
  let unplugged: Promise<void> | null = null
  const unplug = (): Promise<void> => (unplugged ??= server.drain(0))
  const state: ServedCell = { cell: null, down: false, hanging: false, asked: [], unplug }
  app.all('*', async ({ req: { raw } }) => {
    const { pathname, search } = new URL(raw.url)
    const { cell, down, hanging } = state
    if (cell === null || down) return new Response(null, { status: 204 })
    state.asked.push(`${raw.method} ${pathname}`)
    if (hanging) return new Promise<never>(() => {})
    const body = raw.method === 'GET' ? {} : { body: await raw.arrayBuffer() }
    return cell.app.request(`${pathname}${search}`, { method: raw.method, headers: raw.headers, ...body })
  })
  atEnd(unplug)
  return { url: server.url, state }
}

export const until = async (holds: () => Promise<boolean>): Promise<void> => {
  await expect.poll(holds, { timeout: 40_000, interval: 20 }).toBe(true)
}

/** The key of the newest snapshot of an environment. */
export const newestSnapshot = async ({ bucket }: Pick<WorkerProcess, 'bucket'>, env = developmentEnvironment): Promise<string> =>
  at((await manifestIn(bucket, env)).snapshots, 0).key

const MAX_BYTES = 2 ** 30

export const bytesOf = async (bucket: ObjectStore, key: string): Promise<Uint8Array> => {
  const object = await bucket.get(key)
  if (object === null || object === 'unchanged') throw new Error(`\`${key}\` is not there`)
  return objectBytes(key, object, MAX_BYTES)
}

export const manifestIn = async (bucket: ObjectStore, env = developmentEnvironment): Promise<Manifest> =>
  parseManifest(await bytesOf(bucket, manifestKey(env)))

export const putManifest = async (bucket: ObjectStore, manifest: Manifest): Promise<void> =>
  void (await bucket.put(manifestKey(manifest.env), printManifest(manifest)))

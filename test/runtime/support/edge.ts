/** A cell in memory, and the edges and fallbacks that follow its objects: all but processes and sockets is real. */
import { onTestFinished } from 'vitest'
import { inMemoryReplicator } from '../../../replicator/in-process.ts'
import { createApp } from '../../../runtime/app.ts'
import { createService } from '../../../runtime/create-service.ts'
import { EdgeEnvironments, type EdgeEnvironmentsOptions } from '../../../runtime/edge-environments.ts'
import { createOrigin, type OriginOptions } from '../../../runtime/edge-origin.ts'
import { hashKey, KeyRing } from '../../../runtime/keys.ts'
import { type Platform, webPlatform } from '../../../runtime/platform.ts'
import { Follower } from '../../../snapshots/follower.ts'
import { memoryObjectStore } from '../../../snapshots/memory-store.ts'
import type { ObjectStore } from '../../../snapshots/object-store.ts'
import { configure } from '../../../src/ops/configuration.ts'
import { noMetrics } from '../../../src/ops/metrics.ts'
import { developmentEnvironment, developmentKey } from '../../../src/wire/api-key.ts'
import { faultyStore, makePool, testPlatform } from '../../snapshots/follower-feed.ts'
import { Asker, createHarness, type Harness, localPolicies, readOnlyKey, secondKey } from './harness.ts'

const keys = {
  [developmentKey]: { environment: developmentEnvironment, tokenId: '12345', access: 'read-write' },
  [readOnlyKey]: { environment: developmentEnvironment, tokenId: 'reader', access: 'read-only' },
  [secondKey]: { environment: 'second', tokenId: '1', access: 'read-write' },
} as const

export interface TestCell {
  readonly cell: Harness
  /** What it publishes. */
  readonly objects: ObjectStore
  /** Publishes all that it has acknowledged of the default environment. */
  readonly publish: () => Promise<void>
}

/** What ends with the test, or whenever somebody else says. */
export interface Ending {
  readonly atEnd?: (close: () => unknown) => void
}

export const withTheTest = (close: () => unknown): void => onTestFinished(async () => void (await close()))

/** Publishes when told so. */
export const startCell = async ({ atEnd = withTheTest }: Ending = {}): Promise<TestCell> => {
  const objects = memoryObjectStore()
  const replicator = await inMemoryReplicator({ objects, settings: { deltaIntervalMs: 3_600_000, heartbeatMs: 5 } })
  atEnd(() => replicator.close())
  const cell = await createHarness({ replicator })
  const publish = async (): Promise<void> => {
    for (const { env } of await replicator.environments()) await replicator.publish(env)
  }
  return { cell, objects, publish }
}

export interface TestEdgeOptions extends Ending {
  readonly objects: ObjectStore
  readonly kind?: 'edge' | 'fallback'
  /** Answers what is forwarded; null: there is no origin. */
  readonly origin?: OriginOptions['fetch'] | null
  readonly settings?: Readonly<Record<string, string>>
  readonly platform?: Partial<Platform>
  readonly environments?: Partial<EdgeEnvironmentsOptions>
}

export const startEdge = async ({
  objects: given,
  kind = 'edge',
  origin = null,
  settings = {},
  atEnd = withTheTest,
  ...more
}: TestEdgeOptions) => {
  const { configuration, problems } = configure(settings, {})
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const { objects, state } = faultyStore(given)
  const snapshots = testPlatform()
  const platform: Platform = { ...webPlatform(snapshots.log, noMetrics), monotonicMs: snapshots.monotonicMs, ...more.platform }
  const ring = new KeyRing(platform.sha256)
  for (const [key, record] of Object.entries(keys)) ring.add({ ...record, hash: hashKey(platform.sha256, key) })
  const pool = makePool()
  const environments = new EdgeEnvironments({
    follow: (env, partition) => new Follower({ env, objects, partition, pool, platform: snapshots }),
    keys: ring,
    kind,
    only: kind === 'fallback' ? developmentEnvironment : null,
    hasOrigin: origin !== null,
    needsControl: kind === 'edge',
    readyStalenessMs: 30_000,
    refreshMs: configuration.refreshMs,
    platform,
    ...more.environments,
  })
  atEnd(() => environments.close())
  await environments.refresh()
  const service = createService({
    configuration,
    platform,
    keys: ring,
    environments,
    policies: localPolicies(pool.create()),
    unready: () => environments.problem(),
    kind,
    origin: origin === null ? null : createOrigin({ url: 'http://origin', fetch: origin, timeoutMs: 1000 }),
  })
  return { edge: new Asker(createApp(service)), environments, keys: ring, state, pool, lines: snapshots.lines, clock: snapshots.clock }
}

/** What an edge forwards to a cell in the same process, and what came of it. */
export const originOf = (cell: Harness) => {
  const forwarded: { readonly url: string; readonly init: RequestInit }[] = []
  const state = { down: false }
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    if (state.down) throw new TypeError('connection refused')
    forwarded.push({ url, init })
    return cell.app.request(new URL(url).pathname + new URL(url).search, init)
  }
  return { fetch, forwarded, state }
}

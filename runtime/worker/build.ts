/** Puts the edge of one isolate together from the bindings of its Worker. */
import { wait } from '../../snapshots/deadline.ts'
import { Follower } from '../../snapshots/follower.ts'
import { createStorePool, type MeasuredStorePool, type WasmModules } from '../../snapshots/pool.ts'
import { Pulse } from '../../snapshots/pulse.ts'
import { webSnapshotPlatform } from '../../snapshots/web-platform.ts'
import { largestWorkerImage, workerDeltas, workerFirstBytes, workerHeld, workerShare, workerSlack } from '../../snapshots/worker-memory.ts'
import { gauge } from '../../src/ops/metrics.ts'
import type { Configuration } from '../../src/ops/settings.ts'
import { textMetrics } from '../../src/ops/text-metrics.ts'
import { assembleApp, coreRoutes } from '../app-core.ts'
import { createEdge, type Edge, edgeKeys } from '../edge.ts'
import { createOrigin } from '../edge-origin.ts'
import type { Route } from '../exchange.ts'
import { parseKeyFile } from '../keys.ts'
import { type Platform, webPlatform } from '../platform.ts'
import { leftOutRoutes } from './left-out.ts'
import { consoleLogLines } from './log-lines.ts'
import { inlinePolicies } from './policies.ts'
import { type WorkerBindings, workerSettings } from './settings.ts'

export interface WorkerEdge {
  readonly edge: Edge
  readonly configuration: Configuration
  readonly platform: Platform
  /** Longest wait of a request for the keys or its environment. */
  readonly loadWaitMs: number
  /** Whoever was looked after so long ago is looked after before it answers. */
  readonly idleMs: number
}

const MIB = 1024 * 1024
/** Longer than any wait of a look for one answer of the store, all attempts included. */
const SILENCE_MS = 20_000
/** Longest time of a request, reading its body included: who takes longer was cut off. */
const REQUEST_MS = 120_000
/** With an origin it is better to ask that one soon. */
const LOAD_WAIT_MS = { withOrigin: 3000, alone: 15_000 } as const
/** Where nothing else is said of how old a state may become unseen. */
const IDLE_MS = 30_000
/** Of one request that Cloudflare opens six connections for: heartbeat, manifest and deltas of one environment. */
const LOOKS_AT_ONCE = 1

/** The edge, or why there is none. */
export const buildEdge = (
  bindings: WorkerBindings,
  modules: WasmModules,
  routes: readonly Route[],
): WorkerEdge | { readonly problems: readonly string[] } => {
  const settings = workerSettings(bindings)
  if (settings.kind === 'bad') return { problems: settings.problems }
  const { configuration } = settings
  const { records, problems } = parseKeyFile(configuration.keys ?? '')
  if (problems.length > 0) return { problems: problems.map((problem) => `\`ARCTOS_KEYS\`: ${problem}`) }
  const log = consoleLogLines(configuration.logLevel)
  const platform: Platform = { ...webPlatform(log, textMetrics()), queryMs: null, requestMs: REQUEST_MS }
  const pool = poolOf(configuration, modules)
  const origin = originOf(configuration, platform)
  const loadWaitMs = origin === null ? LOAD_WAIT_MS.alone : LOAD_WAIT_MS.withOrigin
  const idleMs = configuration.readyStalenessMs === 0 ? IDLE_MS : configuration.readyStalenessMs
  const edge: Edge = createEdge({
    configuration,
    platform,
    keys: edgeKeys(platform, configuration, records),
    policies: inlinePolicies(pool, platform.nowMs),
    kind: 'edge',
    origin,
    only: null,
    follow: (env, partition, counts) => {
      const pulse = new Pulse({ monotonicMs: platform.monotonicMs, silenceMs: SILENCE_MS, wait })
      return new Follower({
        env,
        partition,
        counts,
        pulse,
        pool: pool.part(() => edge.environments.giveUp(env)),
        objects: pulse.watchStore(settings.objects()),
        platform: pulse.watchPlatform(webSnapshotPlatform(log)),
        holdMs: REQUEST_MS,
        deltaBounds: workerDeltas,
      })
    },
    unready: () => null,
    createApp: (service) => assembleApp(service, { keyed: [...coreRoutes, ...leftOutRoutes, ...routes], open: [] }),
    looksAtOnce: LOOKS_AT_ONCE,
    onDemand: { idleMs, loadWaitMs, hasLittleMemory: true },
  })
  poolMetrics(platform, pool)
  return { edge, configuration, platform, loadWaitMs, idleMs }
}

const poolOf = ({ memoryMib }: Configuration, modules: WasmModules): MeasuredStorePool => {
  const totalBytes = memoryMib * MIB
  return createStorePool({
    ...modules,
    maxBytes: totalBytes,
    firstBytes: workerFirstBytes,
    totalBytes,
    imageBytes: largestWorkerImage(memoryMib),
    questionBytes: workerShare(memoryMib),
    held: workerHeld,
    slack: workerSlack,
    nowMs: () => Date.now(),
  })
}

const originOf = ({ origin }: Configuration, { monotonicMs }: Platform) =>
  origin === null ? null : createOrigin({ url: origin.replace(/\/+$/, ''), fetch: (url, init) => fetch(url, init), monotonicMs })

const poolMetrics = ({ metrics }: Platform, pool: MeasuredStorePool): void => {
  const bytes = gauge(metrics, 'arctos_wasm_bytes', 'Memory of all wasm instances, those that wait for their next database included')
  metrics.beforeExport(() => bytes.set(pool.use().bytes))
}

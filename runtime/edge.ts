/** An edge or a fallback on any platform: environments that followers feed, and the app over them, which answers as soon as keys can be told apart. */
import type { HonoBase } from 'hono/hono-base'
import type { Follower, LookOutcome } from '../snapshots/follower.ts'
import type { Counter } from '../src/ops/metrics.ts'
import type { Configuration } from '../src/ops/settings.ts'
import { developmentEnvironment, developmentKey } from '../src/wire/api-key.ts'
import { createStartingApp } from './app-core.ts'
import { createService } from './create-service.ts'
import type { OnDemand } from './edge-environment.ts'
import { EdgeEnvironments } from './edge-environments.ts'
import { edgeMetrics, lookCounts } from './edge-metrics.ts'
import type { Origin } from './edge-origin.ts'
import { hashKey, type KeyRecord, KeyRing } from './keys.ts'
import type { Platform } from './platform.ts'
import type { PolicyChecker } from './policy-checker.ts'
import type { Service } from './service.ts'

export interface EdgeParts {
  readonly configuration: Configuration
  readonly platform: Platform
  /** Valid beside those of `control`. */
  readonly keys: KeyRing
  readonly policies: PolicyChecker
  readonly kind: Exclude<Service['kind'], 'cell'>
  readonly origin: Origin | null
  /** The only environment that is served, or null. */
  readonly only: string | null
  /** A follower that has not looked yet. */
  readonly follow: (env: string, partition: () => number | null, counts: LookCounts) => Follower
  /** Why the process takes no requests, or null. */
  readonly unready: () => string | null
  /** Where it serves, for the log. */
  readonly url?: () => string
  /** The app over a service that is put together of these. */
  readonly createApp: (service: Service) => HonoBase
  readonly looksAtOnce?: number
  readonly onDemand?: OnDemand
}

export type LookCounts = Readonly<Record<LookOutcome, Counter>>

export interface Edge {
  readonly environments: EdgeEnvironments
  /** The one that answers now: before the keys are there, each would be refused for good. */
  readonly app: () => HonoBase
  readonly isStarted: () => boolean
  /** Looks at the object store. Never rejects. */
  readonly look: () => Promise<void>
}

export const createEdge = (parts: EdgeParts): Edge => {
  const { configuration, platform, kind } = parts
  const environments = edgeEnvironments(parts)
  edgeMetrics(platform.metrics, environments)
  let app = createStartingApp(platform, parts.origin)
  let started = false
  const unready = (): string | null => parts.unready() ?? environments.problem()
  return {
    environments,
    app: () => app,
    isStarted: () => started,
    async look() {
      await environments.refresh()
      if (started || environments.problemOfKeys() !== null) return
      started = true
      app = parts.createApp(createService({ ...parts, configuration, environments, unready }))
      platform.log('info', 'loaded', { kind, url: parts.url?.() ?? '' })
    },
  }
}

const edgeEnvironments = ({ configuration, platform, keys, kind, origin, only, follow, ...more }: EdgeParts): EdgeEnvironments => {
  const counts = lookCounts(platform.metrics)
  return new EdgeEnvironments({
    follow: (env, partition) => follow(env, partition, counts),
    keys,
    kind,
    only,
    hasOrigin: origin !== null,
    needsControl: kind === 'edge',
    readyStalenessMs: configuration.readyStalenessMs === 0 ? null : configuration.readyStalenessMs,
    refreshMs: configuration.refreshMs,
    platform,
    maxBytes: configuration.memoryMib * 1024 * 1024,
    ...(more.looksAtOnce !== undefined && { looksAtOnce: more.looksAtOnce }),
    ...(more.onDemand !== undefined && { onDemand: more.onDemand }),
  })
}

/** Keys beside those of `control`, as the cell has them: configured ones, and in development the well-known one. `only`: of this environment. */
export const edgeKeys = (
  { sha256 }: Platform,
  { mode }: Pick<Configuration, 'mode'>,
  configured: readonly KeyRecord[],
  only: string | null = null,
): KeyRing => {
  const keys = new KeyRing(sha256)
  const tokenId = developmentKey.split('_')[2] ?? ''
  const known = { environment: developmentEnvironment, tokenId, access: 'read-write', hash: hashKey(sha256, developmentKey) } as const
  for (const record of mode === 'development' ? [...configured, known] : configured)
    if (only === null || record.environment === only) keys.add(record)
  return keys
}

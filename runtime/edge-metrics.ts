/** Metrics of edges and fallbacks: no label names an environment. */
import type { LookOutcome } from '../snapshots/follower.ts'
import { type Counter, gauge, type Histogram, type MetricRegistry } from '../src/ops/metrics.ts'
import type { EdgeEnvironments } from './edge-environments.ts'
import { environmentGauges } from './environment-gauges.ts'

/** Seconds, as of the other histogram of requests. */
const BUCKETS = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const REQUESTS = 'arctos_http_request_duration_seconds'

export const lookCounts = (metrics: MetricRegistry): Readonly<Record<LookOutcome, Counter>> => {
  const definition = { name: 'arctos_edge_looks', help: 'Looks at the object store, by what came of them', labels: ['outcome'] }
  const of = (outcome: LookOutcome): Counter => metrics.counter(definition, [outcome])
  return { unchanged: of('unchanged'), advanced: of('advanced'), swapped: of('swapped'), refused: of('refused'), failed: of('failed') }
}

export const edgeMetrics = (metrics: MetricRegistry, environments: EdgeEnvironments): void => {
  const count = gauge(metrics, 'arctos_environments', 'Environments that are served')
  const bytes = gauge(metrics, 'arctos_databases_bytes', 'Memory of the databases')
  metrics.beforeExport(() => {
    const all = [...environments.all()]
    count.set(all.length)
    bytes.set(all.reduce((sum, { store }) => sum + store.database.memoryBytes(), 0))
  })
  environmentGauges(metrics, () => environments.all())
}

/** The names that fallback nodes of Oso Cloud have (http-api.md 18). */
export const fallbackMetrics = (
  metrics: MetricRegistry,
  { environments, env, nowMs }: { readonly environments: EdgeEnvironments; readonly env: string; readonly nowMs: () => number },
): void => {
  const age = gauge(metrics, 'oso_fallback_snapshot_age_ms', 'Age of the state that answers in milliseconds')
  metrics.beforeExport(() => {
    const follower = environments.follower(env)
    // Where it is not known when the state was the newest, the time at which it was published has to do, by its publisher's clock.
    const sincePublishedMs = Math.max(0, nowMs() - (follower?.manifest?.createdAtMs ?? nowMs()))
    age.set(follower?.stalenessMs() ?? sincePublishedMs)
  })
}

/** A registry whose histogram of requests is also that of a fallback node. */
export const withFallbackRequests = (metrics: MetricRegistry): MetricRegistry => {
  const definition = {
    name: 'oso_fallback_http_requests',
    help: 'Time of the answers, in seconds',
    labels: ['path', 'status_code'],
    buckets: BUCKETS,
  }
  return {
    ...metrics,
    histogram(asked, values) {
      const own = metrics.histogram(asked, values)
      return asked.name === REQUESTS ? both(own, metrics.histogram(definition, values)) : own
    },
  }
}

const both = (one: Histogram, other: Histogram): Histogram => ({
  observe(value) {
    one.observe(value)
    other.observe(value)
  },
})

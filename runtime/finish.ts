/** From a reply to the response on the wire: headers in one plain object, because that is what the Node server sends fastest; and the request's metrics. */
import type { Histogram, MetricRegistry } from '../src/ops/metrics.ts'
import type { Exchange, Finish } from './exchange.ts'
import type { Platform } from './platform.ts'
import type { Reply } from './reply.ts'

/** Seconds: from the cost of a check to the longest wait. */
const BUCKETS = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** The last step of every exchange of one route. */
export const finishFor = (platform: Platform, route: string): Finish => {
  const observe = observerFor(platform.metrics, route)
  return (exchange, reply) => {
    exchange.release?.()
    const durationMs = platform.monotonicMs() - exchange.startedMs
    observe(reply.status, durationMs / 1000)
    if (reply.status >= 500) platform.log('warn', 'refused', { route, status: reply.status, requestId: exchange.requestId })
    return new Response(reply.body, { status: reply.status, headers: reply.passed ?? headersOf(exchange, reply, durationMs) })
  }
}

const headersOf = (exchange: Exchange, reply: Reply, durationMs: number): Record<string, string> => {
  const headers: Record<string, string> = {
    'Content-Type': reply.contentType,
    'X-Request-ID': exchange.requestId,
    // Clients look for an entry that starts with `oso;`, without trimming.
    'Server-Timing': `oso;dur=${Math.round(durationMs * 1000) / 1000}`,
  }
  if (exchange.environment !== null) {
    headers['Arctos-Revision'] = reply.position ?? exchange.environment.position
    headers['Arctos-Staleness-Ms'] = String(exchange.environment.stalenessMs() ?? 'unknown')
  }
  if (reply.offset !== null) headers['OsoOffset'] = reply.offset
  if (!reply.applied) headers['Arctos-Applied'] = 'false'
  if (reply.retryAfterSeconds !== null) headers['Retry-After'] = String(reply.retryAfterSeconds)
  return headers
}

const observerFor = (metrics: MetricRegistry, route: string): ((status: number, seconds: number) => void) => {
  const definition = {
    name: 'arctos_http_request_duration_seconds',
    help: 'Time from the first header of a request to its answer',
    labels: ['route', 'status'],
    buckets: BUCKETS,
  }
  const series = new Map<number, Histogram>()
  return (status, seconds) => {
    let histogram = series.get(status)
    if (histogram === undefined) {
      histogram = metrics.histogram(definition, [route, String(status)])
      series.set(status, histogram)
    }
    histogram.observe(seconds)
  }
}

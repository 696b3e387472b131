/** What the portable app asks of its platform: clocks, randomness, log lines, metrics. */
import { sha256 } from '@noble/hashes/sha2.js'
import { pause } from '../snapshots/pause.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import type { MetricRegistry } from '../src/ops/metrics.ts'

export interface Platform {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
  /** Milliseconds of a clock that never goes back. */
  readonly monotonicMs: () => number
  /** A random uuid4. */
  readonly newId: () => string
  /** SHA-256 of the UTF-8 of a text. */
  readonly sha256: (text: string) => Uint8Array
  /** Lets whatever waits run first. */
  readonly pause: () => Promise<void>
  /** Resolves when the requests that have arrived by now were looked at, so that reads go before what can wait; missing where that cannot be told. */
  readonly afterArrived?: () => Promise<void>
  readonly log: WriteLogLine
  readonly metrics: MetricRegistry
  /** The clock of query budgets; null where it stands still while a query runs: there steps are counted. Missing: `monotonicMs`. */
  readonly queryMs?: (() => number) | null
  /** A request that goes on for longer was cut off in the middle, without a word; missing where none ever is. */
  readonly requestMs?: number
}

const encoder = new TextEncoder()

/** The platform of every web-standard runtime. */
export const webPlatform = (log: WriteLogLine, metrics: MetricRegistry): Platform => ({
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  newId: () => crypto.randomUUID(),
  sha256: (text) => sha256(encoder.encode(text)),
  pause,
  log,
  metrics,
})

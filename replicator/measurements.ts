/** What a replicator tells about itself, and the metrics made of it. */
import { type Gauge, gauge, type MetricRegistry } from '../src/ops/metrics.ts'

export interface Measurements {
  readonly environments: number
  /** Environments that do not follow the log. */
  readonly stopped: number
  /** Published to runtimes, not yet applied to the replicator's own replicas: records of all, and the longest wait in ms. */
  readonly lagRecords: number
  readonly lagMs: number
  /** From append to apply in the own replicas, of the slowest environment's last record, by the clocks of two machines. */
  readonly appliedAfterMs: number
  /** Of the environment that was seen at the head of the log the longest ago; null: one never was. */
  readonly stalenessMs: number | null
  readonly tails: number
  readonly publications: number
  readonly publicationFailures: number
  /** Environments whose newest snapshot is too large for a Worker to hold twice. */
  readonly tooLargeForWorkers: number
  readonly stateHashMismatches: number
  /** Failed calls to the remote object store. */
  readonly remoteFailures: number
  /** Whether this replicator publishes for all cells. */
  readonly holdsLease: boolean
}

/** Registers the metrics of a replicator; `measure` null: it has not started. */
export const replicatorMetrics = (metrics: MetricRegistry, measure: () => Measurements | null): void => {
  const gauges: readonly (readonly [Gauge, (measured: Measurements) => number])[] = [
    [gauge(metrics, 'arctos_replicator_environments', 'environments that the replicator hosts'), ({ environments }) => environments],
    [gauge(metrics, 'arctos_replicator_stopped_environments', 'environments that do not follow the log'), ({ stopped }) => stopped],
    [
      gauge(metrics, 'arctos_replicator_lag_records', 'records that the replicator published and has not applied itself'),
      ({ lagRecords }) => lagRecords,
    ],
    [gauge(metrics, 'arctos_replicator_lag_ms', 'longest wait of such a record'), ({ lagMs }) => lagMs],
    [
      gauge(metrics, 'arctos_replicator_append_to_apply_ms', 'from append to apply of the last record, slowest environment'),
      ({ appliedAfterMs }) => appliedAfterMs,
    ],
    [
      gauge(
        metrics,
        'arctos_replicator_staleness_ms',
        'since the head of the log was last seen, stalest environment; -1 when it never was',
      ),
      ({ stalenessMs }) => (stalenessMs === null ? -1 : stalenessMs),
    ],
    [gauge(metrics, 'arctos_replicator_tails', 'tails of the log that are open in the cell'), ({ tails }) => tails],
    [
      gauge(
        metrics,
        'arctos_environments_too_large_for_workers',
        'environments whose newest snapshot is too large for a Worker to hold twice',
      ),
      ({ tooLargeForWorkers }) => tooLargeForWorkers,
    ],
    [gauge(metrics, 'arctos_replicator_lease', '1 when the replicator publishes for all cells'), ({ holdsLease }) => (holdsLease ? 1 : 0)],
  ]
  const counters: readonly (readonly [ReturnType<typeof counterOf>, (measured: Measurements) => number])[] = [
    [
      counterOf(metrics, 'arctos_publications', "publications of an environment to the cell's own folder"),
      ({ publications }) => publications,
    ],
    [counterOf(metrics, 'arctos_publication_failures', 'publications that failed'), ({ publicationFailures }) => publicationFailures],
    [
      counterOf(metrics, 'arctos_state_hash_mismatches', 'snapshots of others that differ from the state here at the same revision'),
      ({ stateHashMismatches }) => stateHashMismatches,
    ],
    [counterOf(metrics, 'arctos_remote_failures', 'failed calls to the shared object store'), ({ remoteFailures }) => remoteFailures],
  ]
  metrics.beforeExport(() => {
    const measured = measure()
    if (measured === null) return
    for (const [series, value] of gauges) series.set(value(measured))
    for (const [raise, value] of counters) raise(value(measured))
  })
}

/** Raises a counter to a total that is kept elsewhere. */
const counterOf = (metrics: MetricRegistry, name: string, help: string): ((total: number) => void) => {
  const counter = metrics.counter({ name, help, labels: [] }, [])
  let told = 0
  return (total) => {
    if (total > told) counter.add(total - told)
    told = total
  }
}

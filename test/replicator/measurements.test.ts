/** What a replicator measures becomes metrics in the units of their names. */
import { expect, test } from 'vitest'
import { type Measurements, replicatorMetrics } from '../../replicator/measurements.ts'
import { type MetricRegistry, noMetrics } from '../../src/ops/metrics.ts'

const measured: Measurements = {
  environments: 3,
  stopped: 1,
  lagRecords: 40,
  lagMs: 500,
  appliedAfterMs: 60,
  stalenessMs: 7000,
  tails: 8,
  publications: 9,
  publicationFailures: 10,
  tooLargeForWorkers: 13,
  stateHashMismatches: 11,
  remoteFailures: 12,
  holdsLease: true,
}

const told = (measurements: readonly (Measurements | null)[]): ReadonlyMap<string, number> => {
  const values = new Map<string, number>()
  const refreshes: (() => void)[] = []
  const metrics: MetricRegistry = {
    ...noMetrics,
    gauge: ({ name }) => ({ set: (value) => void values.set(name, value) }),
    counter: ({ name }) => ({ add: (value) => void values.set(name, (values.get(name) ?? 0) + value) }),
    beforeExport: (work) => void refreshes.push(work),
  }
  const left = [...measurements]
  replicatorMetrics(metrics, () => left.shift() ?? null)
  for (const _ of measurements) for (const refresh of refreshes) refresh()
  return values
}

test('gauges are what was measured last, counters the totals', () => {
  expect(Object.fromEntries(told([measured, { ...measured, publications: 20, stalenessMs: null }]))).toEqual({
    arctos_replicator_environments: 3,
    arctos_replicator_stopped_environments: 1,
    arctos_replicator_lag_records: 40,
    arctos_replicator_lag_ms: 500,
    arctos_replicator_append_to_apply_ms: 60,
    arctos_replicator_staleness_ms: -1,
    arctos_replicator_tails: 8,
    arctos_environments_too_large_for_workers: 13,
    arctos_replicator_lease: 1,
    arctos_publications: 20,
    arctos_publication_failures: 10,
    arctos_state_hash_mismatches: 11,
    arctos_remote_failures: 12,
  })
})

test('one that has not started tells nothing', () => {
  expect([...told([null])]).toEqual([])
})

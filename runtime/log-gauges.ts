/** Whether the log takes what is appended, as a replicator tells it. */
import type { InnerReplicator } from '../src/log/inner.ts'
import { gauge, type MetricRegistry } from '../src/ops/metrics.ts'

export const logGauges = (metrics: MetricRegistry, replicator: Pick<InnerReplicator, 'status'>): void => {
  const writable = gauge(metrics, 'arctos_log_writable', '1 when the last append to the log succeeded')
  const pending = gauge(metrics, 'arctos_log_pending_appends', 'Appends that the log has not answered yet')
  metrics.beforeExport(() => {
    const { state, problem, pending: appends } = replicator.status()
    writable.set(state === 'running' && problem === null ? 1 : 0)
    pending.set(appends)
  })
}

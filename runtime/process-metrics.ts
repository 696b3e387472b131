/** Gauges of the process as a whole: no label names an environment. */
import { controlEnvironment } from '../src/log/control.ts'
import type { InnerReplicator } from '../src/log/inner.ts'
import type { MetricRegistry } from '../src/ops/metrics.ts'
import type { Environments } from './service.ts'

export const processMetrics = (metrics: MetricRegistry, environments: Environments, replicator: InnerReplicator): void => {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help, labels: [] }, [])
  const count = gauge('arctos_environments', 'Environments that are served')
  const staleness = gauge('arctos_staleness_ms', 'Staleness of the stalest environment in milliseconds')
  const unknown = gauge('arctos_environments_of_unknown_staleness', 'Environments of which it is not known yet how old they are')
  const problems = gauge('arctos_environments_unready', 'Environments that cannot answer')
  const writable = gauge('arctos_log_writable', '1 when the last append to the log succeeded')
  const pending = gauge('arctos_log_pending_appends', 'Appends that the log has not answered yet')
  metrics.beforeExport(() => {
    const all = [...environments.all()]
    const log = replicator.status()
    writable.set(log.state === 'running' && log.problem === null ? 1 : 0)
    pending.set(log.pending)
    count.set(all.filter(({ id }) => id !== controlEnvironment).length)
    const ages = all.map((environment) => environment.stalenessMs())
    staleness.set(Math.max(0, ...ages.map((ageMs) => ageMs ?? 0)))
    unknown.set(ages.filter((ageMs) => ageMs === null).length)
    problems.set(all.filter(({ problem }) => problem !== null).length)
  })
}

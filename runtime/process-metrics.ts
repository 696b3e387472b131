/** Gauges of the process as a whole: no label names an environment. */
import { controlEnvironment } from '../src/log/control.ts'
import type { InnerReplicator } from '../src/log/inner.ts'
import { gauge, type MetricRegistry } from '../src/ops/metrics.ts'
import { environmentGauges } from './environment-gauges.ts'
import type { ReplicaSet } from './environments.ts'
import { logGauges } from './log-gauges.ts'

export const processMetrics = (metrics: MetricRegistry, environments: ReplicaSet, replicator: InnerReplicator): void => {
  const count = gauge(metrics, 'arctos_environments', 'Environments that are served')
  const idle = gauge(metrics, 'arctos_environments_idle', 'Environments that nobody uses and that are loaded when they are asked for')
  const memory = gauge(metrics, 'arctos_databases_bytes', 'Memory of the databases that are loaded')
  const reloads = metrics.counter(
    { name: 'arctos_environment_reloads_total', help: 'Environments that were loaded because they were asked for', labels: [] },
    [],
  )
  let reloaded = 0
  metrics.beforeExport(() => {
    count.set(environments.ids().filter((id) => id !== controlEnvironment).length)
    idle.set(environments.idleCount)
    memory.set(environments.memoryBytes())
    reloads.add(environments.reloads - reloaded)
    reloaded = environments.reloads
  })
  environmentGauges(metrics, () => environments.all())
  logGauges(metrics, replicator)
}

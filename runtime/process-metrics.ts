/** Gauges of the process as a whole: no label names an environment. */
import { controlEnvironment } from '../src/log/control.ts'
import type { InnerReplicator } from '../src/log/inner.ts'
import type { MetricRegistry } from '../src/ops/metrics.ts'
import type { ReplicaSet } from './environments.ts'

export const processMetrics = (metrics: MetricRegistry, environments: ReplicaSet, replicator: InnerReplicator): void => {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help, labels: [] }, [])
  const count = gauge('arctos_environments', 'Environments that are served')
  const idle = gauge('arctos_environments_idle', 'Environments that nobody uses and that are loaded when they are asked for')
  const memory = gauge('arctos_databases_bytes', 'Memory of the databases that are loaded')
  const reloads = metrics.counter(
    { name: 'arctos_environment_reloads_total', help: 'Environments that were loaded because they were asked for', labels: [] },
    [],
  )
  let reloaded = 0
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
    count.set(environments.ids().filter((id) => id !== controlEnvironment).length)
    idle.set(environments.idleCount)
    memory.set(environments.memoryBytes())
    reloads.add(environments.reloads - reloaded)
    reloaded = environments.reloads
    const ages = all.map((environment) => environment.stalenessMs())
    staleness.set(Math.max(0, ...ages.map((ageMs) => ageMs ?? 0)))
    unknown.set(ages.filter((ageMs) => ageMs === null).length)
    problems.set(all.filter(({ problem }) => problem !== null).length)
  })
}

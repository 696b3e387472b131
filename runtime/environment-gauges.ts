/** How old the environments of a process are, and how many cannot answer: no label names one. */
import { gauge, type MetricRegistry } from '../src/ops/metrics.ts'
import type { Environment } from './service.ts'

export const environmentGauges = (metrics: MetricRegistry, all: () => Iterable<Environment>): void => {
  const staleness = gauge(metrics, 'arctos_staleness_ms', 'Staleness of the stalest environment in milliseconds')
  const unknown = gauge(metrics, 'arctos_environments_of_unknown_staleness', 'Environments of which it is not known yet how old they are')
  const problems = gauge(metrics, 'arctos_environments_unready', 'Environments that cannot answer')
  metrics.beforeExport(() => {
    const environments = [...all()]
    const ages = environments.map((environment) => environment.stalenessMs())
    staleness.set(Math.max(0, ...ages.map((ageMs) => ageMs ?? 0)))
    unknown.set(ages.filter((ageMs) => ageMs === null).length)
    problems.set(environments.filter(({ problem }) => problem !== null).length)
  })
}

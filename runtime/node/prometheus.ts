/** Metrics as Prometheus text. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { MetricDefinition, MetricRegistry } from '../../src/ops/metrics.ts'

/** A registry of its own, with the process's default metrics. */
export const prometheusRegistry = (): MetricRegistry => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const metrics = new Map<string, Counter | Gauge | Histogram>()
  const refreshes: (() => void)[] = []
  const metricOf = <T extends Counter | Gauge | Histogram>(name: string, make: () => T): T => {
    const metric = metrics.get(name) ?? make()
    metrics.set(name, metric)
    // The one cast: a name always has one kind.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return metric as T
  }
  const options = ({ name, help, labels }: MetricDefinition) => ({ name, help, labelNames: labels, registers: [registry] })

  return {
    counter(definition, values) {
      const child = metricOf(definition.name, () => new Counter(options(definition))).labels(...values)
      return { add: (value) => child.inc(value) }
    },
    gauge(definition, values) {
      const child = metricOf(definition.name, () => new Gauge(options(definition))).labels(...values)
      return { set: (value) => child.set(value) }
    },
    histogram(definition, values) {
      const make = (): Histogram => new Histogram({ ...options(definition), buckets: [...definition.buckets] })
      return metricOf(definition.name, make).labels(...values)
    },
    beforeExport(refresh) {
      refreshes.push(refresh)
    },
    async export() {
      for (const refresh of refreshes) refresh()
      return { text: await registry.metrics(), contentType: registry.contentType }
    },
  }
}

/** The metrics of a process, independent of how they are exported. Labels never carry names of environments, predicates or ids. */

export interface Counter {
  add(value: number): void
}

export interface Gauge {
  set(value: number): void
}

export interface Histogram {
  observe(value: number): void
}

export interface MetricDefinition {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

/** Each call returns the series of these label values; callers on a hot path keep it. */
export interface MetricRegistry {
  counter(definition: MetricDefinition, values: readonly string[]): Counter
  gauge(definition: MetricDefinition, values: readonly string[]): Gauge
  histogram(definition: MetricDefinition & { readonly buckets: readonly number[] }, values: readonly string[]): Histogram
  /** Calls `refresh` before every export, for gauges that are read from state. */
  beforeExport(refresh: () => void): void
  /** Prometheus text and its content type. */
  export(): Promise<{ readonly text: string; readonly contentType: string }>
}

/** A gauge without labels has one series. */
export const gauge = (metrics: MetricRegistry, name: string, help: string): Gauge => metrics.gauge({ name, help, labels: [] }, [])

const nothing = { add: () => {}, set: () => {}, observe: () => {} }

/** A registry that keeps nothing, for tests and platforms without metrics. */
export const noMetrics: MetricRegistry = {
  counter: () => nothing,
  gauge: () => nothing,
  histogram: () => nothing,
  beforeExport: () => {},
  export: () => Promise.resolve({ text: '', contentType: 'text/plain; version=0.0.4; charset=utf-8' }),
}

/** A registry of metrics that writes Prometheus text by itself: for platforms without the packages of Node. */
import { known } from '../base/assert.ts'
import type { MetricDefinition, MetricRegistry } from './metrics.ts'

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
/** Series of one metric: label values come from short lists, so that more of them are a mistake. */
const MAX_SERIES = 10_000

type Kind = 'counter' | 'gauge' | 'histogram'

interface Family {
  readonly kind: Kind
  readonly definition: MetricDefinition
  readonly series: Map<string, Series>
}

/** Counters and gauges have one number; histograms one per bucket, the last for all. */
interface Series {
  readonly labels: string
  readonly numbers: number[]
  sum: number
}

export const textMetrics = (): MetricRegistry => {
  const families = new Map<string, Family>()
  const refreshes: (() => void)[] = []

  const seriesOf = (kind: Kind, definition: MetricDefinition, values: readonly string[], count: number): Series => {
    const family = families.get(definition.name) ?? { kind, definition, series: new Map<string, Series>() }
    families.set(definition.name, family)
    const labels = definition.labels.map((label, index) => `${label}="${escaped(values[index] ?? '')}"`).join(',')
    const key = family.series.size < MAX_SERIES ? labels : definition.labels.map((label) => `${label}="other"`).join(',')
    const series = family.series.get(labels) ?? family.series.get(key) ?? { labels: key, numbers: new Array<number>(count).fill(0), sum: 0 }
    family.series.set(series.labels, series)
    return series
  }

  return {
    counter(definition, values) {
      const { numbers } = seriesOf('counter', definition, values, 1)
      return { add: (value) => void (numbers[0] = known(numbers[0], 'the one number') + value) }
    },
    gauge(definition, values) {
      const { numbers } = seriesOf('gauge', definition, values, 1)
      return { set: (value) => void (numbers[0] = value) }
    },
    histogram(definition, values) {
      const { buckets } = definition
      const series = seriesOf('histogram', definition, values, buckets.length + 1)
      return {
        observe(value) {
          const bucket = buckets.findIndex((bound) => value <= bound)
          const index = bucket < 0 ? buckets.length : bucket
          series.numbers[index] = known(series.numbers[index], 'a number per bucket') + 1
          series.sum += value
        },
      }
    },
    beforeExport: (refresh) => void refreshes.push(refresh),
    export() {
      for (const refresh of refreshes) refresh()
      return Promise.resolve({ text: Array.from(families.values(), familyText).join(''), contentType: CONTENT_TYPE })
    },
  }
}

const familyText = ({ kind, definition, series }: Family): string => {
  const { name, help } = definition
  const lines = [...series.values()].flatMap((one) =>
    kind === 'histogram' ? histogramLines(definition, one) : [line(name, one.labels, one.numbers[0])],
  )
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${kind}\n${lines.join('')}`
}

const histogramLines = (
  definition: MetricDefinition & { readonly buckets?: readonly number[] },
  { labels, numbers, sum }: Series,
): string[] => {
  const { name, buckets = [] } = definition
  let count = 0
  const lines = numbers.map((number, index) => {
    count += number
    return line(`${name}_bucket`, `${labels === '' ? '' : `${labels},`}le="${buckets[index] ?? '+Inf'}"`, count)
  })
  return [...lines, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, count)]
}

const line = (name: string, labels: string, value: number | undefined): string =>
  `${name}${labels === '' ? '' : `{${labels}}`} ${value ?? 0}\n`

const escaped = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

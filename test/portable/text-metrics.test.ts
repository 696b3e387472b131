/** Metrics as text, without a package. */
import { expect, test } from 'vitest'
import { textMetrics } from '../../src/ops/text-metrics.ts'

test('counters, gauges and histograms', async () => {
  const metrics = textMetrics()
  const looks = { name: 'looks', help: 'Looks, by "outcome"\nand no more', labels: ['outcome'] }
  metrics.counter(looks, ['a']).add(2)
  metrics.counter(looks, ['a']).add(1)
  metrics.counter(looks, ['b"\\\n']).add(1)
  const bytes = metrics.gauge({ name: 'bytes', help: 'Bytes', labels: [] }, [])
  metrics.beforeExport(() => bytes.set(7))
  const time = metrics.histogram({ name: 'seconds', help: 'Time', labels: ['route'], buckets: [0.1, 1] }, ['/x'])
  for (const seconds of [0.05, 0.1, 0.5, 3]) time.observe(seconds)
  const { text, contentType } = await metrics.export()
  expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(text).toBe(
    [
      '# HELP looks Looks, by "outcome"\\nand no more',
      '# TYPE looks counter',
      'looks{outcome="a"} 3',
      'looks{outcome="b\\"\\\\\\n"} 1',
      '# HELP bytes Bytes',
      '# TYPE bytes gauge',
      'bytes 7',
      '# HELP seconds Time',
      '# TYPE seconds histogram',
      'seconds_bucket{route="/x",le="0.1"} 2',
      'seconds_bucket{route="/x",le="1"} 3',
      'seconds_bucket{route="/x",le="+Inf"} 4',
      'seconds_sum{route="/x"} 3.65',
      'seconds_count{route="/x"} 4',
      '',
    ].join('\n'),
  )
})

test('label values that nobody expected are counted as one', async () => {
  const metrics = textMetrics()
  for (let index = 0; index < 10_005; index++) metrics.counter({ name: 'many', help: 'Many', labels: ['x'] }, [String(index)]).add(1)
  const { text } = await metrics.export()
  expect(text.match(/^many\{/gm)).toHaveLength(10_001)
  expect(text).toContain('many{x="other"} 5\n')
})

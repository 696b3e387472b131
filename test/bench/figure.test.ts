/** A figure of the bench holds its bar or misses it. */
import { expect, test } from 'vitest'
import { atLeast, atMost, type Figure, figureLine, figureTable, passes } from '../../scripts/bench/figure.ts'
import { percentile } from '../../scripts/bench/timing.ts'

const figure: Figure = { name: 'check', size: '1m', value: 12.345678, unit: 'µs' }

test.each<[Partial<Figure>, boolean | null]>([
  [{}, null],
  [{ bar: atMost(13) }, true],
  [{ bar: atMost(12) }, false],
  [{ ratio: 3, bar: atMost(2, 'ratio') }, false],
  [{ ratio: 2, bar: atMost(2, 'ratio') }, true],
  [{ ratio: 0.4, bar: atLeast(0.5, 'ratio') }, false],
  [{ ratio: 0.6, bar: atLeast(0.5, 'ratio') }, true],
  // A ratio that was never measured holds no bar.
  [{ bar: atLeast(0.5, 'ratio') }, false],
])('%j holds its bar: %j', (parts, holds) => {
  expect(passes({ ...figure, ...parts })).toBe(holds)
})

test('a line and a table say what was measured', () => {
  const missed = { ...figure, ratio: 3, bar: atMost(2, 'ratio') }
  expect(JSON.parse(figureLine(missed))).toEqual({
    name: 'check',
    size: '1m',
    value: 12.35,
    unit: 'µs',
    bar: '≤ 2 ×',
    ratio: 3,
    pass: false,
  })
  expect(figureTable([missed, figure]).split('\n')).toEqual([
    'figure  size  value     ratio  bar',
    'check   1m    12.35 µs  3 ×    ≤ 2 ×  MISSED',
    'check   1m    12.35 µs',
  ])
})

test('percentiles are samples', () => {
  const values = Array.from({ length: 100 }, (_, index) => 99 - index)
  expect([percentile(values, 0.5), percentile(values, 0.99), percentile([7], 0.99)]).toEqual([50, 99, 7])
})

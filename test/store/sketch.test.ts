/** Estimates of distinct values are close enough to choose between two directions of a join. */
import { describe, expect, test } from 'vitest'
import { Sketch } from '../../src/store/sketch.ts'

const sketchOf = (values: Iterable<number | bigint>): Sketch => {
  const sketch = new Sketch()
  for (const value of values) sketch.add(value)
  return sketch
}

const range = (count: number, value: (i: number) => number | bigint): (number | bigint)[] =>
  Array.from({ length: count }, (_, i) => value(i))

describe('estimate', () => {
  test('nothing is 0', () => {
    expect(new Sketch().estimate()).toBe(0)
  })

  test.for([1, 2, 5, 20, 100, 1000, 10_000, 1_000_000])('%d consecutive ids, within a third', (count) => {
    const estimate = sketchOf(range(count, (i) => i + 1)).estimate()
    expect(estimate).toBeGreaterThan(count * 0.67)
    expect(estimate).toBeLessThan(count * 1.33)
  })

  test('scattered, negative and large values count alike', () => {
    const count = 5000
    for (const value of [(i: number) => i * 7919, (i: number) => -i, (i: number) => i * 2 ** 32, (i: number) => BigInt(i) << 50n]) {
      const estimate = sketchOf(range(count, value)).estimate()
      expect(estimate).toBeGreaterThan(count * 0.6)
      expect(estimate).toBeLessThan(count * 1.4)
    }
  })

  test('repetitions do not count', () => {
    expect(Math.round(sketchOf(range(10_000, (i) => i % 5)).estimate())).toBe(5)
  })
})

test('the text form holds everything, in 64 characters', () => {
  const sketch = sketchOf(range(1000, (i) => i))
  expect(sketch.toText()).toHaveLength(64)
  expect(Sketch.parse(sketch.toText())).toEqual(sketch)
  expect(Sketch.parse(sketch.toText()).estimate()).toBe(sketch.estimate())
})

test('add tells whether the sketch changed', () => {
  const sketch = new Sketch()
  expect([sketch.add(7), sketch.add(7), sketch.add(8)]).toEqual([true, false, true])
})

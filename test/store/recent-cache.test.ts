/** The dictionary's cache is bounded and keeps what is used. */
import { expect, test } from 'vitest'
import { RecentCache } from '../../src/store/recent-cache.ts'

test('the same key in two groups is two entries', () => {
  const cache = new RecentCache<string, number>(10)
  cache.set(1, 'a', 11)
  cache.set(2, 'a', 21)
  expect([cache.get(1, 'a'), cache.get(2, 'a'), cache.get(3, 'a')]).toEqual([11, 21, undefined])
})

test('what is used stays, what is not goes, and never more than twice the size is kept', () => {
  const cache = new RecentCache<string, number>(10)
  cache.set(0, 'used', -1)
  for (let i = 0; i < 1000; i++) {
    cache.set(0, `key ${i}`, i)
    expect(cache.get(0, 'used')).toBe(-1)
  }
  const kept = Array.from({ length: 1000 }, (_, i) => cache.get(0, `key ${i}`)).filter((value) => value !== undefined)
  expect(kept.length).toBeGreaterThanOrEqual(5)
  expect(kept.length).toBeLessThanOrEqual(20)
})

test('clear forgets everything', () => {
  const cache = new RecentCache<string, number>(2)
  for (const key of ['a', 'b', 'c']) cache.set(0, key, 1)
  cache.clear()
  expect(['a', 'b', 'c'].map((key) => cache.get(0, key))).toEqual([undefined, undefined, undefined])
})

test('entries weigh what they are said to, and more when they grew', () => {
  const kept = (grow: number): number => {
    const cache = new RecentCache<number, number>(100, (weight) => weight)
    for (let i = 0; i < 100; i++) {
      cache.set(0, i, 5)
      cache.grow(grow)
    }
    return Array.from({ length: 100 }, (_, i) => cache.get(0, i)).filter((value) => value !== undefined).length
  }
  expect(kept(0)).toBeGreaterThanOrEqual(20)
  expect(kept(0)).toBeLessThanOrEqual(40)
  expect(kept(5)).toBeGreaterThanOrEqual(10)
  expect(kept(5)).toBeLessThanOrEqual(20)
})

test('entries that only grow give way too', () => {
  const cache = new RecentCache<number, { weight: number }>(100, ({ weight }) => weight)
  for (let i = 0; i < 90; i++) cache.set(0, i, { weight: 1 })
  const grow = (key: number): void => {
    const entry = cache.get(0, key)
    if (entry === undefined) return
    entry.weight += 50
    cache.grow(50)
  }
  for (let i = 0; i < 90; i++) grow(i)
  const kept = Array.from({ length: 90 }, (_, i) => cache.get(0, i)?.weight ?? 0)
  expect(kept.reduce((sum, weight) => sum + weight, 0)).toBeLessThan(400)
})

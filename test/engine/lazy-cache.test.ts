/** The bounded cache of the engine. */
import { expect, test } from 'vitest'
import { LazyCache } from '../../src/engine/lazy-cache.ts'

const cacheOf = (max: number) => {
  const left: string[] = []
  const cache = new LazyCache<{ readonly name: string }>({ max, dispose: ({ name }) => left.push(name) })
  const put = (key: string, name = key): void => cache.set(key, { name })
  return { cache, put, left, names: () => cache.values().map(({ name }) => name) }
}

test('the least recently used leaves, and is told', () => {
  const { cache, put, left, names } = cacheOf(2)
  put('a')
  put('b')
  expect(cache.get('a')?.name).toBe('a')
  put('c')
  expect(left).toEqual(['b'])
  expect(cache.get('b')).toBe(undefined)
  expect(names()).toEqual(['c', 'a'])
})

test('what is replaced leaves too, what is put again does not', () => {
  const { cache, put, left } = cacheOf(2)
  put('a', 'first')
  put('a', 'second')
  expect(left).toEqual(['first'])
  const same = { name: 'same' }
  cache.set('b', same)
  cache.set('b', same)
  expect(left).toEqual(['first'])
  cache.clear()
  expect(left.toSorted()).toEqual(['first', 'same', 'second'])
  expect(cache.values()).toEqual([])
})

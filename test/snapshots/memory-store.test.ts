/** The object store in memory, and a part of one, keep the promises of all. */
import { expect, test } from 'vitest'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { prefixed } from '../../snapshots/prefixed-store.ts'
import { objectStoreConformance } from './object-store-conformance.ts'

const skips = {
  torn: 'an object is put in one step of this process',
  checksum: 'nothing is between the writer and the memory',
}

objectStoreConformance(
  'memory',
  async () => {
    const store = memoryObjectStore()
    return { store, writer: store }
  },
  skips,
)

objectStoreConformance(
  'a part of one',
  async () => {
    const whole = memoryObjectStore()
    await whole.put('a/bc', new Uint8Array(1))
    await whole.put('x', new Uint8Array(1))
    const store = prefixed(whole, 'a/b')
    return { store, writer: store }
  },
  skips,
)

test('a part of a store is below its prefix, and no prefix is the store itself', async () => {
  const whole = memoryObjectStore()
  await prefixed(whole, 'a/b').put('c', new Uint8Array(2))
  expect((await whole.list('')).map(({ key }) => key)).toEqual(['a/b/c'])
  expect(prefixed(whole, '')).toBe(whole)
})

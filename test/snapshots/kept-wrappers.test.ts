/** Wrappers of functions that wasm calls, with databases that come and go. */
import { expect, test } from 'vitest'
import { startChild } from '../support/child.ts'

test('callbacks that are replaced and forgotten by the thousand do not end the process (without what is kept, one of three processes ends in two seconds)', async () => {
  const children = Array.from({ length: 3 }, () => startChild(new URL('children/wrappers.ts', import.meta.url)))
  expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0, 0])
})

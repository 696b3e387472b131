/** What the bench of the Worker computes, and the states that its images are made of. */
import { expect, test } from 'vitest'
import { EdgeImages, emptyState, insertsOf, writeRecord } from '../../scripts/bench/edge-images.ts'
import { perDecision, rateFigures } from '../../scripts/bench/edge-questions.ts'
import { swapFiguresOf } from '../../scripts/bench/edge-times.ts'
import { passes } from '../../scripts/bench/figure.ts'
import { loadNewest } from '../../snapshots/load.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { webSnapshotPlatform } from '../../snapshots/web-platform.ts'
import { at } from '../../src/base/assert.ts'
import { testPool } from '../support/image.ts'
import { fact } from '../support/record.ts'

test('a decision is what a request takes beyond one without decisions', () => {
  expect(perDecision({ deciding: 130, none: 10, count: 2000 })).toBe(60)
})

test('ratios of rates are taken within each round, and the bar is on them', () => {
  const [echo, authorize] = rateFigures('1m', [
    { echo: 1000, authorize: 700 },
    { echo: 500, authorize: 350 },
    { echo: 900, authorize: 9 },
  ])
  expect([echo?.value, authorize?.value, authorize?.ratio]).toEqual([900, 350, 0.7])
  expect(authorize && passes(authorize)).toBe(true)
  expect(rateFigures('1m', [{ echo: 1000, authorize: 590 }]).map(passes)).toEqual([null, false])
})

test('of swaps the quiet rounds count, and the longest of all is told', () => {
  const swaps = [
    { found: { without: 5, during: 90 }, others: 0 },
    { found: { without: 6, during: 80 }, others: 0.1 },
    { found: { without: 7, during: 900 }, others: 2 },
    { found: { without: 8, during: 950 }, others: 2 },
  ]
  const figures = swapFiguresOf('15 MB', swaps)
  expect(figures.map(({ value }) => value).slice(0, 3)).toEqual([6, 90, 950])
  expect(passes(at(figures, 1))).toBe(true)
})

test('each image is the whole next state, and nothing else leads there', async () => {
  const pool = testPool()
  const [objects, platform, env] = [memoryObjectStore(), webSnapshotPlatform(() => undefined), 'bench']
  const images = new EdgeImages({ objects, env, pool, platform })
  const store = emptyState(pool, null)
  await images.show(await images.upload(store))
  writeRecord(store, 50, insertsOf([fact('has_permission', 'User:ana', 'String:read', 'Repo:r1')]))
  const entry = await images.upload(store)
  expect((await loadNewest({ objects, env, pool, platform }))?.through).toBe(0)
  await images.show(entry)
  const loaded = await loadNewest({ objects, env, pool, platform })
  expect([loaded?.through, loaded?.manifest.deltas, loaded?.store.totals().total]).toEqual([50, [], 1])
})

/** Random programs × facts × questions: the engine equals the oracle, the ground model proves the oracle. `npm run fuzz` goes on from here. */
import { describe, expect, test } from 'vitest'
import { emptyDatabase } from '../support/database.ts'
import type { SeedResult } from './random-case.ts'
import { runSeed } from './random-case.ts'
import { addTally, emptyTally, shortfalls } from './tally.ts'

/** Every failure names its seed; `npm run fuzz -- --seed N --count 1` repeats it. */
const FIRST_SEED = 1
const BATCHES = 21
const SEEDS_PER_BATCH = 10
/** The ground model takes longer than all the rest. */
const PROVED_BATCHES = 7

const results: SeedResult[] = []
const sum = (count: (result: SeedResult) => number): number => results.reduce((total, result) => total + count(result), 0)

describe.each(Array.from({ length: BATCHES }, (_, batch) => FIRST_SEED + batch * SEEDS_PER_BATCH))('seeds from %i', (first) => {
  test(`engine, oracle and ground model agree on ${SEEDS_PER_BATCH} programs`, () => {
    const proves = first < FIRST_SEED + PROVED_BATCHES * SEEDS_PER_BATCH
    const found = Array.from({ length: SEEDS_PER_BATCH }, (_, index) => runSeed(first + index, { emptyDatabase, proves }))
    results.push(...found)
    expect(found.flatMap(({ failures }) => failures).join('\n')).toBe('')
  })
})

test('there were cases enough, of every kind and with every part of the language', () => {
  const tally = emptyTally()
  for (const result of results) if (result.tally) addTally(tally, result.tally)
  expect(tally.cases).toBeGreaterThanOrEqual(2000)
  expect(shortfalls(tally)).toEqual([])
  // Those of one or two programs.
  expect(sum(({ tooComplex }) => tooComplex)).toBeLessThanOrEqual(20)
  const proved = sum(({ proof }) => proof?.proved ?? 0)
  expect(proved).toBeGreaterThan(9 * sum(({ proof }) => proof?.unproved ?? 0))
})

test('a run without some part of the language is told', () => {
  const tally = emptyTally()
  expect(shortfalls(tally)).toContain('nested not: 0 of 0')
  for (const result of results) if (result.tally) addTally(tally, result.tally)
  tally.features['mutual recursion'] = { cases: 3, positive: 0 }
  tally.allowed = 1
  expect(shortfalls(tally)).toEqual([
    `allowed: 1 of ${tally.denied + 1}`,
    `mutual recursion: 3 of ${tally.cases}`,
    `mutual recursion, positive: 0 of ${tally.cases}`,
  ])
})

/** Random programs: every explanation holds by the oracle. `npm run fuzz` asks the same questions without explaining them. */
import { describe, expect, test } from 'vitest'
import { checked } from '../support/check.ts'
import { addTally, explainAll, newTally } from '../support/why.ts'
import { policyText, randomWorld } from './random-world.ts'

/** Every failure names its seed. */
const FIRST_SEED = 1
const BATCHES = 12
const SEEDS_PER_BATCH = 10
const QUESTIONS = 30

const total = newTally()

const checkSeed = (seed: number): void => {
  const world = randomWorld(seed, QUESTIONS, checked)
  const policy = world && checked(policyText(world.items))
  if (!world || !policy) return
  const tally = explainAll(policy, world.facts, world.questions)
  expect(tally.failures.map((failure) => `seed ${seed}: ${failure}`)).toEqual([])
  addTally(total, tally)
}

describe.each(Array.from({ length: BATCHES }, (_, batch) => FIRST_SEED + batch * SEEDS_PER_BATCH))('seeds from %i', (first) => {
  test(`explanations of ${SEEDS_PER_BATCH} programs hold by the oracle`, () => {
    for (let seed = first; seed < first + SEEDS_PER_BATCH; seed += 1) checkSeed(seed)
  })
})

test('there was enough to explain', () => {
  expect(total.allowed).toBeGreaterThan(100)
  expect(total.denied).toBeGreaterThan(200)
  expect(total.missing).toBeGreaterThan(0.7 * total.denied)
  expect(total.attempts).toBeGreaterThan(300)
  expect(total.rules).toBeGreaterThan(400)
  expect(total.unjudged).toBeLessThan(0.01 * total.rules)
  expect(total.truncated).toBeLessThan(0.05 * total.denied)
})

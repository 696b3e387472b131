/** Random programs: every explanation holds by the oracle. `npm run fuzz` asks the same questions without explaining them. */
import { describe, expect, test } from 'vitest'
import { checked } from '../support/check.ts'
import { addTally, explainAll, newTally } from '../support/why.ts'
import { randomProbe } from './random-probes.ts'
import { policyText, randomWorld } from './random-world.ts'

/** Every failure names its seed. */
const FIRST_SEED = 1
const BATCHES = 12
const SEEDS_PER_BATCH = 10
const QUESTIONS = 30

const total = newTally()
const probed = newTally()

const checkSeed = (seed: number): void => {
  const world = randomWorld(seed, QUESTIONS, checked)
  const policy = world && checked(policyText(world.items))
  if (!world || !policy) return
  const tally = explainAll(policy, world.facts, world.questions)
  expect(tally.failures.map((failure) => `seed ${seed}: ${failure}`)).toEqual([])
  addTally(total, tally)
}

const checkProbe = (seed: number, number: number): void => {
  const world = randomWorld(seed, 0, checked)
  const policy = world && checked(policyText(world.items))
  const probe = world && policy && randomProbe(number, world, policy, checked)
  if (!probe) return
  const tally = explainAll(probe.policy, probe.facts, probe.questions)
  expect(tally.failures.map((failure) => `seed ${seed}, probe ${number}: ${failure}`)).toEqual([])
  addTally(probed, tally)
}

describe.each(Array.from({ length: BATCHES }, (_, batch) => FIRST_SEED + batch * SEEDS_PER_BATCH))('seeds from %i', (first) => {
  test(`explanations of ${SEEDS_PER_BATCH} programs hold by the oracle`, () => {
    for (let seed = first; seed < first + SEEDS_PER_BATCH; seed += 1) checkSeed(seed)
  })

  test('explanations of conditions that fail for many values hold, too', () => {
    for (let seed = first; seed < first + SEEDS_PER_BATCH; seed += 1) checkProbe(seed, seed)
  })
})

/** Facts are stored under names that the condition does not have, and conditions are repeated in part. */
test.each([
  [1003, 4014],
  [1060, 4240],
  [1088, 4352],
])('explanations of seed %i, probe %i, hold', (seed, number) => {
  checkProbe(seed, number)
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

test('there were enough conditions that fail for many values', () => {
  expect(probed.denied).toBeGreaterThan(150)
  expect(probed.rules).toBeGreaterThan(1000)
  expect(probed.unjudged).toBeLessThan(0.01 * probed.rules)
  expect(probed.several).toBeGreaterThan(200)
  // Rules with more typed forms than are compared.
  expect(probed.truncated).toBeLessThan(0.25 * probed.denied)
})

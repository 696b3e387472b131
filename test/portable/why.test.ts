/** `explain` over every world: agrees with the oracle on every decision that can be asked, on Node and on workerd. */
import { describe, expect, test } from 'vitest'
import { allQuestions } from '../support/all-questions.ts'
import { validPolicy } from '../support/check.ts'
import { addTally, explainAll, newTally } from '../support/why.ts'
import { worlds } from '../support/worlds.ts'

/** Questions of each kind per world. */
const CAP = 40

const total = newTally()

describe.each(worlds)('$name', (world) => {
  test('explanations hold by the oracle', () => {
    const policy = validPolicy(world.policy)
    const written = world.expectations.flatMap((expectation) => (expectation.kind === 'question' ? [expectation.asked] : []))
    const context = { contextFacts: [], unixSeconds: written[0]?.unixSeconds ?? 0 }
    const all = allQuestions({ policy, facts: world.facts, questions: written.map(({ question }) => question) }, context, CAP)
    const tally = explainAll(policy, world.facts, [...written, ...all], world.unused)
    expect(tally.failures).toEqual([])
    addTally(total, tally)
  })
})

test('there was enough to explain', () => {
  expect(total.allowed).toBeGreaterThan(300)
  expect(total.denied).toBeGreaterThan(2000)
  // Only where no rule is left, or a negation is in the way, does nothing help.
  expect(total.missing).toBeGreaterThan(0.9 * total.denied)
  expect(total.attempts).toBeGreaterThan(3000)
  // Every rule that could have matched, and what of it fails.
  expect(total.rules).toBeGreaterThan(5000)
  expect(total.unjudged).toBeLessThan(0.01 * total.rules)
  // Chains that are longer than what is shown.
  expect(total.truncated).toBeLessThan(0.01 * total.denied)
})

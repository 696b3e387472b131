/** The oracle agrees with what every world expects, and the ground model proves each of its answers. */
import { describe, expect, test } from 'vitest'
import { createOracle } from '../oracle/oracle.ts'
import { isAccepted } from '../oracle/signature.ts'
import { allQuestions } from '../support/all-questions.ts'
import { validPolicy } from '../support/check.ts'
import { proveAll } from '../support/proof.ts'
import { answer } from '../support/question.ts'
import type { QuestionExpectation } from '../support/world.ts'
import { worlds } from '../support/worlds.ts'

/** Questions of each kind per world. */
const CAP = 60

test('there are worlds enough', () => {
  expect(worlds.length).toBeGreaterThanOrEqual(80)
})

describe.each(worlds)('$name', (world) => {
  const policyOf = once(() => validPolicy(world.policy))
  const oracleOf = once(() => createOracle(policyOf(), world.facts))
  const questions = world.expectations.filter((expectation): expectation is QuestionExpectation => expectation.kind === 'question')

  test('every fact is accepted', () => {
    const all = [...world.facts, ...questions.flatMap(({ asked }) => asked.contextFacts)]
    expect(all.filter((fact) => !isAccepted(policyOf(), fact))).toEqual([])
    expect(world.unused.filter((fact) => isAccepted(policyOf(), fact))).toEqual([])
  })

  test('every expectation holds', () => {
    const found = world.expectations.map((expectation) => {
      const text =
        expectation.kind === 'accepts' ? String(isAccepted(policyOf(), expectation.fact)) : answer(oracleOf(), expectation.asked).text
      return `${expectation.text.slice(0, expectation.text.lastIndexOf(' = '))} = ${text}`
    })
    expect(found).toEqual(world.expectations.map(normalText))
  })

  test('the ground model proves every answer', () => {
    const asked = questions.map((question) => question.asked)
    const context = { contextFacts: [], unixSeconds: asked[0]?.unixSeconds ?? 0 }
    const all = allQuestions({ policy: policyOf(), facts: world.facts, questions: asked.map(({ question }) => question) }, context, CAP)
    const proof = proveAll(policyOf(), world.facts, oracleOf(), [...asked, ...all])
    expect(proof.failures).toEqual([])
    expect(proof.unproved).toBe(0)
    expect(proof.proved).toBeGreaterThan(0)
  })
})

/** So that a world with a mistake fails alone. */
const once = <T>(make: () => T): (() => T) => {
  const made: T[] = []
  return () => {
    made[0] ??= make()
    return made[0]
  }
}

const normalText = (expectation: (typeof worlds)[number]['expectations'][number]): string => {
  const { text, expected } = expectation
  return `${text.slice(0, text.lastIndexOf(' = '))} = ${String(expected)}`
}

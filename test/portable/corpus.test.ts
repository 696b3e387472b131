/** The engine agrees with every world: with what is written there, with the oracle on everything else, and with itself. */
import { describe, expect, test } from 'vitest'
import { acceptsFact } from '../../src/check/signatures.ts'
import { createOracle } from '../oracle/oracle.ts'
import { contradictions, disagreements } from '../support/agreement.ts'
import { allQuestions } from '../support/all-questions.ts'
import { openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'
import { emptyDatabase } from '../support/database.ts'
import { answer } from '../support/question.ts'
import type { QuestionExpectation } from '../support/world.ts'
import { worldTitle } from '../support/world.ts'
import { worlds } from '../support/worlds.ts'

/** Questions of each kind per world. */
const CAP = 60

/** With and without lists of subjects: the tables of worlds are too small for any to be worth remembering. */
const cases = worlds.flatMap((world) => (['none', 'always'] as const).map((memory) => [worldTitle(world), memory, world] as const))

describe.each(cases)('%s, memory of subjects: %s', (_title, memory, world) => {
  const questions = world.expectations.filter((expectation): expectation is QuestionExpectation => expectation.kind === 'question')

  test('expectations, oracle and agreement', () => {
    const policy = validPolicy(world.policy)
    const oracle = createOracle(policy, world.facts)
    const cell = openCell(emptyDatabase(), policy, [...world.facts, ...world.unused], memory)
    const facts = world.expectations.filter((expectation) => expectation.kind === 'accepts')
    expect(facts.map(({ fact, text }) => [text, acceptsFact(policy, fact)])).toEqual(facts.map(({ expected, text }) => [text, expected]))
    try {
      const found = questions.map(({ asked, text }) => `${text.slice(0, text.lastIndexOf(' = '))} = ${answer(cell.engine, asked).text}`)
      expect(found).toEqual(questions.map(({ text, expected }) => `${text.slice(0, text.lastIndexOf(' = '))} = ${expected}`))

      const context = { contextFacts: [], unixSeconds: questions[0]?.asked.unixSeconds ?? 0 }
      const all = allQuestions({ policy, facts: world.facts, questions: questions.map(({ asked }) => asked.question) }, context, CAP)
      expect(disagreements(cell.engine, oracle, all)).toEqual([])

      const checks = [...questions.map(({ asked }) => asked), ...all].flatMap(({ question, ...rest }) => {
        if (question.kind !== 'authorize' || question.resource === null) return []
        return contradictions(cell.engine, { ...question, resource: question.resource }, rest)
      })
      expect(checks).toEqual([])
    } finally {
      cell.close()
    }
  })
})

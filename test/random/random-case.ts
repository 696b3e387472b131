/** Runs the random world of a seed against oracle, engine and ground model. */
import type { CheckedPolicy } from '../../src/check/core.ts'
import type { Database } from '../../src/store/database.ts'
import { createOracle } from '../oracle/oracle.ts'
import { isAccepted } from '../oracle/signature.ts'
import { contradictions, disagreement } from '../support/agreement.ts'
import type { Cell } from '../support/cell.ts'
import { openCell } from '../support/cell.ts'
import { checked } from '../support/check.ts'
import type { Proof } from '../support/proof.ts'
import { proveAll } from '../support/proof.ts'
import type { Asked } from '../support/question.ts'
import { answer } from '../support/question.ts'
import type { RandomWorld } from './random-world.ts'
import { policyText, randomWorld } from './random-world.ts'
import type { Case } from './shrink.ts'
import { shrink, worldText } from './shrink.ts'

/** What one seed came to. */
export interface SeedResult {
  /** Questions asked of both; 0 when the seed makes no valid program. */
  readonly cases: number
  readonly refused: number
  /** Answers that are not empty, false or refused. */
  readonly positive: number
  readonly proof: Proof | null
  /** A world per failure, small enough to look at. */
  readonly failures: readonly string[]
}

const QUESTIONS = 10
const SHRINK_ATTEMPTS = 250
/** Failures of one seed that are made small; they are mostly alike. */
const SHRUNK = 1
const nothing: SeedResult = { cases: 0, refused: 0, positive: 0, proof: null, failures: [] }

export interface RandomRun {
  readonly emptyDatabase: () => Database
  /** Whether the ground model is to prove the oracle's answers, too. */
  readonly proves: boolean
}

export const runSeed = (seed: number, { emptyDatabase, proves }: RandomRun): SeedResult => {
  const world = randomWorld(seed, QUESTIONS, checked)
  const policy = world && checked(policyText(world.items))
  if (!world || !policy) return nothing
  const oracle = createOracle(policy, world.facts)
  const texts = world.questions.map((asked) => answer(oracle, asked))
  const proof = proves ? proveAll(policy, world.facts, oracle, world.questions) : null
  return {
    cases: world.questions.length,
    refused: texts.filter(({ refused }) => refused).length,
    positive: texts.filter(({ refused, text }) => !refused && text !== 'false' && text !== 'none').length,
    proof,
    failures: [
      ...disagreementsOf(emptyDatabase, world, policy),
      ...contradictionsOf(emptyDatabase, world, policy),
      ...(proof?.failures ?? []).map((failure) => `seed ${seed}: oracle against ground model: ${failure}`),
    ],
  }
}

const disagreementsOf = (emptyDatabase: () => Database, world: RandomWorld, policy: CheckedPolicy): string[] => {
  const oracle = createOracle(policy, world.facts)
  return withCell(emptyDatabase(), policy, world, (cell) =>
    world.questions
      .map((asked) => ({ asked, line: disagreement(cell.engine, oracle, asked) }))
      .filter(({ line }) => line !== null)
      .map(({ asked, line }, index) => (index < SHRUNK ? report(emptyDatabase, world, asked) : `seed ${world.seed}: ${line ?? ''}`)),
  )
}

const report = (emptyDatabase: () => Database, world: RandomWorld, asked: Asked): string => {
  const small = shrink(
    { items: world.items, facts: world.facts, asked },
    (candidate) => told(emptyDatabase, candidate) !== null,
    SHRINK_ATTEMPTS,
  )
  const policy = checked(policyText(small.items))
  const expected = policy ? answer(createOracle(policy, small.facts), small.asked).text : ''
  return `seed ${world.seed}: ${told(emptyDatabase, small) ?? ''}\n\n${worldText(small, expected)}`
}

/** How engine and oracle differ over a case; null when they agree or the policy has errors. */
const told = (emptyDatabase: () => Database, { items, facts, asked }: Case): string | null => {
  const policy = checked(policyText(items))
  // A fact that the smaller policy refuses would make another case of it.
  if (policy === null || ![...facts, ...asked.contextFacts].every((fact) => isAccepted(policy, fact))) return null
  return withCell(emptyDatabase(), policy, { facts }, (cell) => disagreement(cell.engine, createOracle(policy, facts), asked))
}

const contradictionsOf = (emptyDatabase: () => Database, world: RandomWorld, policy: CheckedPolicy): string[] =>
  withCell(emptyDatabase(), policy, world, (cell) =>
    world.questions.flatMap(({ question, ...context }) => {
      if (question.kind !== 'authorize' || question.resource === null) return []
      const found = contradictions(cell.engine, { ...question, resource: question.resource }, context)
      return found.map((line) => `seed ${world.seed}: ${line}\n\n${worldText({ ...world, asked: { question, ...context } }, '?')}`)
    }),
  )

const withCell = <T>(database: Database, policy: CheckedPolicy, { facts }: Pick<RandomWorld, 'facts'>, work: (cell: Cell) => T): T => {
  const cell = openCell(database, policy, facts)
  try {
    return work(cell)
  } finally {
    cell.close()
  }
}

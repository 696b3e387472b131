/** Runs the random world of a seed against oracle, engine and ground model. */
import type { CheckedPolicy } from '../../src/check/core.ts'
import type { Database } from '../../src/store/database.ts'
import { createOracle } from '../oracle/oracle.ts'
import { isAccepted } from '../oracle/signature.ts'
import { TooMuchForOracle } from '../oracle/wildcards.ts'
import type { Decision } from '../support/agreement.ts'
import { contradictions, disagreement, isTooComplex } from '../support/agreement.ts'
import type { Cell } from '../support/cell.ts'
import { openCell } from '../support/cell.ts'
import { checked } from '../support/check.ts'
import type { Proof } from '../support/proof.ts'
import { proveAll } from '../support/proof.ts'
import type { Asked } from '../support/question.ts'
import { answer } from '../support/question.ts'
import { randomOf } from './prng.ts'
import type { RandomWorld } from './random-world.ts'
import { policyText, randomWorld } from './random-world.ts'
import type { Case } from './shrink.ts'
import { shrink, worldText } from './shrink.ts'
import type { Tally } from './tally.ts'
import { tallyOf } from './tally.ts'
import { permissions, randomValue, resourceTypes } from './vocabulary.ts'

/** What one seed came to. */
export interface SeedResult {
  /** Null when the seed makes no valid program. */
  readonly tally: Tally | null
  readonly proof: Proof | null
  /** A world per failure, small enough to look at. */
  readonly failures: readonly string[]
  /** The oracle gave up: nothing is known. */
  readonly unjudged: boolean
  /** Questions that are more than the engine plans. */
  readonly tooComplex: number
}

const QUESTIONS = 10
/** Decisions of one seed that every kind of question is asked about. */
const DECISIONS = 8
const SHRINK_ATTEMPTS = 250
/** Failures of one seed that are made small; they are mostly alike. */
const SHRUNK = 1

export interface RandomRun {
  readonly emptyDatabase: () => Database
  /** Whether the ground model is to prove the oracle's answers, too. */
  readonly proves: boolean
}

export const runSeed = (seed: number, run: RandomRun): SeedResult => {
  try {
    return judged(seed, run)
  } catch (error) {
    if (error instanceof TooMuchForOracle) return { ...nothing, unjudged: true }
    throw error
  }
}

const nothing: SeedResult = { tally: null, proof: null, failures: [], unjudged: false, tooComplex: 0 }

const judged = (seed: number, { emptyDatabase, proves }: RandomRun): SeedResult => {
  const world = randomWorld(seed, QUESTIONS, checked)
  const policy = world && checked(policyText(world.items))
  if (!world || !policy) return nothing
  const proof = proves ? proveAll(policy, world.facts, createOracle(policy, world.facts), world.questions) : null
  const { tooComplex, failures } = disagreementsOf(emptyDatabase, world, policy)
  return {
    ...nothing,
    tally: tallyOf(world, policy),
    proof,
    tooComplex,
    failures: [
      ...failures,
      ...contradictionsOf(emptyDatabase, world, policy),
      ...stalenessOf(emptyDatabase, world, policy),
      ...(proof?.failures ?? []).map((failure) => `seed ${seed}: oracle against ground model: ${failure}`),
    ],
  }
}

type Judgement = Pick<SeedResult, 'failures' | 'tooComplex'>

const disagreementsOf = (emptyDatabase: () => Database, world: RandomWorld, policy: CheckedPolicy): Judgement => {
  const oracle = createOracle(policy, world.facts)
  return withCell(emptyDatabase(), policy, world, ({ engine }) => {
    const different = [...world.questions, ...decisionsOf(world).map(askedWhether)]
      .map((asked) => ({ asked, line: disagreement(engine, oracle, asked) }))
      .filter(({ line }) => line !== null)
    const wrong = different.filter(({ asked }) => !isTooComplex(engine, asked))
    return {
      tooComplex: different.length - wrong.length,
      failures: wrong.map(({ asked, line }, index) =>
        index < SHRUNK ? report(emptyDatabase, world, asked) : `seed ${world.seed}: ${line ?? ''}`,
      ),
    }
  })
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
    decisionsOf(world).flatMap((about) =>
      contradictions(cell.engine, about.decision, about).map(
        (line) => `seed ${world.seed}: ${line}\n\n${worldText({ ...world, asked: askedWhether(about) }, '?')}`,
      ),
    ),
  )

/** What one engine answers wrongly when facts come and go between its questions. */
const stalenessOf = (emptyDatabase: () => Database, world: RandomWorld, policy: CheckedPolicy): string[] => {
  const gone = world.facts.filter((_, index) => index % 3 === 0)
  const kept = world.facts.filter((_, index) => index % 3 !== 0)
  const oracle = createOracle(policy, [...kept, ...world.later])
  return withCell(emptyDatabase(), policy, world, (cell) => {
    for (const asked of world.questions) answer(cell.engine, asked)
    cell.store.transaction(() => {
      for (const fact of gone) cell.store.remove(fact)
      // A fact may have been made twice.
      for (const fact of [...kept, ...world.later]) cell.store.insert(fact)
    })
    return world.questions
      .map((asked) => ({ asked, line: disagreement(cell.engine, oracle, asked) }))
      .filter(({ asked, line }) => line !== null && !isTooComplex(cell.engine, asked))
      .map(({ line }) => `seed ${world.seed}, after writes: ${line ?? ''}`)
  })
}

interface About extends Omit<Asked, 'question'> {
  readonly decision: Decision
}

const askedWhether = ({ decision, ...context }: About): Asked => ({ question: { kind: 'authorize', ...decision }, ...context })

/** Decisions that the questions of a world are about. */
const decisionsOf = (world: RandomWorld): About[] => {
  const random = randomOf(world.seed)
  const decisions = world.questions.flatMap(({ question, ...context }): About[] => {
    if (question.kind === 'query' || question.kind === 'match') return []
    const resources = question.kind === 'resources' ? question.resources : 'resource' in question ? [question.resource] : []
    const type = question.kind === 'list' ? question.type : random.pick(resourceTypes)
    const resource = resources[0] ?? randomValue(random, type)
    const action = question.kind === 'actions' ? random.pick(permissions) : question.action
    return [{ decision: { actor: question.actor, action, resource }, ...context }]
  })
  return decisions.slice(0, DECISIONS)
}

const withCell = <T>(database: Database, policy: CheckedPolicy, { facts }: Pick<RandomWorld, 'facts'>, work: (cell: Cell) => T): T => {
  // By all estimates the tables are too small for anything to be worth remembering.
  const cell = openCell(database, policy, facts, 'always')
  try {
    return work(cell)
  } finally {
    cell.close()
  }
}

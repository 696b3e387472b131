/** Counts what random cases came to, so that a run that proves little is noticed. */
import type { CheckedPolicy } from '../../src/check/core.ts'
import { createOracle } from '../oracle/oracle.ts'
import type { Answer, Question } from '../support/question.ts'
import { answer } from '../support/question.ts'
import { type Feature, features, featuresOf } from './features.ts'
import type { RandomWorld } from './random-world.ts'

export interface Tally {
  cases: number
  refused: number
  /** Answers that are not empty, false or refused. */
  positive: number
  /** Of the questions whether one decision is allowed. */
  allowed: number
  denied: number
  readonly kinds: Record<Question['kind'], number>
  /** Cases whose rules and facts use a feature, and those of them with a positive answer. */
  readonly features: Record<Feature, { cases: number; positive: number }>
}

export const emptyTally = (): Tally => ({
  cases: 0,
  refused: 0,
  positive: 0,
  allowed: 0,
  denied: 0,
  kinds: { authorize: 0, resources: 0, list: 0, actions: 0, query: 0, match: 0 },
  // A record of every feature, in the order of the list.
  features: Object.fromEntries(features.map((feature) => [feature, { cases: 0, positive: 0 }])) as Tally['features'],
})

/** Adds one tally to another. */
export const addTally = (total: Tally, more: Tally): void => {
  for (const key of ['cases', 'refused', 'positive', 'allowed', 'denied'] as const) total[key] += more[key]
  for (const kind of Object.keys(more.kinds) as Question['kind'][]) total.kinds[kind] += more.kinds[kind]
  for (const feature of features) {
    total.features[feature].cases += more.features[feature].cases
    total.features[feature].positive += more.features[feature].positive
  }
}

export const tallyOf = (world: RandomWorld, policy: CheckedPolicy): Tally => {
  const tally = emptyTally()
  const oracle = createOracle(policy, world.facts)
  for (const asked of world.questions) {
    const found = answer(oracle, asked)
    const positive = isPositive(found)
    tally.cases++
    tally.kinds[asked.question.kind]++
    if (found.refused) tally.refused++
    if (positive) tally.positive++
    if (asked.question.kind === 'authorize') tally[positive ? 'allowed' : 'denied']++
    const used: Feature[] = [...featuresOf(policy, world.facts, asked)]
    if (positive && hasWildcard(found)) used.push('wildcard answer')
    if (asked.contextFacts.length > 0 && answer(oracle, { ...asked, contextFacts: [] }).text !== found.text) used.push('telling context')
    for (const feature of used) {
      tally.features[feature].cases++
      if (positive) tally.features[feature].positive++
    }
  }
  return tally
}

const isPositive = ({ text, refused }: Answer): boolean => !refused && text !== 'false' && text !== 'none'

const hasWildcard = ({ data }: Answer): boolean => /null|"\*"/.test(JSON.stringify(data))

/** Share of all cases that a feature, or a kind of question, is to have at least; and those of them with a positive answer. */
const FLOOR = 0.01
const POSITIVE_FLOOR = 0.004
const KIND_FLOOR = 0.05
/** Positive answers of all; allowed and denied of the decisions; refused of all. */
const ANSWER_FLOOR = 0.3
const DECISION_FLOOR = 0.2
const REFUSED_FLOOR = 0.01

/** What a run met too seldom to say anything about it; empty for a run that covers everything. */
export const shortfalls = (tally: Tally): string[] => {
  const { cases } = tally
  const decisions = tally.allowed + tally.denied
  const below = (name: string, count: number, floor: number, of = cases): string[] =>
    count >= floor * of && count > 0 ? [] : [`${name}: ${count} of ${of}`]
  return [
    ...below('positive', tally.positive, ANSWER_FLOOR),
    ...below('refused', tally.refused, REFUSED_FLOOR),
    ...below('allowed', tally.allowed, DECISION_FLOOR, decisions),
    ...below('denied', tally.denied, DECISION_FLOOR, decisions),
    ...Object.entries(tally.kinds).flatMap(([kind, count]) => below(kind, count, KIND_FLOOR)),
    ...Object.entries(tally.features).flatMap(([name, { cases: met, positive }]) => [
      ...below(name, met, FLOOR),
      ...below(`${name}, positive`, positive, POSITIVE_FLOOR),
    ]),
  ]
}

/** Proves the oracle's answers by the ground model. */
import type { Fact, Value } from '../../src/base/value.ts'
import type { CheckedPolicy, CoreRule, Disjunct } from '../../src/check/core.ts'
import { QueryError } from '../../src/engine/engine.ts'
import type { Domain } from '../oracle/domain.ts'
import { domainOf } from '../oracle/domain.ts'
import type { GroundModel } from '../oracle/ground.ts'
import { groundModel } from '../oracle/ground.ts'
import { groundCheck } from '../oracle/ground-check.ts'
import type { OpenQuestion, Oracle } from '../oracle/oracle.ts'
import { openQuestions } from './open-question.ts'
import type { Asked } from './question.ts'
import { requestOf } from './question.ts'
import { askedText } from './question-text.ts'

export interface Proof {
  readonly proved: number
  /** Refused questions: there is no answer to prove. */
  readonly refused: number
  /** Answers whose ground model is too large. */
  readonly unproved: number
  readonly failures: readonly string[]
}

/** Assignments tried per ground model. */
const MAX_STEPS = 200_000

export const proveAll = (policy: CheckedPolicy, facts: readonly Fact[], oracle: Oracle, questions: readonly Asked[]): Proof => {
  const proof = { proved: 0, refused: 0, unproved: 0, failures: [] as string[] }
  const groups = Map.groupBy(questions, ({ contextFacts, unixSeconds }) => JSON.stringify([contextFacts, unixSeconds]))
  for (const group of groups.values()) {
    const [first] = group
    if (first === undefined) continue
    const all = [...facts, ...first.contextFacts]
    const domain = domainOf(
      policy,
      all,
      group.flatMap(({ question }) => openQuestions(question).flatMap(valuesOf)),
      first.unixSeconds,
    )
    const models = new Map<string, GroundModel | null>()
    const modelFor = (question: OpenQuestion): GroundModel | null => {
      const rules = rulesFor(policy, question)
      const key = rules.map((rule) => policy.rules.indexOf(rule)).join()
      const input = { policy: { ...policy, rules }, facts: all, domain, unixSeconds: first.unixSeconds, maxSteps: MAX_STEPS }
      const model = models.has(key) ? models.get(key) : groundModel(input)
      models.set(key, model ?? null)
      return model ?? null
    }
    for (const asked of group) {
      for (const question of openQuestions(asked.question)) prove(proof, { policy, oracle, domain, modelFor }, asked, question)
    }
  }
  return proof
}

type Counts = { -readonly [Key in keyof Proof]: Proof[Key] extends number ? number : string[] }

interface Ground {
  readonly policy: CheckedPolicy
  readonly oracle: Oracle
  readonly domain: Domain
  readonly modelFor: (question: OpenQuestion) => GroundModel | null
}

const prove = (proof: Counts, { policy, oracle, domain, modelFor }: Ground, asked: Asked, question: OpenQuestion): void => {
  const rows = answers(oracle, asked, question)
  const model = rows === null ? null : modelFor(question)
  if (rows === null) proof.refused++
  else if (model === null) proof.unproved++
  else {
    proof.proved++
    // The ground model holds facts of any predicate; a question about one that the policy does not know has no answer.
    const isKnown = question.calls.every(({ predicate, args }) => policy.predicates.has(`${predicate}/${args.length}`))
    const failure = isKnown ? groundCheck(model, domain, question, rows) : rows.length > 0 ? 'an answer about an unknown predicate' : null
    if (failure !== null) proof.failures.push(`${askedText(asked)}\n  ${failure}`)
  }
}

/** The rules that a question can reach: models of all the others would only cost time. */
export const rulesFor = (policy: CheckedPolicy, question: OpenQuestion): CoreRule[] => {
  const reached = new Set(question.calls.map(({ predicate, args }) => `${predicate}/${args.length}`))
  for (const key of reached) {
    for (const rule of policy.rules) {
      if (`${rule.predicate}/${rule.params.length}` === key) for (const called of rule.disjuncts.flatMap(calledBy)) reached.add(called)
    }
  }
  return policy.rules.filter((rule) => reached.has(`${rule.predicate}/${rule.params.length}`))
}

const calledBy = (disjunct: Disjunct): string[] =>
  disjunct.literals.flatMap((literal) => {
    if (literal.kind === 'call') return [`${literal.predicate}/${literal.args.length}`]
    return literal.kind === 'not' ? literal.disjuncts.flatMap(calledBy) : []
  })

const answers = (oracle: Oracle, asked: Asked, question: OpenQuestion): ReturnType<Oracle['answers']> | null => {
  try {
    return oracle.answers(question, requestOf(asked))
  } catch (error) {
    if (error instanceof QueryError) return null
    throw error
  }
}

const valuesOf = (question: OpenQuestion): Value[] =>
  question.variables.flatMap(({ type, ids }) => (type === null || ids === null ? [] : ids.map((id) => ({ type, id }))))

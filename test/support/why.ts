/** Holds explanations to the oracle: a proof's facts alone give allow, and the facts that a deny names as missing give it too. */
import { assert } from '../../src/base/assert.ts'
import type { Fact, Value } from '../../src/base/value.ts'
import type { CheckedPolicy } from '../../src/check/core.ts'
import type { Engine, Request } from '../../src/engine/engine.ts'
import { QueryError } from '../../src/engine/engine.ts'
import { explain } from '../../src/engine/explain.ts'
import type { Attempt, Condition, Explanation, Proof, RuleSource, ShownAtom } from '../../src/engine/explanation.ts'
import type { Store } from '../../src/store/facts.ts'
import { createOracle } from '../oracle/oracle.ts'
import { isAccepted } from '../oracle/signature.ts'
import { openCell } from './cell.ts'
import { emptyDatabase } from './database.ts'
import type { Asked } from './question.ts'
import { requestOf } from './question.ts'
import { checkRules, ruleJudge } from './why-rules.ts'

/** A decision to explain. `resource` null: a global permission. */
export interface Decision {
  readonly actor: Value
  readonly action: string
  readonly resource: Value | null
}

export interface Explained {
  readonly engine: Engine
  readonly store: Store
  readonly policy: CheckedPolicy
  /** What the store holds. */
  readonly facts: readonly Fact[]
}

/** What the explanations of some decisions came to. */
export interface Tally {
  allowed: number
  denied: number
  refused: number
  truncated: number
  /** Denies that name missing facts, and rules that do. */
  missing: number
  attempts: number
  /** Rules that could have matched, and those of them that the oracle cannot enumerate. */
  rules: number
  unjudged: number
  /** Failed conditions that ask for several goals, with rules that could have given them. */
  several: number
  failures: string[]
}

export const newTally = (): Tally => ({
  allowed: 0,
  denied: 0,
  refused: 0,
  truncated: 0,
  missing: 0,
  attempts: 0,
  rules: 0,
  unjudged: 0,
  several: 0,
  failures: [],
})

/** Adds what was counted; failures are told where they are found. */
export const addTally = (total: Tally, tally: Tally): void => {
  for (const key of ['allowed', 'denied', 'refused', 'truncated', 'missing', 'attempts', 'rules', 'unjudged', 'several'] as const)
    total[key] += tally[key]
}

/** Explains every decision that the questions ask for, over an engine of its own. `unused`: facts beside those that the policy uses. */
export const explainAll = (
  policy: CheckedPolicy,
  facts: readonly Fact[],
  questions: readonly Asked[],
  unused: readonly Fact[] = [],
): Tally => {
  const cell = openCell(emptyDatabase(), policy, [...facts, ...unused])
  const tally = newTally()
  try {
    for (const { decision, asked } of decisionsOf(questions)) checkWhy({ ...cell, policy, facts }, decision, asked, tally)
  } finally {
    cell.close()
  }
  return tally
}

/** Every decision that some questions ask for. */
const decisionsOf = (questions: readonly Asked[]): { readonly decision: Decision; readonly asked: Asked }[] =>
  questions.flatMap((asked) => (asked.question.kind === 'authorize' ? [{ decision: asked.question, asked }] : []))

/** Explains a decision and holds the explanation to the oracle. */
const checkWhy = (explained: Explained, decision: Decision, asked: Asked, tally: Tally): void => {
  const request = requestOf(asked)
  const found = explanationOf(explained, decision, request)
  if (found === null) {
    tally.refused += 1
    return
  }
  const fail = (what: string): void => void tally.failures.push(`${JSON.stringify(decision)}: ${what}`)
  if (found.truncated) tally.truncated += 1
  for (const source of sourcesOf(found)) if (!isQuoted(explained.policy, source)) fail(`${JSON.stringify(source)} is not in the policy`)
  const allows = (facts: readonly Fact[]): boolean => oracleAllows(explained.policy, facts, decision, request)
  const all = [...explained.facts, ...request.contextFacts]
  if (found.allowed !== allows(all)) fail('the decision is not that of the oracle')
  const judge = { all, policy: explained.policy, allows, request, tally, fail }
  if (found.allowed) checkAllow(found, judge)
  else checkDeny(found, judge)
}

/** Null when the question is refused. */
const explanationOf = (explained: Explained, decision: Decision, request: Request): Explanation | null => {
  try {
    return explain(explained, decision, request)
  } catch (error) {
    if (error instanceof QueryError) return null
    throw error
  }
}

const oracleAllows = (policy: CheckedPolicy, facts: readonly Fact[], { actor, action, resource }: Decision, request: Request): boolean => {
  const oracle = createOracle(policy, facts)
  const bare = { ...request, contextFacts: [] }
  return resource === null ? oracle.authorizeGlobal(actor, action, bare) : oracle.authorize(actor, action, resource, bare)
}

interface Judge {
  /** Every fact that counts. */
  readonly all: readonly Fact[]
  readonly policy: CheckedPolicy
  readonly request: Request
  readonly tally: Tally
  readonly allows: (facts: readonly Fact[]) => boolean
  readonly fail: (what: string) => void
}

const checkAllow = (found: Explanation, { all, allows, tally, fail }: Judge): void => {
  tally.allowed += 1
  const keys = new Set(all.map((fact) => JSON.stringify(fact)))
  const strange = found.facts.filter((fact) => !keys.has(JSON.stringify(fact)))
  if (strange.length > 0) fail(`the proof has facts that are none: ${JSON.stringify(strange)}`)
  if (found.proof === null) return found.truncated ? undefined : fail('an allow without a proof')
  if (!allows(found.facts)) fail(`the facts of the proof do not give allow: ${JSON.stringify(found.facts)}`)
  const present = found.absent.filter((pattern) => all.some((fact) => matches(pattern, fact)))
  if (present.length > 0) fail(`facts that are told to be absent are there: ${JSON.stringify(present)}`)
  for (const fact of proofFacts(found.proof))
    if (!found.facts.some((other) => JSON.stringify(other) === JSON.stringify(fact))) fail('the tree has a fact that is not listed')
}

const matches = (pattern: ShownAtom, fact: Fact): boolean =>
  pattern.predicate === fact.predicate &&
  pattern.args.length === fact.args.length &&
  pattern.args.every(({ type, id }, index) => {
    const value = fact.args[index]
    return (type === null || type === value?.type) && (id === null || id === value?.id)
  })

const checkDeny = (found: Explanation, { all: facts, policy, allows, request, tally, fail }: Judge): void => {
  tally.denied += 1
  const added = found.missing === null ? null : factsOf(found.missing)
  if (added !== null) {
    tally.missing += 1
    if (!added.every((fact) => isAccepted(policy, fact))) fail(`missing facts that the policy refuses: ${JSON.stringify(added)}`)
    if (!allows([...facts, ...added])) fail(`with ${JSON.stringify(added)} it is denied still`)
    // Near misses are told, nothing more: no smaller set of the named facts would do.
    for (const one of added.length > 1 ? added : []) {
      if (allows([...facts, ...added.filter((fact) => fact !== one)])) fail(`${JSON.stringify(one)} is not missing`)
    }
  }
  if (!found.truncated) checkRules(ruleJudge(policy, facts, request), found, tally, fail)
  for (const attempt of attemptsOf(found.attempts)) {
    if (attempt.missing === null) continue
    tally.attempts += 1
    const oracle = createOracle(policy, [...facts, ...factsOf(attempt.missing)])
    const { predicate, args } = attempt.atom
    // A goal with holes is a question that the oracle may refuse.
    if (args.some(({ id }) => id === null)) continue
    if (oracle.match(predicate, args, { ...request, contextFacts: [] }).length === 0)
      fail(`with ${JSON.stringify(attempt.missing)} the rule does not give ${JSON.stringify(attempt.atom)}`)
  }
}

/** New ids for the variables, of another form than those that the engine tries. */
const factsOf = (atoms: readonly ShownAtom[]): Fact[] =>
  atoms.map(({ predicate, args }) => ({
    predicate,
    args: args.map(({ type, id, variable }): Value => {
      assert(type !== null && (id !== null || variable !== undefined), 'a missing fact has types and values or variables')
      return { type, id: id ?? (type === 'Integer' ? `77${hash(variable ?? '')}` : `some ${variable}`) }
    }),
  }))

const hash = (text: string): number => [...text].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_000, 7)

const attemptsOf = (attempts: readonly Attempt[]): Attempt[] =>
  attempts.flatMap((attempt) => [attempt, ...(attempt.failed.kind === 'call' ? attemptsOf(attempt.failed.attempts) : [])])

const conditionsOf = (attempt: Attempt): readonly Condition[] => [
  ...attempt.held,
  ...(attempt.failed.kind === 'blocked' ? attempt.failed.because : []),
]

const proofFacts = (proof: Proof): Fact[] => {
  if (proof.kind === 'fact')
    return [{ predicate: proof.atom.predicate, args: proof.atom.args.map(({ type, id }) => ({ type: type ?? '', id: id ?? '' })) }]
  return proof.kind === 'rule' ? proof.conditions.flatMap(conditionFacts) : []
}

const conditionFacts = (condition: Condition): Fact[] => {
  if (condition.kind === 'call') return proofFacts(condition.proof)
  return condition.kind === 'absent' ? condition.because.flatMap(conditionFacts) : []
}

const sourcesOf = (found: Explanation): (RuleSource | null)[] => [
  ...(found.proof ? proofSources(found.proof) : []),
  ...attemptsOf(found.attempts).flatMap((attempt) => [
    attempt.source,
    attempt.failed.source,
    ...conditionsOf(attempt).flatMap(conditionSources),
  ]),
]

const proofSources = (proof: Proof): (RuleSource | null)[] =>
  proof.kind === 'rule' ? [proof.source, ...proof.conditions.flatMap(conditionSources)] : []

const conditionSources = (condition: Condition): (RuleSource | null)[] => [
  condition.source,
  ...(condition.kind === 'call' ? proofSources(condition.proof) : []),
  ...(condition.kind === 'absent' ? condition.because.flatMap(conditionSources) : []),
]

/** Whether a place is in the policy, with the text that is quoted. Implicit rules have none. */
const isQuoted = (policy: CheckedPolicy, source: RuleSource | null): boolean => {
  if (source === null) return true
  const text = policy.files.find(({ name }) => name === source.file)?.text.split('\n')[source.line - 1] ?? ''
  return text.trim().startsWith(source.text.replace(/…$/, '')) && source.text.length > 0 && source.column <= text.length
}

/** Holds what a deny tells of its rules to the oracle: every rule that could have matched is there, with the first condition that fails. */
import type { Fact } from '../../src/base/value.ts'
import type { CheckedPolicy, CoreLiteral, CoreRule, CoreTerm, Disjunct } from '../../src/check/core.ts'
import type { Request } from '../../src/engine/engine.ts'
import { sourceOf } from '../../src/engine/explain-text.ts'
import type { Attempt, Condition, Explanation, RuleSource, ShownAtom } from '../../src/engine/explanation.ts'
import { decompose } from '../../src/ir/decompose.ts'
import type { Span } from '../../src/polar/source.ts'
import type { Bindings, Pattern } from '../oracle/bindings.ts'
import { elementOf, noBindings, restrict, unify } from '../oracle/bindings.ts'
import { anything, typesOf, valueElement, wildcardOf } from '../oracle/element.ts'
import { type Evaluator, evaluatorOf } from '../oracle/evaluate.ts'
import { type Program, programOf, scopeOf, termsOf, unknownNow, unwritten, variablesOf } from '../oracle/program.ts'
import { type Refusals, refusalsOf } from '../oracle/refusals.ts'
import { triedBefore } from './why-order.ts'

/** Rules that could have matched, and those of them that the oracle cannot enumerate. */
export interface RuleTally {
  rules: number
  unjudged: number
}

export interface RuleJudge {
  readonly policy: CheckedPolicy
  readonly program: Program
  readonly refusals: Refusals
  readonly evaluator: Evaluator
  /** Rules whose conditions are tried one by one, and not by parts that have nothing to do with each other. */
  readonly whole: ReadonlySet<CoreRule>
}

/** `facts`: every one that counts. */
export const ruleJudge = (policy: CheckedPolicy, facts: readonly Fact[], { unixSeconds }: Request): RuleJudge => {
  const rules = policies.get(policy) ?? policyRules(policy)
  policies.set(policy, rules)
  return { policy, ...rules, evaluator: evaluatorOf({ ...rules, facts, unixSeconds }) }
}

/** What does not change with the facts. */
const policies = new WeakMap<CheckedPolicy, ReturnType<typeof policyRules>>()

const policyRules = (policy: CheckedPolicy): Pick<RuleJudge, 'program' | 'refusals' | 'whole'> => {
  const program = programOf(policy)
  return { program, refusals: refusalsOf(program), whole: new Set(decompose(policy.rules, policy.concreteTypes)) }
}

/** Of an explanation from which nothing was left out. */
export const checkRules = (judge: RuleJudge, found: Explanation, tally: RuleTally, fail: (what: string) => void): void => {
  const told = new Set<string>()
  const repeated = new Set<string>()
  const check = (goal: ShownAtom, attempts: readonly Attempt[]): void => {
    told.add(JSON.stringify(goal))
    checkGoal(judge, { goal, attempts, tally, fail })
    for (const { failed } of attempts) {
      if (failed.kind !== 'call') continue
      if (failed.rest === 'repeated') repeated.add(JSON.stringify(failed.atom))
      else check(failed.atom, failed.attempts)
    }
  }
  check(found.atom, found.attempts)
  for (const goal of repeated) if (!told.has(goal)) fail(`the rules of ${goal} are said to stand elsewhere, and do not`)
}

/** One conjunction of a rule for a goal. */
interface Alternative {
  readonly rule: CoreRule
  readonly disjunct: Disjunct
  readonly starts: readonly Bindings[]
  /** False where constants of the policy decide a comparison: then it may be left out. */
  readonly open: boolean
}

const checkGoal = (judge: RuleJudge, { goal, attempts, tally, fail }: Told): void => {
  const alternatives = alternativesOf(judge, goal)
  const right = new Map(alternatives.map((alternative) => [alternative, attempts.map((attempt) => verdict(judge, alternative, attempt))]))
  for (const [{ rule, open }, verdicts] of right) {
    if (!open) continue
    tally.rules += 1
    if (verdicts.includes('refused')) tally.unjudged += 1
    else if (!verdicts.includes('right'))
      fail(`${JSON.stringify(goal)}: no attempt is right about the rule at ${placeOf(judge, rule.span)}: ${verdicts.join()}`)
  }
  for (const [index, { source, failed }] of attempts.entries()) {
    const verdicts = [...right.values()].map((of) => of[index])
    if (!verdicts.includes('right') && !verdicts.includes('refused'))
      fail(
        `${JSON.stringify(goal)}: the attempt of ${shown(source)} is about no rule, or wrong about it: ${verdicts.join()} ${JSON.stringify(failed)}`,
      )
  }
}

/** The attempts at one goal. */
interface Told {
  readonly goal: ShownAtom
  readonly attempts: readonly Attempt[]
  readonly tally: RuleTally
  readonly fail: (what: string) => void
}

/** What could have given the goal: the head fits, and so do types and written values, whatever the facts are. */
const alternativesOf = (judge: RuleJudge, { predicate, args }: ShownAtom): Alternative[] => {
  const goal: Pattern = args.map(({ type, id }, group) => {
    if (type === null) return { element: anything, group }
    return { element: id === null ? wildcardOf([type]) : valueElement({ type, id }), group }
  })
  return judge.program.rulesOf(predicate, args.length).flatMap((rule) =>
    rule.disjuncts.flatMap((disjunct): Alternative[] => {
      const starts = startsOf(judge, rule, disjunct, goal)
      return starts.length > 0 ? [{ rule, disjunct, starts, open: isOpen(judge, rule, disjunct, goal) }] : []
    }),
  )
}

/** The goal's values, with the types that each variable can have. */
const startsOf = ({ refusals, evaluator }: RuleJudge, rule: CoreRule, disjunct: Disjunct, goal: Pattern): Bindings[] => {
  const start = unify(evaluator.start(), rule.params, goal)
  const open = unify(noBindings(unknownNow), rule.params, goal)
  if (start === null || open === null) return []
  const names = new Set([
    ...variablesOf(rule.params),
    ...variablesOf(termsOf({ literals: disjunct.literals.filter(({ kind }) => kind !== 'not') })),
  ])
  const found = new Map<string, Bindings>()
  for (const way of refusals.ways(open, { literals: disjunct.literals.flatMap(typesAlone) })) {
    const types = [...names].map((name) => [name, typesOf(elementOf(way, { kind: 'variable', name }))] as const)
    const narrowed = types.reduce<Bindings | null>(
      (state, [name, of]) => state && restrict(state, { kind: 'variable', name } satisfies CoreTerm, wildcardOf(of)),
      start,
    )
    if (narrowed !== null) found.set(JSON.stringify(types), narrowed)
  }
  return [...found.values()]
}

/** Whether nothing that the policy writes makes the alternative false. Values of the question that it does not write may be anything. */
const isOpen = ({ program, refusals }: RuleJudge, { params }: CoreRule, disjunct: Disjunct, goal: Pattern): boolean => {
  const abstract = goal.map(({ element, group }) => {
    const isAny = element.kind === 'value' && !program.writes(element.value)
    return { element: isAny ? valueElement(unwritten(element.value.type)) : element, group }
  })
  const start = unify(noBindings(unknownNow), params, abstract)
  return start !== null && refusals.ways(start, disjunct).length > 0
}

/** Comparisons are told where they fail; only the types that they ask for rule something out. */
const typesAlone = (literal: CoreLiteral): CoreLiteral[] => {
  if (literal.kind === 'unequal') return []
  if (literal.kind !== 'order') return [literal]
  const { span } = literal
  return variablesOf([literal.left, literal.right]).map((variable) => ({ kind: 'matches', variable, type: 'Integer', exact: true, span }))
}

type Verdict = 'right' | 'another rule' | 'not held' | 'not failed' | 'not first' | 'refused'

/** Whether the attempt is about this alternative; what it says to hold can hold together, but not with the condition that is said to fail; and no condition that fails is tried before. */
const verdict = (judge: RuleJudge, { rule, disjunct, starts }: Alternative, attempt: Attempt): Verdict => {
  if (shown(attempt.source) !== placeOf(judge, rule.span)) return 'another rule'
  const told = toldLiterals(judge, disjunct, attempt)
  if (told === null) return 'another rule'
  const scope = scopeOf(new Set(variablesOf(rule.params)), disjunct)
  const settled = disjunct.literals.filter(({ kind }) => kind === 'matches' || kind === 'equal' || kind === 'in')
  const solutions = (literals: readonly CoreLiteral[]): Bindings[] | null => {
    const body = { literals: [...settled, ...literals] }
    if (starts.some((start) => judge.refusals.refusedBody(start, body, scope, () => undefined))) return null
    return starts.flatMap((start) => judge.evaluator.solve(start, body, scope))
  }
  const states = solutions(told.held)
  const all = solutions([...told.held, told.failed])
  if (states === null || all === null) return 'refused'
  if (states.length === 0) return 'not held'
  if (all.length > 0) return 'not failed'
  if (!judge.whole.has(rule)) return 'right'
  const left = disjunct.literals.filter((literal) => !told.held.includes(literal))
  const sooner = triedBefore({ ...judge, scope, states }, left, told.failed)
  return sooner.some((literal) => solutions([...told.held, literal])?.length === 0) ? 'not first' : 'right'
}

/** The conditions of the rule that an attempt tells of; null when one of them is none of the rule's. */
const toldLiterals = (
  judge: RuleJudge,
  { literals }: Disjunct,
  { held, failed }: Attempt,
): { held: CoreLiteral[]; failed: CoreLiteral } | null => {
  const left = [...literals]
  const take = (key: string): CoreLiteral | null => {
    const index = left.findIndex((literal) => literalKey(judge, literal) === key)
    return index === -1 ? null : (left.splice(index, 1)[0] ?? null)
  }
  const found = held.map((condition) => take(conditionKey(condition)))
  const last = take(conditionKey(failed))
  return last === null || found.includes(null) ? null : { held: found.filter((literal) => literal !== null), failed: last }
}

const literalKey = (judge: RuleJudge, literal: CoreLiteral): string => {
  const kind = literal.kind === 'call' ? `call ${literal.predicate}` : literal.kind === 'not' ? 'not' : 'test'
  return `${kind} ${placeOf(judge, literal.span)}`
}

const conditionKey = (condition: Condition | Attempt['failed']): string => {
  const place = shown(condition.source)
  if (condition.kind === 'test') return `test ${place}`
  if (condition.kind !== 'call') return `not ${place}`
  return `call ${'proof' in condition ? condition.proof.atom.predicate : condition.atom.predicate} ${place}`
}

const placeOf = ({ policy }: RuleJudge, span: Span): string => shown(sourceOf(policy.files, span))

const shown = (source: RuleSource | null): string => (source === null ? 'nowhere' : `${source.file}:${source.line}:${source.column}`)

/** Holds what a deny tells of its rules to the oracle: every rule that could have matched is there, with the first condition that fails. */
import { at } from '../../src/base/assert.ts'
import type { Fact } from '../../src/base/value.ts'
import type { CheckedPolicy, CoreLiteral, CoreRule, CoreTerm, Disjunct } from '../../src/check/core.ts'
import type { Request } from '../../src/engine/engine.ts'
import { sourceOf } from '../../src/engine/explain-text.ts'
import type { Attempt, Condition, Explanation, FailedCondition, RuleSource, ShownAtom } from '../../src/engine/explanation.ts'
import { decompose } from '../../src/ir/decompose.ts'
import type { Span } from '../../src/polar/source.ts'
import type { Bindings, Pattern } from '../oracle/bindings.ts'
import { elementOf, noBindings, patternKey, patternOf, restrict, unify } from '../oracle/bindings.ts'
import { anything, typesOf, valueElement, wildcardOf } from '../oracle/element.ts'
import { type Evaluator, evaluatorOf } from '../oracle/evaluate.ts'
import { type Program, programOf, scopeOf, termsOf, unknownNow, unwritten, variablesOf } from '../oracle/program.ts'
import { type Refusals, refusalsOf } from '../oracle/refusals.ts'
import { triedBefore } from './why-order.ts'

/** Rules that could have matched, and those of them that the oracle cannot enumerate. */
export interface RuleTally {
  rules: number
  unjudged: number
  /** Failed conditions that ask for several goals, with rules that could have given them. */
  several: number
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
  const levels: Level[] = []
  const elsewhere: Owed[] = []
  /** `partial`: some of the goals are told of elsewhere, so what these ask for is as well. */
  const check = (goals: readonly Goal[], attempts: readonly Attempt[], partial: boolean): void => {
    const level = levelOf(judge, goals, attempts)
    levels.push(level)
    if (goals.length > 1 && level.alternatives.length > 0) tally.several += 1
    for (const owed of checkLevel(judge, level, { tally, fail })) {
      if (partial) elsewhere.push(owed)
      else fail(owedText(judge, owed))
    }
    for (const attempt of attempts) {
      const { failed } = attempt
      if (failed.kind === 'call') check(nestedGoals(judge, level, attempt), failed.attempts, partial || failed.rest === 'repeated')
    }
  }
  check([goalOf(found.atom)], found.attempts, false)
  for (const owed of elsewhere) if (!levels.some((level) => isToldAt(level, owed))) fail(`${owedText(judge, owed)}, nor elsewhere`)
}

interface Goal {
  readonly predicate: string
  readonly pattern: Pattern
}

const goalOf = ({ predicate, args }: ShownAtom): Goal => ({
  predicate,
  pattern: args.map(({ type, id }, group) => {
    if (type === null) return { element: anything, group }
    return { element: id === null ? wildcardOf([type]) : valueElement({ type, id }), group }
  }),
})

/** What could have given some goals, and what is told of it. */
interface Level {
  readonly goals: readonly Goal[]
  readonly attempts: readonly Attempt[]
  readonly alternatives: readonly Alternative[]
  /** Per attempt, one for each alternative. */
  readonly verdicts: ReadonlyMap<Attempt, readonly Verdict[]>
}

/** One conjunction of a rule for some goals. */
interface Alternative {
  readonly rule: CoreRule
  readonly disjunct: Disjunct
  readonly goals: readonly Goal[]
  readonly starts: readonly Bindings[]
  /** False where constants of the policy decide a comparison: then it may be left out. */
  readonly open: boolean
}

/** An alternative of which no attempt of its level is right. */
interface Owed {
  readonly alternative: Alternative
  readonly verdicts: readonly Verdict[]
}

const levelOf = (judge: RuleJudge, goals: readonly Goal[], attempts: readonly Attempt[]): Level => {
  const alternatives = alternativesOf(judge, goals)
  const verdicts = attempts.map((attempt) => [attempt, alternatives.map((item) => verdict(judge, item, attempt))] as const)
  return { goals, attempts, alternatives, verdicts: new Map(verdicts) }
}

interface Count {
  readonly tally: RuleTally
  readonly fail: (what: string) => void
}

/** Every attempt is about one of the goals and right about a rule; the alternatives that none is right about are owed. */
const checkLevel = (judge: RuleJudge, level: Level, { tally, fail }: Count): Owed[] => {
  for (const [{ atom, source, failed }, verdicts] of level.verdicts) {
    const of = JSON.stringify(atom)
    if (!level.goals.some((goal) => isAbout(atom, goal))) fail(`${of} is told of, and not asked for`)
    if (!verdicts.includes('right') && !verdicts.includes('refused'))
      fail(`${of}: the attempt of ${shown(source)} is about no rule, or wrong about it: ${verdicts.join()} ${JSON.stringify(failed)}`)
  }
  return level.alternatives.flatMap((alternative, index): Owed[] => {
    if (!alternative.open) return []
    tally.rules += 1
    const verdicts = [...level.verdicts.values()].map((all) => at(all, index))
    if (verdicts.includes('right')) return []
    if (!verdicts.includes('refused')) return [{ alternative, verdicts }]
    tally.unjudged += 1
    return []
  })
}

const owedText = (judge: RuleJudge, { alternative, verdicts }: Owed): string =>
  `${JSON.stringify(alternative.goals)}: no attempt is right about the rule at ${placeOf(judge, alternative.rule.span)}: ${verdicts.join()}`

/** Whether the level tells the alternative, of one of the goals that it is owed for. */
const isToldAt = (level: Level, { alternative }: Owed): boolean => {
  const index = level.alternatives.findIndex(({ disjunct }) => disjunct === alternative.disjunct)
  if (![...level.verdicts.values()].some((all) => all[index] === 'right')) return false
  return alternative.goals.every((goal) => level.goals.some((other) => other.predicate === goal.predicate && isOne(other, goal)))
}

const isAbout = (atom: ShownAtom, goal: Goal): boolean => atom.predicate === goal.predicate && isOne(goalOf(atom), goal)

/** Whether something can be of both. */
const isOne = ({ pattern }: Goal, other: Goal): boolean => {
  const names = pattern.map((_, index): CoreTerm => ({ kind: 'variable', name: `${index}` }))
  const first = unify(noBindings(unknownNow), names, pattern)
  return first !== null && pattern.length === other.pattern.length && unify(first, names, other.pattern) !== null
}

/** What the failed condition of an attempt asks for: in each way in which all holds that is said to hold. */
const nestedGoals = (judge: RuleJudge, level: Level, attempt: Attempt): Goal[] => {
  const { failed } = attempt
  if (failed.kind !== 'call') return []
  const told = [failed.atom, ...failed.attempts.map(({ atom }) => atom)].map(goalOf)
  const alternative = alternativeTold(level, attempt)
  const literals = alternative && toldLiterals(judge, alternative.disjunct, attempt)
  if (!alternative || literals?.failed.kind !== 'call') return told
  const { predicate, args } = literals.failed
  const states = solutionsOf(judge, alternative, alternative.starts, literals.held)
  if (states === null) return told
  const goals = states.map((state): Goal => ({ predicate, pattern: patternOf(state, args) }))
  return [...new Map(goals.map((goal) => [patternKey(goal.pattern), goal])).values()]
}

/** Attempts stand in the order of the alternatives, and two of these may look alike. */
const alternativeTold = ({ alternatives, verdicts }: Level, attempt: Attempt): Alternative | undefined => {
  const right = (other: Attempt): Alternative[] =>
    alternatives.filter((_, index) => verdicts.get(other)?.[index] === 'right').toSorted((a, b) => Number(b.open) - Number(a.open))
  const taken = new Set<Alternative>()
  for (const other of verdicts.keys()) {
    const found = right(other).find((alternative) => !taken.has(alternative))
    if (other === attempt) return found ?? right(other)[0]
    if (found) taken.add(found)
  }
  return undefined
}

/** What could have given one of the goals: the head fits, and so do types and written values, whatever the facts are. */
const alternativesOf = (judge: RuleJudge, goals: readonly Goal[]): Alternative[] => {
  const found = new Map<Disjunct, Alternative>()
  for (const goal of goals) {
    for (const rule of judge.program.rulesOf(goal.predicate, goal.pattern.length)) {
      for (const disjunct of rule.disjuncts) {
        const starts = startsOf(judge, rule, disjunct, goal.pattern)
        if (starts.length === 0) continue
        const before = found.get(disjunct) ?? { rule, disjunct, goals: [], starts: [], open: false }
        const open = before.open || isOpen(judge, rule, disjunct, goal.pattern)
        found.set(disjunct, { ...before, goals: [...before.goals, goal], starts: [...before.starts, ...starts], open })
      }
    }
  }
  return [...found.values()]
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

/** Whether the attempt is about this alternative; what it says to hold can hold together for its atom, but for no goal with the condition that is said to fail; and no condition that fails is tried before. */
const verdict = (judge: RuleJudge, alternative: Alternative, attempt: Attempt): Verdict => {
  const { rule, disjunct } = alternative
  if (shown(attempt.source) !== placeOf(judge, rule.span)) return 'another rule'
  const told = toldLiterals(judge, disjunct, attempt)
  const own = startsOf(judge, rule, disjunct, goalOf(attempt.atom).pattern)
  if (told === null || own.length === 0) return 'another rule'
  const held = solutionsOf(judge, alternative, own, told.held)
  const states = held?.filter((state) => isToldOf(state, told.failed, attempt)) ?? null
  const all = solutionsOf(judge, alternative, alternative.starts, [...told.held, told.failed])
  if (states === null || all === null) return 'refused'
  if (states.length === 0) return 'not held'
  if (all.length > 0) return 'not failed'
  if (!judge.whole.has(rule)) return 'right'
  const left = disjunct.literals.filter((literal) => !told.held.includes(literal))
  const sooner = triedBefore({ ...judge, scope: scopeIn(alternative), states }, left, told.failed)
  return sooner.some((literal) => solutionsOf(judge, alternative, own, [...told.held, literal])?.length === 0) ? 'not first' : 'right'
}

/** Whether the condition that is told of is the one that fails there: its values say so. */
const isToldOf = (state: Bindings, literal: CoreLiteral, { failed }: Attempt): boolean =>
  failed.kind !== 'call' || (literal.kind === 'call' && isAbout(failed.atom, { ...literal, pattern: patternOf(state, literal.args) }))

/** The ways for some conditions of an alternative to hold; null where the oracle cannot enumerate them. */
const solutionsOf = (
  judge: RuleJudge,
  alternative: Alternative,
  starts: readonly Bindings[],
  literals: readonly CoreLiteral[],
): Bindings[] | null => {
  const settled = alternative.disjunct.literals.filter(({ kind }) => kind === 'matches' || kind === 'equal' || kind === 'in')
  const body = { literals: [...settled, ...literals] }
  const scope = scopeIn(alternative)
  if (starts.some((start) => judge.refusals.refusedBody(start, body, scope, () => undefined))) return null
  return starts.flatMap((start) => judge.evaluator.solve(start, body, scope))
}

const scopeIn = ({ rule, disjunct }: Alternative): ReadonlySet<string> => scopeOf(new Set(variablesOf(rule.params)), disjunct)

/** The conditions of the rule that an attempt tells of; null when one of them is none of the rule's. */
const toldLiterals = (
  judge: RuleJudge,
  { literals }: Disjunct,
  { held, failed }: Attempt,
): { held: CoreLiteral[]; failed: CoreLiteral } | null => {
  const left = [...literals]
  const take = (condition: Condition | FailedCondition): CoreLiteral | null => {
    const index = left.findIndex((literal) => literalKey(judge, literal) === conditionKey(condition) && isWritten(literal, condition))
    return index === -1 ? null : (left.splice(index, 1)[0] ?? null)
  }
  const found = held.map(take)
  const last = take(failed)
  return last === null || found.includes(null) ? null : { held: found.filter((literal) => literal !== null), failed: last }
}

const literalKey = (judge: RuleJudge, literal: CoreLiteral): string => {
  const kind = literal.kind === 'call' ? `call ${literal.predicate}` : literal.kind === 'not' ? 'not' : 'test'
  return `${kind} ${placeOf(judge, literal.span)}`
}

/** Shorthand makes several calls of one place, with other names. */
const isWritten = (literal: CoreLiteral, condition: Condition | FailedCondition): boolean => {
  if (literal.kind !== 'call' || condition.kind !== 'call') return true
  const { args } = 'proof' in condition ? condition.proof.atom : condition.atom
  return literal.args.every((arg, index) => arg.kind !== 'value' || arg.value.id === args[index]?.id)
}

const conditionKey = (condition: Condition | FailedCondition): string => {
  const place = shown(condition.source)
  if (condition.kind === 'test') return `test ${place}`
  if (condition.kind !== 'call') return `not ${place}`
  return `call ${'proof' in condition ? condition.proof.atom.predicate : condition.atom.predicate} ${place}`
}

const placeOf = ({ policy }: RuleJudge, span: Span): string => shown(sourceOf(policy.files, span))

const shown = (source: RuleSource | null): string => (source === null ? 'nowhere' : `${source.file}:${source.line}:${source.column}`)

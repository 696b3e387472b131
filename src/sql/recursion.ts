/** Finds which relations of a plan are recursive, and how each group of them can be evaluated. */
import { at, known, unreachable } from '../base/assert.ts'
import { components } from '../base/graph.ts'
import { stepsEstimate } from '../ir/order.ts'
import type { PlannedRule, Relation, Step } from '../ir/relation.ts'
import { type Term, variableIds } from '../ir/terms.ts'

/** One relation with one output pattern. */
export interface Member {
  readonly relation: Relation
  readonly pattern: string
}

export type CallStep = Step & { kind: 'call' }

/** A rule of a recursive group: `call` is its one call back into the group, or null for a base rule. `joined`: into a recursion that was made part of it. */
export interface GroupRule {
  readonly member: number
  readonly rule: PlannedRule
  readonly call: { readonly step: CallStep; readonly member: number; readonly joined: boolean } | null
}

/** `demand`: the call's answers are the rule's, so only the arguments asked for are followed.
 * `answers`: the arguments never change, so answers are extended. `general`: neither; evaluated by rounds over temporary tables. */
export interface Group {
  readonly members: readonly Member[]
  readonly rules: readonly GroupRule[]
  readonly kind: 'demand' | 'answers' | 'general'
  /** Per member and input: the input of member 0 it always equals, or null when it changes on the way. */
  readonly origins: readonly (readonly (number | null)[])[]
}

const memberKeys = new WeakMap<Relation, number>()
let nextRelation = 0

export const memberKey = (member: Member): string => {
  let id = memberKeys.get(member.relation)
  if (id === undefined) {
    id = nextRelation
    nextRelation += 1
    memberKeys.set(member.relation, id)
  }
  return `${id}:${member.pattern}`
}

/** Where the rules of a member come from: as planned, or simplified. */
export interface RuleSource {
  rules(member: Member): readonly PlannedRule[]
}

export const rulesOf = (member: Member): readonly PlannedRule[] => member.relation.variants.get(member.pattern)?.rules ?? []

/** Calls of a body at its top level, then inside its negations. */
export const callsOf = (steps: readonly Step[]): { positive: CallStep[]; negative: CallStep[] } => {
  const positive: CallStep[] = []
  const negative: CallStep[] = []
  for (const step of steps) {
    if (step.kind === 'call') positive.push(step)
    if (step.kind !== 'not') continue
    for (const inner of step.bodies) {
      const calls = callsOf(inner)
      negative.push(...calls.positive, ...calls.negative)
    }
  }
  return { positive, negative }
}

/** What a call reads. */
export const memberOf = (step: CallStep): Member => ({ relation: step.relation, pattern: step.pattern })

/** Tells which members are recursive: by member key, the keys of their whole group. */
export class RecursionFinder {
  readonly #groupOf = new Map<string, ReadonlySet<string>>()
  readonly #done = new Set<string>()
  readonly #reaching = new Set<string>()
  /** By member key: whether its own recursion grows fast. */
  readonly fanOuts = new Map<string, boolean>()

  /** Keys of the group a member belongs to, or null when it is not recursive. */
  groupKeys(member: Member): ReadonlySet<string> | null {
    this.#explore(member)
    return this.#groupOf.get(memberKey(member)) ?? null
  }

  /** Whether a member is recursive or calls, however indirectly, one that is. */
  reachesRecursion(member: Member): boolean {
    this.#explore(member)
    return this.#reaching.has(memberKey(member))
  }

  /** Components arrive after those they call, so what they reach is known by then. */
  #explore(member: Member): void {
    for (const component of components([member], { key: memberKey, next: calledBy }, this.#done)) {
      const keys = new Set(component.map(memberKey))
      const called = component.flatMap(calledBy).map(memberKey)
      const isRecursive = called.some((key) => keys.has(key))
      if (isRecursive) for (const key of keys) this.#groupOf.set(key, keys)
      if (isRecursive || called.some((key) => this.#reaching.has(key))) for (const key of keys) this.#reaching.add(key)
    }
  }
}

const calledBy = (member: Member): Member[] =>
  rulesOf(member).flatMap((rule) => {
    const calls = callsOf(rule.steps)
    return [...calls.positive, ...calls.negative].map(memberOf)
  })

/** The recursive group as seen from one of its members, which becomes member 0.
 * Other recursive relations that its rules end in join the group where they fit: nested recursions would multiply, in one they add up. */
export const groupFrom = (target: Member, finder: RecursionFinder, source: RuleSource = { rules: rulesOf }): Group => {
  const keys = known(finder.groupKeys(target), 'recursive')
  const collect = (joins: (rule: PlannedRule) => CallStep | null): Group => collectGroup(target, { keys, joins, source })
  const alone = collect(() => null)
  if (alone.kind === 'general') return alone
  const fits = (rule: PlannedRule, step: CallStep): boolean =>
    finder.reachesRecursion(memberOf(step)) && (alone.kind === 'answers' || (passesThrough(rule, step) && !fansOut(memberOf(step), finder)))
  const joins = (rule: PlannedRule): CallStep | null => callsOf(rule.steps).positive.findLast((step) => fits(rule, step)) ?? null
  const joined = collect(joins)
  return joined.kind === alone.kind ? joined : alone
}

/** Growth per round above which a recursion is left alone, so that it can be turned round (see `cheaperClosure` in emit.ts). */
export const FAN_OUT = 1.5

const fansOut = (member: Member, finder: RecursionFinder): boolean => {
  const key = memberKey(member)
  const found = finder.fanOuts.get(key) ?? growsFast(member, finder)
  finder.fanOuts.set(key, found)
  return found
}

const growsFast = (member: Member, finder: RecursionFinder): boolean => {
  const keys = finder.groupKeys(member)
  return keys !== null && groupGrowth(collectGroup(member, { keys, joins: () => null, source: { rules: rulesOf } })) > FAN_OUT
}

/** `joins` picks a call out of the group that is followed like one into it. */
const collectGroup = (
  target: Member,
  how: { readonly keys: ReadonlySet<string>; readonly joins: (rule: PlannedRule) => CallStep | null; readonly source: RuleSource },
): Group => {
  const members: Member[] = [target]
  const numbers = new Map([[memberKey(target), 0]])
  const rules: GroupRule[] = []
  let general = false
  const number = (member: Member): number => {
    const key = memberKey(member)
    const found = numbers.get(key) ?? members.push(member) - 1
    numbers.set(key, found)
    return found
  }
  for (let index = 0; index < members.length; index += 1) {
    for (const rule of how.source.rules(at(members, index))) {
      const inside = callsOf(rule.steps).positive.filter(
        (step) => how.keys.has(memberKey(memberOf(step))) || numbers.has(memberKey(memberOf(step))),
      )
      if (inside.length > 1) general = true
      const step = inside[0] ?? how.joins(rule)
      rules.push({
        member: index,
        rule,
        call: step ? { step, member: number(memberOf(step)), joined: !how.keys.has(memberKey(memberOf(step))) } : null,
      })
    }
  }
  const origins = inputOrigins(members, rules)
  return { members, rules, origins, kind: general ? 'general' : groupKind(rules, origins) }
}

const groupKind = (rules: readonly GroupRule[], origins: Group['origins']): Group['kind'] => {
  const recursive = rules.flatMap((rule) => (rule.call ? [{ rule: rule.rule, step: rule.call.step }] : []))
  if (recursive.every(({ rule, step }) => passesThrough(rule, step))) return 'demand'
  return origins.every((origin) => origin.every((input) => input !== null)) ? 'answers' : 'general'
}

/** The call's outputs are the rule's outputs, in order, and nothing else looks at them. */
const passesThrough = (rule: PlannedRule, call: CallStep): boolean => {
  if (call.outputs.length !== rule.outputs.length) return false
  const ids = call.outputs.map((term) => (term.kind === 'variable' ? term.id : null))
  if (new Set(ids).size !== ids.length) return false
  const others = new Set([
    ...rule.steps.filter((step) => step !== call).flatMap(stepVariables),
    ...rule.inputs.flatMap(variableIds),
    ...call.inputs.flatMap(variableIds),
  ])
  return ids.every((id, index) => {
    const output = at(rule.outputs, index)
    return id !== null && output.kind === 'variable' && output.id === id && !others.has(id)
  })
}

/** Follows each input of the group back to member 0: least fixpoint of "always equals that input". */
const inputOrigins = (members: readonly Member[], rules: readonly GroupRule[]): (number | null)[][] => {
  const origins: ((number | null)[] | undefined)[] = members.map(() => undefined)
  origins[0] = inputPositions(at(members, 0)).map((_, index) => index)
  for (let changed = true; changed; ) {
    changed = false
    for (const { member, rule, call } of rules) {
      const from = origins[member]
      if (!call || !from) continue
      const passed = call.step.inputs.map((term) => originOf(term, rule, from))
      const before = origins[call.member]
      const after = before ? before.map((origin, index) => (origin === passed[index] ? origin : null)) : passed
      if (before && after.every((origin, index) => origin === before[index])) continue
      origins[call.member] = after
      changed = true
    }
  }
  return origins.map((origin) => known(origin, 'reached member'))
}

const inputPositions = (member: Member): number[] => member.relation.modes.flatMap((mode, index) => (mode === 'in' ? [index] : []))

const originOf = (term: Term, rule: PlannedRule, origins: readonly (number | null)[]): number | null => {
  if (term.kind !== 'variable') return null
  const index = rule.inputs.findIndex((input) => input.kind === 'variable' && input.id === term.id)
  return index < 0 ? null : (origins[index] ?? null)
}

/** Every variable a step mentions, those of its negations included. */
export const stepVariables = (step: Step): readonly string[] => {
  switch (step.kind) {
    case 'fact':
      return step.args.flatMap(variableIds)
    case 'call':
      return [...step.inputs, ...step.outputs].flatMap(variableIds)
    case 'in':
      return variableIds(step.term)
    case 'not':
      return step.bodies.flat().flatMap(stepVariables)
    case 'equal':
    case 'unequal':
    case 'order':
      return [...variableIds(step.left), ...variableIds(step.right)]
    default:
      return unreachable(step)
  }
}

/** Steps of the recursion that the estimate looks ahead. */
const LOOK_AHEAD = 6

/** Rows that one row of the recursion itself leads to, estimated: by the member that leads to most. */
export const groupGrowth = (group: Group): number => {
  const growth = group.members.map(() => 0)
  for (const { member, rule, call } of group.rules) {
    if (!call || call.joined) continue
    const others = rule.steps.filter((step) => step !== call.step)
    growth[member] =
      at(growth, member) + stepsEstimate(others, group.kind === 'demand' ? rule.inputs : [...rule.inputs, ...call.step.outputs])
  }
  return Math.max(...growth)
}

/** Relative work of evaluating a group: rows it starts from, times how they grow round by round. */
export const groupWork = (group: Group): number => {
  const growth = groupGrowth(group)
  const start =
    group.kind === 'demand'
      ? 1
      : group.rules.reduce((sum, { rule, call }) => (call ? sum : sum + stepsEstimate(rule.steps, rule.inputs)), 0)
  let rows = start
  let work = start
  for (let round = 0; round < LOOK_AHEAD; round += 1) {
    rows *= growth
    work += rows
  }
  return work
}

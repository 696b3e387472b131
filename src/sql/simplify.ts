/** Simplifies planned rules before they are emitted: delegations are replaced by what they lead to, and rules that differ in one constant become one.
 * A chain of five roles is then one look-up of five names instead of five statements inside each other. */
import { assert, at, unreachable } from '../base/assert.ts'
import type { PlannedRule, Step } from '../ir/relation.ts'
import { stepTerms } from '../ir/step-terms.ts'
import { type FactArgument, type Term, valueKey, variableIds } from '../ir/terms.ts'
import { type CallStep, type Member, memberKey, memberOf, type RecursionFinder, rulesOf } from './recursion.ts'

/** Alternatives that a delegation may bring in. */
const MAX_RULES = 64
/** Constants in the lists of rules that may be brought in: longer lists would be copied again and again. */
const MAX_VALUES = 256
/** Delegations followed one after another; longer chains are left to the emitter's own bound. */
const MAX_CHAIN = 400

export class RuleSimplifier {
  readonly #finder: RecursionFinder
  readonly #done = new Map<string, readonly PlannedRule[]>()
  #depth = 0

  constructor(finder: RecursionFinder) {
    this.#finder = finder
  }

  rules(member: Member): readonly PlannedRule[] {
    const key = memberKey(member)
    let rules = this.#done.get(key)
    if (!rules) {
      if (this.#depth >= MAX_CHAIN) return rulesOf(member)
      this.#depth += 1
      // Set first, for a member that is met again on the way (it is recursive, and never inlined).
      this.#done.set(key, rulesOf(member))
      rules = mergeRules(rulesOf(member).flatMap((rule) => this.#simplify(rule)))
      this.#done.set(key, rules)
      this.#depth -= 1
    }
    return rules
  }

  #simplify(rule: PlannedRule): readonly PlannedRule[] {
    const [first, ...more] = rule.steps
    if (first?.kind === 'call' && more.length === 0) {
      const callee = this.#callee(first)
      if (callee && callee.length <= MAX_RULES) return callee.map((inner) => inlined(rule, 0, inner))
    }
    let result = rule
    for (let index = 0; index < result.steps.length; index += 1) {
      const step = at(result.steps, index)
      if (step.kind !== 'call') continue
      const only = this.#callee(step)
      const inner = only?.[0]
      if (!inner || only.length > 1 || (step.outputs.length === 0 && addsVariables(inner))) continue
      result = inlined(result, index, inner)
      index += inner.steps.length - 1
    }
    return [result]
  }

  /** The simplified rules of a call that may be inlined; null for a recursive one, and for what was split off on purpose. */
  #callee(step: CallStep): readonly PlannedRule[] | null {
    const member = memberOf(step)
    if (step.relation.isRest || this.#finder.groupKeys(member)) return null
    const rules = this.rules(member)
    return listedValues(rules) > MAX_VALUES ? null : rules
  }
}

const listedValues = (rules: readonly PlannedRule[]): number => {
  let count = 0
  for (const rule of rules)
    for (const step of rule.steps)
      if (step.kind === 'fact') for (const term of step.args) if (term.kind === 'list') count += term.values.length
  return count
}

/** Whether a check would multiply its caller's rows when joined instead of tested. */
const addsVariables = (rule: PlannedRule): boolean => {
  const bound = new Set(rule.inputs.flatMap(variableIds))
  return rule.steps.some(
    (step) =>
      (step.kind === 'fact' || step.kind === 'call') &&
      stepTerms(step)
        .flatMap(variableIds)
        .some((id) => !bound.has(id)),
  )
}

let inlines = 0

/** The rule with its call at `index` replaced by the steps of one rule of the callee. */
const inlined = (rule: PlannedRule, index: number, callee: PlannedRule): PlannedRule => {
  const call = at(rule.steps, index)
  assert(call.kind === 'call', 'a call is inlined')
  inlines += 1
  const suffix = `~${inlines}`
  const inner = new Map<string, Term>()
  const before: Step[] = []
  for (const [position, term] of callee.inputs.entries()) {
    const given = at(call.inputs, position)
    if (term.kind === 'variable' && !inner.has(term.id)) inner.set(term.id, given)
    else before.push({ kind: 'equal', left: given, right: term.kind === 'variable' ? (inner.get(term.id) ?? term) : term })
  }
  const rename = (term: Term): Term =>
    term.kind === 'variable' ? (inner.get(term.id) ?? { kind: 'variable', id: `${term.id}${suffix}` }) : term
  const bound = new Set([...rule.inputs, ...rule.steps.slice(0, index).flatMap(stepTerms)].flatMap(variableIds))
  const outer = new Map<string, Term>()
  const after: Step[] = []
  for (const [position, term] of callee.outputs.entries()) {
    const wanted = at(call.outputs, position)
    const found = rename(term)
    if (wanted.kind === 'variable' && !bound.has(wanted.id) && !outer.has(wanted.id)) outer.set(wanted.id, found)
    else after.push({ kind: 'equal', left: wanted.kind === 'variable' ? (outer.get(wanted.id) ?? wanted) : wanted, right: found })
  }
  const replace = (term: Term): Term => (term.kind === 'variable' ? (outer.get(term.id) ?? term) : term)
  return {
    inputs: rule.inputs,
    outputs: rule.outputs.map(replace),
    steps: [
      ...rule.steps.slice(0, index),
      ...before,
      ...callee.steps.map((step) => mapStep(step, rename)),
      ...after,
      ...rule.steps.slice(index + 1).map((step) => mapStep(step, replace)),
    ],
    rows: callee.rows,
    cost: callee.cost,
  }
}

const mapStep = (step: Step, change: (term: Term) => Term): Step => {
  switch (step.kind) {
    case 'fact':
      return { ...step, args: step.args.map((term) => (term.kind === 'list' ? term : change(term))) }
    case 'call':
      return { ...step, inputs: step.inputs.map(change), outputs: step.outputs.map(change) }
    case 'in':
      return { ...step, term: change(step.term) }
    case 'equal':
    case 'unequal':
      return { ...step, left: change(step.left), right: change(step.right) }
    case 'order':
      return { ...step, left: change(step.left), right: change(step.right) }
    case 'not':
      return { ...step, bodies: step.bodies.map((body) => body.map((inner) => mapStep(inner, change))) }
    default:
      return unreachable(step)
  }
}

/** Drops repeated rules and merges those that differ in one constant of one fact. */
const mergeRules = (rules: readonly PlannedRule[]): PlannedRule[] => {
  let merged = distinct(rules)
  for (let changed = merged.length > 1; changed; ) {
    const next = mergeOnce(merged)
    changed = next.length < merged.length
    merged = next
  }
  return merged
}

const distinct = (rules: readonly PlannedRule[]): PlannedRule[] => [...new Map(rules.map((rule) => [ruleText(rule, null), rule])).values()]

interface Hole {
  readonly step: number
  readonly argument: number
}

/** One pass: every rule is merged at most once, with all that are like it but for the constant in one hole. */
const mergeOnce = (rules: readonly PlannedRule[]): PlannedRule[] => {
  const alike = new Map<string, { readonly index: number; readonly hole: Hole }[]>()
  for (const [index, rule] of rules.entries()) {
    for (const hole of holes(rule)) {
      const text = ruleText(rule, hole)
      const list = alike.get(text)
      if (list) list.push({ index, hole })
      else alike.set(text, [{ index, hole }])
    }
  }
  const result: (PlannedRule | null)[] = [...rules]
  const used = new Set<number>()
  for (const list of alike.values()) {
    const [first, ...others] = list.filter(({ index }) => !used.has(index))
    if (!first || others.length === 0) continue
    const values = [first, ...others].flatMap(({ index, hole }) => valuesAt(at(rules, index), hole))
    for (const { index } of [first, ...others]) {
      used.add(index)
      result[index] = null
    }
    result[first.index] = withValues(at(rules, first.index), first.hole, values)
  }
  return result.filter((rule) => rule !== null)
}

/** Constants, and lists of them, among the arguments of facts. */
const holes = (rule: PlannedRule): Hole[] =>
  rule.steps.flatMap((step, index) =>
    step.kind === 'fact'
      ? step.args.flatMap((term, argument) => (term.kind === 'constant' || term.kind === 'list' ? [{ step: index, argument }] : []))
      : [],
  )

const valuesAt = (rule: PlannedRule, hole: Hole): readonly Term[] => {
  const step = at(rule.steps, hole.step)
  assert(step.kind === 'fact', 'a hole is in a fact')
  const term = at(step.args, hole.argument)
  return term.kind === 'list' ? term.values.map((value): Term => ({ kind: 'constant', value })) : [term]
}

const withValues = (rule: PlannedRule, hole: Hole, terms: readonly Term[]): PlannedRule => {
  const values = [
    ...new Map(terms.flatMap((term) => (term.kind === 'constant' ? [[valueKey(term.value), term.value] as const] : []))).values(),
  ]
  const steps = rule.steps.map((step, index): Step => {
    if (index !== hole.step || step.kind !== 'fact') return step
    return {
      ...step,
      args: step.args.map((term, argument): FactArgument => (argument === hole.argument ? { kind: 'list', values } : term)),
    }
  })
  return { ...rule, steps }
}

/** A rule's text with its variables numbered by appearance: equal texts mean equal rules. The hole's constant is left out. */
const ruleText = (rule: PlannedRule, hole: Hole | null): string => {
  const numbers = new Map<string, number>()
  const text = (term: FactArgument): unknown => {
    if (term.kind !== 'variable') return term.kind === 'constant' ? valueKey(term.value) : term
    if (!numbers.has(term.id)) numbers.set(term.id, numbers.size)
    return numbers.get(term.id)
  }
  const steps = rule.steps.map((step, index) => stepText(step, text, hole?.step === index ? hole.argument : -1))
  return JSON.stringify([rule.inputs.map(text), steps, rule.outputs.map(text)])
}

const stepText = (step: Step, text: (term: FactArgument) => unknown, hole: number): unknown => {
  switch (step.kind) {
    case 'fact':
      return ['fact', step.shape.origin, step.args.map((term, index) => (index === hole ? '…' : text(term)))]
    case 'call':
      return ['call', memberKey(step), step.inputs.map(text), step.outputs.map(text)]
    case 'in':
      return ['in', text(step.term), step.values]
    case 'equal':
    case 'unequal':
      return [step.kind, text(step.left), text(step.right)]
    case 'order':
      return [step.operator, text(step.left), text(step.right)]
    case 'not':
      return ['not', step.bodies.map((body) => body.map((inner) => stepText(inner, text, -1)))]
    default:
      return unreachable(step)
  }
}

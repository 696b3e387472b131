/** Splits long rules: SQLite joins at most 64 tables, so what follows the first conditions of a rule becomes a relation of its own, which is never made part of its caller. */
import { type PlannedRule, patternKey, Relation, type Step } from './relation.ts'
import { stepTerms } from './step-terms.ts'
import { type Term, variable, variableIds } from './terms.ts'

/** Conditions of one rule that read rows; with those of the relations that are made part of it, a join stays far below the bound. */
const MAX_READS = 30

export const splitLong = (rule: PlannedRule, predicate: string): PlannedRule => {
  const end = endOfReads(rule.steps)
  if (end === rule.steps.length) return rule
  const before = rule.steps.slice(0, end)
  const after = rule.steps.slice(end)
  const bound = new Set([...rule.inputs, ...before.flatMap(stepTerms)].flatMap(variableIds))
  const inputs = distinct(
    after
      .flatMap(stepTerms)
      .flatMap(variableIds)
      .filter((id) => bound.has(id)),
  )
  const outputs = distinct(rule.outputs.flatMap(variableIds).filter((id) => !bound.has(id)))
  const rest = splitLong({ ...rule, inputs, outputs, steps: after }, predicate)
  return { ...rule, steps: [...before, callOf(rest, predicate)] }
}

/** After the last step that still belongs to the rule itself: filters stay with what they follow. */
const endOfReads = (steps: readonly Step[]): number => {
  let reads = 0
  const end = steps.findIndex((step) => {
    if (step.kind === 'fact' || step.kind === 'call') reads += 1
    return reads > MAX_READS
  })
  return end < 0 ? steps.length : end
}

const callOf = (rule: PlannedRule, predicate: string): Step => {
  const { inputs, outputs, rows, cost } = rule
  const relation = new Relation(predicate, [], [...inputs.map(() => 'in' as const), ...outputs.map(() => 'out' as const)])
  const pattern = outputs.map(() => null)
  relation.isRest = true
  relation.rows = outputs.length === 0 ? Math.min(rows, 0.9) : rows
  relation.cost = cost
  relation.variants.set(patternKey(pattern), { pattern, rules: [rule] })
  return { kind: 'call', relation, pattern: patternKey(pattern), inputs, outputs }
}

const distinct = (ids: readonly string[]): Term[] => [...new Set(ids)].map(variable)

/** Which further indexes a policy needs: derived from the shapes of its questions, never from a read. */
import { at } from '../base/assert.ts'
import type { CheckedPolicy, FactSignature } from '../check/core.ts'
import { TooComplex } from '../ir/budget.ts'
import { decompose } from '../ir/decompose.ts'
import { type FactShape, factSource } from '../ir/fact-source.ts'
import { Planner } from '../ir/plan.ts'
import type { Mode, Relation, Step } from '../ir/relation.ts'
import { indexRules, Specialiser } from '../ir/specialise.ts'
import type { PositionClass } from '../ir/terms.ts'
import { tableName } from '../sql/naming.ts'
import type { Signature } from '../store/facts.ts'

export interface NeededIndex {
  readonly signature: Signature
  /** Column order, 0-based. */
  readonly columns: readonly number[]
}

/** Pairs of actor and resource types that are looked at; a policy with more has its commonest shapes among them. */
const MAX_PAIRS = 200
/** Tables of one signature whose positions take many types. */
const MAX_TABLES = 500

/** Tables are searchable from both ends; an index is needed where a question knows only what stands in between. */
export const neededIndexes = (policy: CheckedPolicy): NeededIndex[] => {
  const shapes = policy.signatures.filter(({ positions }) => positions.length > 2).flatMap(concreteShapes)
  // The three conventional predicates are searched by who and by what: both ends.
  if (shapes.every(({ predicate }) => conventional.has(predicate))) return []
  const all = [...shapes, ...policy.signatures.filter(({ positions }) => positions.length <= 2).flatMap(concreteShapes)]
  const found = new Map<string, NeededIndex>()
  try {
    const planner = new Planner(
      new Specialiser(indexRules(decompose(policy.rules, policy.concreteTypes)), factSource(all), policy.concreteTypes),
      { shortcuts: true },
    )
    const seen = new Set<Relation>()
    for (const { classes, modes } of typicalShapes(policy)) visitRelation(planner.plan('allow', classes, modes), seen, found)
  } catch (error) {
    // A policy too complex to plan at once goes without: its questions are answered by the slower plan.
    if (!(error instanceof TooComplex)) throw error
  }
  return [...found.values()]
}

const conventional = new Set(['has_role', 'has_permission', 'has_relation'])

interface AllowShape {
  readonly classes: readonly PositionClass[]
  readonly modes: readonly Mode[]
}

/** Authorize and actions ask from both ends, list from the actor, subjects from the resource. */
const typicalShapes = (policy: CheckedPolicy): AllowShape[] => {
  const actors = policy.concreteTypes.get('Actor') ?? []
  const resources = Object.keys(policy.metadata).filter((type) => type !== 'global')
  const pairs = actors.flatMap((actor) => resources.map((resource) => [actor, resource] as const)).slice(0, MAX_PAIRS)
  return pairs.flatMap(([actor, resource]) => {
    const classes = [actor, 'String', resource].map((type): PositionClass => ({ kind: 'typed', type, other: false }))
    return SHAPES.map((modes) => ({ classes, modes }))
  })
}

const SHAPES: readonly (readonly Mode[])[] = [
  ['in', 'out', 'in'],
  ['in', 'out', 'out'],
  ['out', 'out', 'in'],
]

const concreteShapes = (signature: FactSignature): FactShape[] => {
  let tuples: string[][] = [[]]
  for (const { types } of signature.positions)
    tuples = tuples.flatMap((tuple) => (types ?? []).slice(0, MAX_TABLES).map((type) => [...tuple, type])).slice(0, MAX_TABLES)
  return tuples.map((types) => ({
    predicate: signature.predicate,
    types: types.map((type) => [type]),
    names: types.map(() => null),
    origin: { kind: 'table', table: tableName({ predicate: signature.predicate, types }) },
    rows: 100_000,
    distinct: types.map(() => 1000),
    orders: [types.map((_, index) => index), types.map((_, index) => types.length - 1 - index)],
  }))
}

const visitRelation = (relation: Relation, seen: Set<Relation>, found: Map<string, NeededIndex>): void => {
  if (seen.has(relation)) return
  seen.add(relation)
  for (const variant of relation.variants.values()) {
    for (const rule of variant.rules) {
      const bound = new Set(rule.inputs.flatMap((term) => (term.kind === 'variable' ? [term.id] : [])))
      visitSteps(rule.steps, bound, seen, found)
    }
  }
}

const visitSteps = (steps: readonly Step[], bound: Set<string>, seen: Set<Relation>, found: Map<string, NeededIndex>): void => {
  for (const step of steps) {
    if (step.kind === 'not') for (const body of step.bodies) visitSteps(body, new Set(bound), seen, found)
    if (step.kind === 'call') {
      visitRelation(step.relation, seen, found)
      for (const term of step.outputs) if (term.kind === 'variable') bound.add(term.id)
    }
    if (step.kind === 'in' && step.term.kind === 'variable') bound.add(step.term.id)
    if (step.kind !== 'fact') continue
    const columns = step.args.flatMap((term, index) => (term.kind !== 'variable' || bound.has(term.id) ? [index] : []))
    const last = step.args.length - 1
    if (columns.length > 0 && !columns.includes(0) && !columns.includes(last)) {
      const order = [...columns, ...step.args.map((_, index) => index).filter((index) => !columns.includes(index))]
      const signature = { predicate: step.shape.predicate, types: step.shape.types.map((types) => at(types ?? [], 0)) }
      found.set(JSON.stringify([signature, order]), { signature, columns: order })
    }
    for (const term of step.args) if (term.kind === 'variable') bound.add(term.id)
  }
}

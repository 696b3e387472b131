/** The typed rules that an explanation goes through, and which calls can be answered for which given arguments. */
import type { Fact, Value } from '../base/value.ts'
import type { CheckedPolicy, FactSignature } from '../check/core.ts'
import { acceptsTypes } from '../check/signatures.ts'
import type { PlanBudget } from '../ir/budget.ts'
import { decompose } from '../ir/decompose.ts'
import { type FactShape, factSource } from '../ir/fact-source.ts'
import type { Instance } from '../ir/instance.ts'
import { Planner } from '../ir/plan.ts'
import type { Mode } from '../ir/relation.ts'
import { indexRules, type RuleIndex, Specialiser } from '../ir/specialise.ts'
import type { PositionClass } from '../ir/terms.ts'
import type { Store } from '../store/facts.ts'
import type { Pattern } from './explain-terms.ts'
import { contextShapes, tableShapes } from './shapes.ts'

export class ExplainProgram {
  readonly #specialiser: Specialiser
  readonly #planner: Planner
  readonly #shapes: ReturnType<typeof factSource>

  constructor(policy: CheckedPolicy, shapes: readonly FactShape[], budget: PlanBudget) {
    this.#shapes = factSource(shapes)
    this.#specialiser = new Specialiser(rulesOf(policy), this.#shapes, policy.concreteTypes, budget)
    this.#planner = new Planner(this.#specialiser, { shortcuts: false })
  }

  instances(predicate: string, classes: readonly PositionClass[]): readonly Instance[] {
    return this.#specialiser.instances(predicate, classes)
  }

  hasRules(predicate: string, length: number): boolean {
    return this.#specialiser.hasRules(predicate, length)
  }

  /** Whether facts with such arguments can be stored. */
  canStore(predicate: string, classes: readonly PositionClass[]): boolean {
    return this.#specialiser.shapes(predicate, classes).length > 0
  }

  /** Whether a call has no finite answer while these arguments are free. */
  isRefused(predicate: string, classes: readonly PositionClass[], pattern: Pattern): boolean {
    if (!this.hasRules(predicate, classes.length) || pattern.every(({ kind }) => kind === 'value')) return false
    const modes = classes.map((item, index): Mode => (item.kind === 'constant' ? 'fixed' : pattern[index]?.kind === 'value' ? 'in' : 'out'))
    return this.#planner.plan(predicate, classes, modes).refusal !== null
  }
}

const indexes = new WeakMap<CheckedPolicy, RuleIndex>()

const rulesOf = (policy: CheckedPolicy): RuleIndex => {
  const found = indexes.get(policy) ?? indexRules(decompose(policy.rules, policy.concreteTypes))
  indexes.set(policy, found)
  return found
}

/** Where facts stand now: enough for a proof. */
export const presentShapes = (store: Store, policy: CheckedPolicy, contextFacts: readonly Fact[]): FactShape[] => {
  const tables = store.tables().filter(({ signature }) => acceptsTypes(policy, signature))
  return [...tableShapes(tables), ...contextShapes(contextFacts)]
}

/** Where facts could stand: what is missing may be of a signature that has no fact yet. */
export const possibleShapes = (policy: CheckedPolicy, present: readonly FactShape[], asked: readonly Value[]): FactShape[] => {
  const types = new Set([...policy.concreteTypes.values()].flat())
  for (const { type } of asked) types.add(type)
  for (const shape of present) for (const item of shape.types) for (const type of item ?? []) types.add(type)
  const every = [...types].sort()
  // No table has names: what is stored under one would stand for all.
  return policy.signatures.map((signature) => signatureShape(signature, every))
}

const signatureShape = ({ predicate, positions }: FactSignature, every: readonly string[]): FactShape => ({
  predicate,
  types: positions.map((position) => position.types ?? every),
  names: positions.map((position) => position.name),
  origin: { kind: 'accepted' },
  rows: 1000,
  distinct: positions.map(() => 100),
  orders: [],
})

/** Plans a question: chooses modes, the order of conditions and the output patterns, from the bound arguments outwards. */
import { at, known } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import { TooComplex } from './budget.ts'
import type { Instance } from './instance.ts'
import { BodyPlanner, isRefusal, type PlannedBody, type RelationSource } from './order.ts'
import { type Mode, type Pattern, type PlannedRule, patternKey, type Refusal, Relation, relationKey, type Wildcard } from './relation.ts'
import { Shortcuts } from './shortcuts.ts'
import type { Specialiser } from './specialise.ts'
import { splitLong } from './split.ts'
import { type PositionClass, type Term, variable } from './terms.ts'

/** Relations planned one inside another before planning goes on from the queue instead: bounds the stack. */
const MAX_DEPTH = 60
/** Times one relation may be planned again; patterns only grow, so this is never reached by a sound program. */
const MAX_ROUNDS = 200

/** Rows guessed for a recursive call whose relation is still being planned. */
const RECURSION_ROWS = 4
const RECURSION_COST = 20

const NOTHING: ReadonlySet<Instance> = new Set()

export class Planner implements RelationSource {
  readonly #program: Specialiser
  readonly #relations = new Map<string, Relation>()
  readonly #queue = new Set<Relation>()
  readonly #rounds = new Map<Relation, number>()
  readonly #active: Relation[] = []
  /** Null where every rule is followed. */
  readonly #shortcuts: Shortcuts | null

  constructor(program: Specialiser, { shortcuts }: { readonly shortcuts: boolean }) {
    this.#program = program
    this.#shortcuts = shortcuts ? new Shortcuts(program) : null
  }

  /** The relation of a question, with everything it reaches planned to a fixpoint. */
  plan(predicate: string, classes: readonly PositionClass[], modes: readonly Mode[], leftOut: ReadonlySet<Instance> = NOTHING): Relation {
    const relation = this.relation(predicate, classes, modes, leftOut)
    for (const next of this.#queue) {
      this.#queue.delete(next)
      this.#planRules(next)
    }
    return relation
  }

  spend(amount: number): void {
    this.#program.spend(amount)
  }

  isStored(predicate: string, length: number): boolean {
    return !this.#program.hasRules(predicate, length)
  }

  /** The same relation with one given argument asked for instead. */
  widened(relation: Relation, position: number): Relation {
    const modes = relation.modes.map((mode, index): Mode => (index === position ? 'out' : mode))
    // What was split off has no rules that it could be planned from: nothing answers.
    return relation.isRest
      ? new Relation(relation.predicate, [], modes)
      : this.plan(relation.predicate, relation.classes, modes, relation.leftOut)
  }

  /** A relation to call from the one being planned; planned at once where the stack allows. */
  relation(
    predicate: string,
    classes: readonly PositionClass[],
    modes: readonly Mode[],
    leftOut: ReadonlySet<Instance> = NOTHING,
  ): Relation {
    const key = `${relationKey(predicate, classes, modes)}${this.#leftOutKey(predicate, classes, leftOut)}`
    let relation = this.#relations.get(key)
    if (!relation) {
      relation = new Relation(predicate, classes, modes, leftOut)
      relation.rows = modes.includes('out') ? RECURSION_ROWS : 0.5
      relation.cost = RECURSION_COST
      this.#relations.set(key, relation)
      if (this.#relations.size > limits.planRelations) throw new TooComplex(`more than ${limits.planRelations} relations are needed`)
      if (this.#active.length < MAX_DEPTH) this.#planRules(relation)
      else this.#queue.add(relation)
    }
    const start = this.#active.indexOf(relation)
    if (start >= 0) for (const between of this.#active.slice(start)) between.recursive = true
    const caller = this.#active.at(-1)
    if (caller) relation.dependents.add(caller)
    return relation
  }

  #leftOutKey(predicate: string, classes: readonly PositionClass[], leftOut: ReadonlySet<Instance>): string {
    if (leftOut.size === 0) return ''
    return this.#program
      .instances(predicate, classes)
      .map((instance) => (leftOut.has(instance) ? '-' : '+'))
      .join('')
  }

  #planRules(relation: Relation): void {
    const round = (this.#rounds.get(relation) ?? 0) + 1
    this.#rounds.set(relation, round)
    if (round > MAX_ROUNDS) throw new TooComplex(`planning of \`${relation.predicate}\` does not settle`)
    this.#active.push(relation)
    const found = [...this.#factRules(relation), ...this.#instanceRules(relation)]
    this.#active.pop()
    this.#store(relation, found)
  }

  #store(relation: Relation, found: readonly (FoundRule | Refusal)[]): void {
    const before = stateOf(relation)
    for (const variant of relation.variants.values()) variant.rules = []
    let rows = 0
    let cost = 1
    for (const item of found) {
      if (isRefusal(item)) {
        relation.refusal ??= item
        continue
      }
      const key = patternKey(item.pattern)
      const variant = relation.variants.get(key) ?? { pattern: item.pattern, rules: [] }
      relation.variants.set(key, variant)
      variant.rules.push(item.rule)
      rows += item.rule.rows
      cost += item.rule.cost
    }
    for (const variant of relation.variants.values()) variant.rules.sort((a, b) => a.cost - b.cost)
    const check = !relation.modes.includes('out')
    relation.rows = check ? Math.min(rows, 0.9) : rows
    relation.cost = cost
    if (stateOf(relation) === before) return
    // Whoever read the older state is planned again, those on the way included.
    for (const dependent of relation.dependents) this.#queue.add(dependent)
  }

  #factRules(relation: Relation): (FoundRule | Refusal)[] {
    return this.#program.shapes(relation.predicate, relation.classes).map((shape) => {
      const args = relation.classes.map(
        (item, index): Term => (item.kind === 'constant' ? { kind: 'constant', value: item.value } : variable(`c${index}`)),
      )
      const body = new BodyPlanner(this, relation.predicate).factBody(shape, args, boundBy(relation, args))
      return finish(relation, args, body)
    })
  }

  #instanceRules(relation: Relation): (FoundRule | Refusal)[] {
    const followed = this.#program.instances(relation.predicate, relation.classes).filter((instance) => !relation.leftOut.has(instance))
    return followed.flatMap((instance): (FoundRule | Refusal)[] => {
      const planner = new BodyPlanner(this, relation.predicate, this.#shortcuts?.leftOut(relation, instance))
      const bodies = planner.plan(instance.atoms, boundBy(relation, instance.head), instance.owned)
      // A refusal of a predicate that it calls names the rule there.
      if (isRefusal(bodies)) return [bodies.rule.file < 0 ? { ...bodies, rule: instance.rule.span } : bodies]
      return bodies.map((body) => {
        const { pattern, rule } = finish(relation, instance.head, body)
        return { pattern, rule: splitLong(rule, relation.predicate) }
      })
    })
  }
}

/** What callers depend on: the output patterns, whether the relation is refused, and whether its rows are a guess. A check has one pattern, the empty one. */
const stateOf = (relation: Relation): string =>
  JSON.stringify([[...relation.variants.keys()], relation.refusal !== null, relation.recursive])

interface FoundRule {
  readonly pattern: Pattern
  readonly rule: PlannedRule
}

/** Variables that have a value because the caller passes one. */
const boundBy = (relation: Relation, head: readonly Term[]): Set<string> =>
  new Set(head.flatMap((term, index) => (relation.modes[index] === 'in' && term.kind === 'variable' ? [term.id] : [])))

const finish = (relation: Relation, head: readonly Term[], body: PlannedBody): FoundRule => {
  const groups = new Map<string, number>()
  const pattern: (Wildcard | null)[] = []
  const inputs: Term[] = []
  const outputs: Term[] = []
  for (const [index, mode] of relation.modes.entries()) {
    const term = at(head, index)
    if (mode === 'in') inputs.push(term)
    if (mode !== 'out') continue
    const found = body.find(term)
    if (found.kind !== 'variable' || body.bound.has(found.id)) {
      pattern.push(null)
      outputs.push(found)
      continue
    }
    if (!groups.has(found.id)) groups.set(found.id, groups.size)
    pattern.push({ group: known(groups.get(found.id), 'group'), own: body.owned.has(found.id) })
  }
  return { pattern, rule: { inputs, outputs, steps: body.steps, rows: body.rows, cost: body.cost } }
}

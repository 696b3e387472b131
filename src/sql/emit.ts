/** Emits SQL for planned relations: alternatives become UNION ALL or OR of EXISTS, linear recursion a recursive CTE. */
import { assert, at, known, unreachable } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import type { Value } from '../base/value.ts'
import type { FactShape } from '../ir/fact-source.ts'
import { reachedRows } from '../ir/order.ts'
import type { PlannedRule, Relation, Step } from '../ir/relation.ts'
import type { FactArgument, Term } from '../ir/terms.ts'
import { SqlTooLarge } from './bounds.ts'
import { GroupEmitter } from './emit-group.ts'
import {
  anyExists,
  anyOf,
  emptyPartial,
  exists,
  extend,
  type Fragment,
  named,
  type Partial,
  renderSelect,
  type Scope,
  unionAll,
} from './fragment.ts'
import { columnName } from './naming.ts'
import type { Parameters } from './parameters.ts'
import { type CallStep, callsOf, type Group, type GroupRule, groupFrom, type Member, memberOf, RecursionFinder } from './recursion.ts'
import { type PartCalls, PartFinder, type RememberedParts } from './remembered.ts'
import { RuleSimplifier } from './simplify.ts'

/** Alternatives that are multiplied into the caller's join; more go through one lateral subquery. */
const MAX_ALTERNATIVES = 24

/** Tables of a join up to which a call is made part of it: SQLite takes 64, and a rule may go on for 30 conditions. */
const MAX_TABLES = 32

/** Calls one inside another in one statement: SQLite's own limit on nested expressions is near. */
const MAX_DEPTH = 40

/** Names compared one by one rather than looked up. */
const SHORT_LIST = 16

/** Reads a member from a table instead of its rules. */
export type CallOverride = (
  step: CallStep,
  alias: () => string,
) => { readonly name: string; readonly from: string; readonly inputs: readonly string[]; readonly outputs: readonly string[] } | null

/** The column that tells when a row was added to a table. */
export const ROUND = 'rnd'

/** What one semi-naive step of a rule reads and yields. */
export interface Increment {
  /** The table of arguments asked for, and its columns in the order of the rule's inputs. */
  readonly table: string
  readonly columns: readonly string[]
  readonly steps: readonly Step[]
  readonly outputs: readonly Term[]
  /** The call whose new answers are read; null: the new arguments. */
  readonly delta: CallStep | null
  /** Placeholder of the last round that was seen. */
  readonly since: string
}

export interface EmitterOptions {
  readonly parameters: Parameters
  readonly override?: CallOverride
  /** Counts work; throws when there was too much. */
  readonly spend?: (amount: number) => void
  /** The same relation with one given argument asked for instead. */
  readonly widened?: (relation: Relation, position: number) => Relation
  /** Where parts of the check are collected that its subject decides alone; without it there are none. */
  readonly remembered?: RememberedParts
}

export class Emitter {
  readonly parameters: Parameters
  readonly #finder = new RecursionFinder()
  readonly #simplifier = new RuleSimplifier(this.#finder)
  readonly #override: CallOverride | null
  readonly #groups: GroupEmitter
  readonly #spend: (amount: number) => void
  readonly #group: (member: Member) => Group | null
  #parts: PartFinder | null
  #aliases = 0
  #depth = 0
  #fragments = 0

  constructor(options: EmitterOptions) {
    this.parameters = options.parameters
    this.#override = options.override ?? null
    this.#spend = options.spend ?? (() => {})
    const group = (member: Member): Group | null =>
      this.#finder.groupKeys(member) ? groupFrom(member, this.#finder, this.#simplifier) : null
    const widened = options.widened ?? null
    this.#groups = new GroupEmitter(this, { group, widened })
    this.#group = group
    const fork = (parameters: Parameters): Emitter => new Emitter({ parameters, spend: this.#spend, ...(widened && { widened }) })
    this.#parts = options.remembered ? new PartFinder(options.remembered, this.parameters, { group, widened, fork }) : null
  }

  alias(prefix: string): string {
    this.#aliases += 1
    return `${prefix}${this.#aliases}`
  }

  /** SELECTs that together yield the member's rows for these inputs. */
  member(member: Member, inputs: readonly string[]): Fragment[] {
    if (this.#depth > MAX_DEPTH) throw new SqlTooLarge(`calls are nested more than ${MAX_DEPTH} deep`)
    this.#depth += 1
    try {
      const group = this.#group(member)
      if (group) return this.#groups.fragments(group, inputs)
      return this.#simplifier.rules(member).flatMap((rule) => this.rule(rule, inputs))
    } finally {
      this.#depth -= 1
    }
  }

  /** SELECTs of one rule. */
  rule(rule: PlannedRule, inputs: readonly string[]): Fragment[] {
    return this.steps(rule.steps, [this.enter(rule, inputs)]).map((partial) => this.finish(partial, rule.outputs))
  }

  /** SELECTs of some steps of a rule for the arguments asked for in a table, reading only what is new in one of the tables: a semi-naive step.
   * The new rows come first, so that the rest is looked up from them. */
  increment(rule: PlannedRule, parts: Increment): { readonly fragments: readonly Fragment[]; readonly inputs: readonly string[] } {
    const alias = this.alias('q')
    const inputs = parts.columns.map((column) => `${alias}.${column}`)
    let start: Partial = emptyPartial
    if (parts.delta) {
      const source = known(
        this.#override?.(parts.delta, () => this.alias('r')),
        'the call reads a table',
      )
      const columns = [...source.inputs, ...source.outputs]
      start = extend(start, [], [`${source.name}.${ROUND} > ${parts.since}`])
      start = this.columns(source.from, [...parts.delta.inputs, ...parts.delta.outputs], (index) => at(columns, index), start)
    } else start = extend(start, [], [`${alias}.${ROUND} > ${parts.since}`])
    start = this.columns(`${parts.table} AS ${alias}`, rule.inputs, (index) => at(inputs, index), start)
    const steps = parts.steps.filter((step) => step !== parts.delta)
    return { fragments: this.steps(steps, [start]).map((partial) => this.finish(partial, parts.outputs)), inputs }
  }

  /** The start of a rule whose `in` arguments stand at these expressions. */
  enter(rule: PlannedRule, inputs: readonly string[], from: readonly string[] = [], where: readonly string[] = []): Partial {
    const scope = new Map<string, string>()
    const conditions = [...where]
    for (const [index, term] of rule.inputs.entries()) {
      const condition = this.#match(term, at(inputs, index), scope)
      if (condition) conditions.push(condition)
    }
    return { fragment: { from, where: conditions, outputs: [] }, scope }
  }

  /** Binds a variable to an expression, or returns the condition that they are equal. */
  #match(term: FactArgument, expression: string, scope: Map<string, string>): string | null {
    if (term.kind === 'list') return this.#oneOf(expression, term.values)
    if (term.kind !== 'variable') return `${expression} = ${this.expression(term, scope)}`
    const bound = scope.get(term.id)
    if (bound === undefined) {
      scope.set(term.id, expression)
      return null
    }
    return bound === expression ? null : `${expression} = ${bound}`
  }

  #oneOf(expression: string, values: readonly Value[]): string {
    const placeholders = values.map((value) => this.parameters.placeholder({ kind: 'constant', value }))
    // A list to test by, rather than to search by: one that SQLite would put into a table first.
    if (!expression.startsWith('+') || values.length > SHORT_LIST) return `${expression} IN (${placeholders.join(', ')})`
    return anyOf(placeholders.map((placeholder) => `${expression} = ${placeholder}`))
  }

  /** SQL of a bound term. */
  expression(term: Term, scope: Scope): string {
    if (term.kind === 'constant') return this.parameters.placeholder({ kind: 'constant', value: term.value })
    if (term.kind === 'now') return this.parameters.placeholder({ kind: 'now' })
    return known(scope.get(term.id), `\`${term.id}\` is bound`)
  }

  /** The SELECT of these outputs. */
  finish(partial: Partial, outputs: readonly Term[]): Fragment {
    return { ...partial.fragment, outputs: outputs.map((term) => this.expression(term, partial.scope)) }
  }

  /** Adds steps to every start: one result per combination of alternatives. */
  steps(steps: readonly Step[], start: readonly Partial[]): Partial[] {
    return steps.reduce<Partial[]>((partials, step) => partials.flatMap((partial) => this.#step(step, partial)), [...start])
  }

  #step(step: Step, partial: Partial): Partial[] {
    this.#fragments += 1
    this.#spend(1)
    if (this.#fragments > limits.sqlFragments) throw new SqlTooLarge(`the plan has more than ${limits.sqlFragments} steps`)
    switch (step.kind) {
      case 'fact':
        return [this.#fact(step.shape, step.args, partial)]
      case 'call':
        return this.#call(step, partial)
      case 'in':
        return [this.#list(step, partial)]
      case 'equal':
        return [this.#compare(step, '=', partial)]
      case 'unequal':
        return [this.#compare(step, '<>', partial)]
      case 'order':
        return [this.#compare(step, step.operator, partial)]
      case 'not': {
        const found = step.bodies.flatMap((body) =>
          this.steps(body, [{ fragment: { from: [], where: [], outputs: [] }, scope: partial.scope }]),
        )
        return [extend(partial, [], [`NOT ${anyOf(found.map((inner) => exists(inner.fragment)))}`])]
      }
      default:
        return unreachable(step)
    }
  }

  #compare(step: { readonly left: Term; readonly right: Term }, operator: string, partial: Partial): Partial {
    return extend(partial, [], [`${this.expression(step.left, partial.scope)} ${operator} ${this.expression(step.right, partial.scope)}`])
  }

  #fact(shape: FactShape, args: readonly FactArgument[], partial: Partial): Partial {
    const alias = this.alias('f')
    if (shape.origin.kind === 'table') {
      const residual = residualLists(shape, args, partial.scope)
      const column = (index: number): string => `${residual.has(index) ? '+' : ''}${alias}.${columnName(index)}`
      const from = `${shape.origin.table} AS ${alias}`
      const part = this.#parts?.fact(shape, args, partial.scope) ?? null
      if (part === null) return this.columns(from, args, column, partial)
      const search = this.columns(from, args, column, { ...emptyPartial, scope: partial.scope })
      const { fragment, scope } = extend(partial, [], [`ifnull(${part.has}, ${exists(search.fragment)})`])
      return { fragment: { ...fragment, guards: [...(fragment.guards ?? []), part.some] }, scope }
    }
    assert(shape.origin.kind !== 'accepted', 'a plan to run reads stored facts')
    const json = this.parameters.placeholder(shape.origin)
    return this.columns(
      `json_each(${json}) AS ${alias}`,
      args,
      (index) => (args.length === 1 ? `${alias}.value` : `json_extract(${alias}.value, '$[${index}]')`),
      partial,
    )
  }

  /** Adds a table whose columns are the arguments: variables become bound, everything else is compared. */
  columns(from: string, args: readonly FactArgument[], column: (index: number) => string, partial: Partial): Partial {
    const scope = new Map(partial.scope)
    const where = args.flatMap((term, index) => this.#match(term, column(index), scope) ?? [])
    return {
      fragment: { ...partial.fragment, from: [...partial.fragment.from, from], where: [...partial.fragment.where, ...where] },
      scope,
    }
  }

  #list(step: Step & { kind: 'in' }, partial: Partial): Partial {
    const values = step.values.map((value) => this.parameters.placeholder({ kind: 'constant', value }))
    if (step.term.kind !== 'variable' || partial.scope.has(step.term.id))
      return extend(partial, [], [`${this.expression(step.term, partial.scope)} IN (${values.join(', ')})`])
    const alias = this.alias('v')
    return this.columns(
      `(VALUES ${values.map((value) => `(${value})`).join(', ')}) AS ${alias}`,
      [step.term],
      () => `${alias}.column1`,
      partial,
    )
  }

  #call(step: CallStep, partial: Partial): Partial[] {
    const inputs = step.inputs.map((term) => this.expression(term, partial.scope))
    const other = this.#override?.(step, () => this.alias('r'))
    if (other) {
      const where = other.inputs.map((column, index) => `${column} = ${at(inputs, index)}`)
      return [this.columns(other.from, step.outputs, (index) => at(other.outputs, index), extend(partial, [], where))]
    }
    const member = memberOf(step)
    if (step.outputs.length === 0) return this.#check(step, inputs, partial)
    const found = this.member(member, inputs)
    const tables = partial.fragment.from.length + Math.max(0, ...found.map(({ from }) => from.length))
    if (found.length <= MAX_ALTERNATIVES && tables <= MAX_TABLES)
      return found.map((fragment) => this.#join(fragment, step.outputs, partial))
    return found.length === 0 ? [] : [this.#lateral(found, step.outputs, partial)]
  }

  #check(step: CallStep, inputs: readonly string[], partial: Partial): Partial[] {
    const member = memberOf(step)
    const part = this.#finder.reachesRecursion(member) ? (this.#parts?.call(step, inputs) ?? null) : null
    const found = part === null ? this.member(member, inputs) : this.withoutParts(() => this.member(member, inputs))
    if (found.length === 0) return []
    return [extend(partial, [], [part === null ? anyExists(found) : `ifnull(${part.has}, ${anyExists(found)})`])]
  }

  /** What ends a recursion of one relation, as a part of its own; `value`: what its one input that varies is at. */
  ends(group: Group, inputs: readonly string[], varying: number, value: string): PartCalls | null {
    // What comes back to the relation from its other side ends here, but is a step where the relation is listed.
    const comesBack = ({ rule, call }: GroupRule): boolean =>
      call === null && callsOf(rule.steps).positive.some((step) => this.#finder.reachesRecursion(memberOf(step)))
    return group.rules.some(comesBack) ? null : (this.#parts?.ends(at(group.members, 0).relation, inputs, varying, value) ?? null)
  }

  /** Inside of a part nothing more is remembered. */
  withoutParts<T>(emit: () => T): T {
    const parts = this.#parts
    this.#parts = null
    try {
      return emit()
    } finally {
      this.#parts = parts
    }
  }

  /** Makes the called fragment part of the caller's join. */
  #join(fragment: Fragment, outputs: readonly Term[], partial: Partial): Partial {
    const joined = extend(partial, fragment.from, fragment.where)
    const scope = new Map(joined.scope)
    const where = outputs.flatMap((term, index) => this.#match(term, at(fragment.outputs, index), scope) ?? [])
    return extend({ fragment: joined.fragment, scope }, [], where)
  }

  /** A subquery that may depend on the tables before it: SQLite has no LATERAL, but arguments of a table-valued function may be correlated. */
  #lateral(found: readonly Fragment[], outputs: readonly Term[], partial: Partial): Partial {
    return this.lateralText(unionAll(found.map((fragment) => renderSelect(fragment, named(fragment.outputs)))), outputs, partial)
  }

  /** As `#lateral`, of a SELECT whose columns are named `o1`, `o2` … */
  lateralText(select: string, outputs: readonly Term[], partial: Partial): Partial {
    const alias = this.alias('j')
    const single = outputs.length === 1
    const columns = outputs.map((_, index) => `o${index + 1}`)
    const item = single ? 'o1' : `json_array(${columns.join(', ')})`
    const from = `json_each((SELECT json_group_array(${item}) FROM (${select}))) AS ${alias}`
    return this.columns(from, outputs, (index) => (single ? `${alias}.value` : `json_extract(${alias}.value, '$[${index}]')`), partial)
  }
}

/** Rows that may be read and tested against a list of names, rather than searched for name by name. */
const FEW_ROWS = 4

/** Lists that are cheaper to test on the few rows that the other columns find; `+` keeps SQLite from searching by them. */
const residualLists = (shape: FactShape, args: readonly FactArgument[], scope: Scope): Set<number> => {
  const lists = args.flatMap((term, index) => (term.kind === 'list' ? [{ index, size: term.values.length }] : []))
  if (lists.length === 0) return new Set()
  const usable = args.map((term) => term.kind !== 'list' && (term.kind !== 'variable' || scope.has(term.id)))
  const rows = reachedRows(shape, usable)
  return new Set(lists.flatMap(({ index, size }) => (rows <= Math.max(size, FEW_ROWS) ? [index] : [])))
}

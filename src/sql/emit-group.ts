/** Emits recursive groups as recursive CTEs: by the arguments asked for, or by the answers found. */
import { at, known } from '../base/assert.ts'
import type { Relation } from '../ir/relation.ts'
import type { Term } from '../ir/terms.ts'
import { NeedsRounds } from './bounds.ts'
import type { Emitter } from './emit.ts'
import { anyOf, emptyPartial, exists, type Fragment, named, type Partial, renderSelect, unionAll } from './fragment.ts'
import { FAN_OUT, type Group, type GroupRule, groupGrowth, groupWork, type Member } from './recursion.ts'
import type { PartCalls } from './remembered.ts'

export interface GroupSource {
  /** The recursive group of a member, or null. */
  readonly group: (member: Member) => Group | null
  /** The same relation with one given argument asked for instead; null where nothing more can be planned. */
  readonly widened: ((relation: Relation, position: number) => Relation) | null
}

/** What is remembered of the ends of a recursion, and the alias of the row that it is asked for. */
interface Ends extends PartCalls {
  readonly alias: string
}

interface DemandRead {
  readonly cte: string
  /** Expressions of a rule's inputs for the row of this alias. */
  readonly given: (rule: GroupRule, alias: string) => string[]
  readonly ends: Ends | null
}

export class GroupEmitter {
  readonly #emitter: Emitter
  readonly #group: GroupSource['group']
  readonly #widened: GroupSource['widened']

  constructor(emitter: Emitter, source: GroupSource) {
    this.#emitter = emitter
    this.#group = source.group
    this.#widened = source.widened
  }

  /** A recursive group as one fragment over a subquery with its own CTE, correlated where its inputs are. */
  fragments(group: Group, inputs: readonly string[]): Fragment[] {
    if (group.kind === 'general') throw new NeedsRounds('a recursive group is not linear')
    const closure = group.kind === 'demand' && outputCount(group) === 0 ? this.#cheaperClosure(group, inputs) : null
    if (closure) return [closure]
    const ends = group.kind === 'demand' && outputCount(group) === 0 ? this.#rememberedEnds(group, inputs) : null
    const text = group.kind === 'demand' ? this.#demand(group, inputs, ends) : this.#answers(group, inputs)
    if (text === null) return []
    const width = outputCountOf(at(group.members, 0))
    const alias = this.#emitter.alias('s')
    if (width === 0) return [{ from: [], where: [...(ends === null ? [] : [ends.some]), `EXISTS (${text})`], outputs: [] }]
    if (inputs.every((input) => input.startsWith('?')))
      return [
        { from: [`(${text}) AS ${alias}`], where: [], outputs: Array.from({ length: width }, (_, index) => `${alias}.o${index + 1}`) },
      ]
    const ids = Array.from({ length: width }, (_, index): Term => ({ kind: 'variable', id: `o${index}` }))
    const lateral = this.#emitter.lateralText(text, ids, emptyPartial)
    return [this.#emitter.finish(lateral, ids)]
  }

  /** A recursive check in the other direction: all answers from the fixed arguments, then whether the changing one is among them.
   * From a user up to the teams above is one row a step where from a team down to its users is a whole tree. */
  #cheaperClosure(group: Group, inputs: readonly string[]): Fragment | null {
    const [varying, ...more] = varyingOfTarget(group)
    // Where a step leads to one row, as from a folder to its parent, the way asked for is bounded by its depth whatever the data.
    if (!this.#widened || varying === undefined || more.length > 0 || groupGrowth(group) <= FAN_OUT) return null
    const target = at(group.members, 0).relation
    const position = at(
      target.modes.flatMap((mode, index) => (mode === 'in' ? [index] : [])),
      varying,
    )
    const widened = this.#widened(target, position)
    if (widened.refusal || [...widened.variants.keys()].join() !== 'c') return null
    const member = { relation: widened, pattern: 'c' }
    const other = this.#group(member)
    if (other?.kind !== 'answers' || groupWork(other) >= groupWork(group)) return null
    const text = this.#answers(
      other,
      inputs.filter((_, index) => index !== varying),
    )
    return { from: [], where: [text === null ? '0' : `${at(inputs, varying)} IN (${text})`], outputs: [] }
  }

  /** What the subject alone decides about where a recursion ends; a step of it is then one question to the memory. */
  #rememberedEnds(group: Group, inputs: readonly string[]): Ends | null {
    const [varying, ...more] = varyingOfTarget(group)
    if (varying === undefined || more.length > 0 || group.members.length > 1) return null
    const alias = this.#emitter.alias('d')
    const part = this.#emitter.ends(group, inputs, varying, `${alias}.i1`)
    return part === null ? null : { ...part, alias }
  }

  /** Follows the arguments asked for, then reads the base rules for each. */
  #demand(group: Group, inputs: readonly string[], ends: Ends | null): string | null {
    const cte = this.#emitter.alias('d')
    const varying = group.origins.map((origins) => origins.flatMap((origin, index) => (origin === null ? [index] : [])))
    const start = varyingOfTarget(group)
    const width = Math.max(start.length, ...varying.map((positions) => positions.length))
    const tagged = group.members.length > 1
    const columns = [...(tagged ? ['tag'] : []), ...Array.from({ length: width }, (_, index) => `i${index + 1}`)]
    const row = (member: number, values: readonly string[]): string[] => [
      ...(tagged ? [`${member}`] : []),
      ...values,
      ...Array.from({ length: width - values.length }, () => 'NULL'),
    ]
    const given = (rule: GroupRule, alias: string): string[] => {
      const positions = at(varying, rule.member)
      return at(group.origins, rule.member).map((origin, index) =>
        origin === null ? `${alias}.i${positions.indexOf(index) + 1}` : at(inputs, origin),
      )
    }
    const enter = (rule: GroupRule): Partial => {
      const alias = this.#emitter.alias('d')
      return this.#emitter.enter(rule.rule, given(rule, alias), [`${cte} AS ${alias}`], tagged ? [`${alias}.tag = ${rule.member}`] : [])
    }
    const recursive = group.rules.flatMap((rule) => {
      const call = rule.call
      if (!call) return []
      const partials = this.#emitter.steps(
        rule.rule.steps.filter((step) => step !== call.step),
        [enter(rule)],
      )
      return partials.map((partial) =>
        renderSelect(
          partial.fragment,
          row(
            call.member,
            at(varying, call.member).map((index) => this.#emitter.expression(at(call.step.inputs, index), partial.scope)),
          ),
        ),
      )
    })
    const answers = outputCount(group) === 0 ? this.#demandCheck(group, { cte, given, ends }) : this.#demandAnswers(group, enter)
    if (answers === null) return null
    const seed = `SELECT ${row(
      0,
      start.map((index) => at(inputs, index)),
    ).join(', ')}`
    const definition =
      columns.length === 0 ? `${cte}(i0) AS (SELECT 0)` : `${cte}(${columns.join(', ')}) AS (${[seed, ...recursive].join(' UNION ')})`
    return `WITH RECURSIVE ${definition} ${answers}`
  }

  #demandAnswers(group: Group, enter: (rule: GroupRule) => Partial): string | null {
    const answers = group.rules.flatMap((rule) =>
      rule.call
        ? []
        : this.#emitter.steps(rule.rule.steps, [enter(rule)]).map((partial) => this.#emitter.finish(partial, rule.rule.outputs)),
    )
    return answers.length === 0 ? null : unionAll(answers.map((fragment) => renderSelect(fragment, named(fragment.outputs))))
  }

  /** One pass over the demand, so that SQLite makes its rows one by one and stops at the first that holds. */
  #demandCheck(group: Group, { cte, given, ends }: DemandRead): string | null {
    const alias = ends?.alias ?? this.#emitter.alias('d')
    const conditions = group.members.flatMap((_, member) => {
      const base = group.rules.filter((rule) => rule.member === member && !rule.call)
      // Nothing else is remembered: every step searches the same few pages again, which is cheaper than to ask for each.
      const found = this.#emitter.withoutParts(() =>
        base.flatMap((rule) =>
          this.#emitter
            .steps(rule.rule.steps, [this.#emitter.enter(rule.rule, given(rule, alias))])
            .map((partial) => exists(partial.fragment)),
        ),
      )
      if (found.length === 0) return []
      return [group.members.length > 1 ? `(${alias}.tag = ${member} AND ${anyOf(found)})` : anyOf(found)]
    })
    if (conditions.length === 0) return null
    return `SELECT 1 FROM ${cte} AS ${alias} WHERE ${ends === null ? anyOf(conditions) : `ifnull(${ends.has}, ${anyOf(conditions)})`}`
  }

  /** Extends the answers of the base rules until nothing new appears. */
  #answers(group: Group, inputs: readonly string[]): string | null {
    const cte = this.#emitter.alias('a')
    const width = outputCount(group)
    const given = (member: number): string[] => at(group.origins, member).map((origin) => at(inputs, known(origin, 'fixed input')))
    const tagged = group.members.length > 1 || width === 0
    const outputs = Array.from({ length: width }, (_, index) => `o${index + 1}`)
    const select = (rule: GroupRule, partial: Partial): string => {
      const fragment = this.#emitter.finish(partial, rule.rule.outputs)
      return renderSelect(fragment, [
        ...(tagged ? [`${rule.member}`] : []),
        ...fragment.outputs,
        ...Array.from({ length: width - fragment.outputs.length }, () => 'NULL'),
      ])
    }
    const base = group.rules.flatMap((rule) =>
      rule.call
        ? []
        : this.#emitter
            .steps(rule.rule.steps, [this.#emitter.enter(rule.rule, given(rule.member))])
            .map((partial) => select(rule, partial)),
    )
    if (base.length === 0) return null
    const recursive = group.rules.flatMap((rule) => {
      const call = rule.call
      if (!call) return []
      const alias = this.#emitter.alias('a')
      const start = this.#emitter.enter(rule.rule, given(rule.member), [], tagged ? [`${alias}.tag = ${call.member}`] : [])
      const joined = this.#emitter.columns(`${cte} AS ${alias}`, call.step.outputs, (index) => `${alias}.o${index + 1}`, start)
      return this.#emitter
        .steps(
          rule.rule.steps.filter((step) => step !== call.step),
          [joined],
        )
        .map((partial) => select(rule, partial))
    })
    // The base rows need no sorting out among themselves: the UNION before the recursive part does it.
    const definition = `${cte}(${[...(tagged ? ['tag'] : []), ...outputs].join(', ')}) AS (${[base.join(' UNION ALL '), ...recursive].join(' UNION ')})`
    const read = outputs.slice(0, outputCountOf(at(group.members, 0)))
    return `WITH RECURSIVE ${definition} SELECT ${read.length === 0 ? '1' : read.join(', ')} FROM ${cte}${tagged ? ' WHERE tag = 0' : ''}`
  }
}

const outputCountOf = (member: Member): number =>
  known(member.relation.variants.get(member.pattern), 'variant').pattern.filter((wildcard) => wildcard === null).length

const outputCount = (group: Group): number => Math.max(...group.members.map(outputCountOf))

const varyingOfTarget = (group: Group): number[] => at(group.origins, 0).flatMap((origin, index) => (origin === null ? [index] : []))

/** From a question to SQL: judges refusals on the policy alone, then plans and emits for the tables that exist. */

import type { CheckedPolicy } from '../check/core.ts'
import type { PlanBudget } from '../ir/budget.ts'
import { decompose } from '../ir/decompose.ts'
import { acceptedFacts, type FactShape, type FactSource, factSource } from '../ir/fact-source.ts'
import { Planner } from '../ir/plan.ts'
import type { Mode, Pattern, Refusal, Relation } from '../ir/relation.ts'
import { indexRules, type RuleIndex, Specialiser } from '../ir/specialise.ts'
import type { PositionClass } from '../ir/terms.ts'
import { locate } from '../polar/locate.ts'
import type { Span } from '../polar/source.ts'
import { NeedsRounds, SqlTooLarge } from '../sql/bounds.ts'
import { Emitter, type EmitterOptions } from '../sql/emit.ts'
import type { Fragment } from '../sql/fragment.ts'
import type { Member } from '../sql/recursion.ts'
import { QueryError } from './engine.ts'
import { idsShape, type Question, questionClasses, questionPredicate, questionRule } from './question.ts'

/** One typed way to answer: the types of the variables, and the relation that computes the asked-for ones. */
export interface Answering {
  /** Per variable; null: of no particular type. */
  readonly types: readonly (string | null)[]
  readonly relation: Relation
}

export interface QuestionPlan {
  readonly question: Question
  readonly answerings: readonly Answering[]
  readonly planner: Planner
  readonly budget: PlanBudget
}

/** Compiles questions of one policy. Keeps what does not depend on data. */
export class QuestionPlanner {
  readonly #policy: CheckedPolicy
  readonly #rules: RuleIndex
  readonly #accepted: FactSource

  constructor(policy: CheckedPolicy) {
    this.#policy = policy
    this.#rules = indexRules(decompose(policy.rules, policy.concreteTypes))
    this.#accepted = acceptedFacts(policy)
  }

  /** Throws QueryError when the question has no finite answer, whatever the data. */
  refuse(question: Question, budget: PlanBudget): void {
    const plan = this.#plan(question, this.#accepted, { budget, shortcuts: false })
    for (const { relation } of plan.answerings) {
      if (relation.refusal) throw this.#refused(relation.refusal)
      for (const variant of relation.variants.values()) {
        const linked = linkedVariables(question, relation, variant.pattern)
        if (linked)
          throw new QueryError(
            'linked-wildcards',
            `\`${linked[0]}\` and \`${linked[1]}\` would both be every value, and equal: give one of them a value`,
          )
      }
    }
  }

  /** The plan over the given tables and context facts. */
  plan(question: Question, shapes: readonly FactShape[], budget: PlanBudget): QuestionPlan {
    return this.#plan(question, factSource(shapes), { budget, shortcuts: true })
  }

  #plan(
    question: Question,
    facts: FactSource,
    { budget, shortcuts }: { readonly budget: PlanBudget; readonly shortcuts: boolean },
  ): QuestionPlan {
    const rule = questionRule(question)
    const rules = new Map(this.#rules)
    rules.set(`${questionPredicate}/${rule.params.length}`, [rule])
    const program = new Specialiser(rules, withLists(question, facts), this.#policy.concreteTypes, budget)
    const planner = new Planner(program, { shortcuts })
    const classes = questionClasses(question)
    const modes = question.variables.map(
      (item, index): Mode => (item.mode === 'asked' || item.mode === 'some' ? 'out' : classes[index]?.kind === 'constant' ? 'fixed' : 'in'),
    )
    const answerings = [...program.typeTuples(questionPredicate, classes)].map((tuple) => ({
      types: tuple,
      relation: planner.plan(questionPredicate, typed(classes, tuple), modes),
    }))
    return { question, answerings, planner, budget }
  }

  #refused(refusal: Refusal): QueryError {
    const { variable, rule, span } = refusal
    const place = rule.file < 0 ? '' : ` in the rule at ${describePlace(this.#policy, rule)}`
    const why = span.file < 0 ? '' : `the condition at ${describePlace(this.#policy, span)} needs a value for it; `
    return new QueryError(
      'cannot-be-enumerated',
      `\`${plainName(variable)}\`${place} cannot be enumerated: ${why}add a condition that gives it a value, or ask with a value for it`,
    )
  }
}

const describePlace = (policy: CheckedPolicy, span: Span): string => {
  const place = locate(policy.files, span)
  return `${place.file}:${place.line}:${place.column}`
}

/** Generated names carry a number after `#`. */
const plainName = (name: string): string => name.replace(/#.*$/, '') || '_'

const typed = (classes: readonly PositionClass[], tuple: readonly (string | null)[]): PositionClass[] =>
  classes.map((item, index) => {
    const type = tuple[index]
    return item.kind === 'open' && type !== null && type !== undefined ? { kind: 'typed', type, other: false } : item
  })

const withLists = (question: Question, facts: FactSource): FactSource => {
  const lists = factSource(
    question.variables
      .filter((item) => item.mode === 'some')
      .map((item) => {
        const shape = idsShape(item)
        return {
          predicate: shape.predicate,
          types: [shape.type === null ? null : [shape.type]],
          names: [null],
          origin: { kind: 'ids', variable: shape.variable },
          rows: 4,
          distinct: [4],
          orders: [],
        }
      }),
  )
  return { shapes: (predicate, length) => [...lists.shapes(predicate, length), ...facts.shapes(predicate, length)] }
}

const linkedVariables = (question: Question, relation: Relation, pattern: Pattern): [string, string] | null => {
  const asked = question.variables.filter((_, index) => relation.modes[index] === 'out').map((item) => item.name)
  const seen = new Map<number, string>()
  for (const [index, wildcard] of pattern.entries()) {
    if (wildcard === null) continue
    const { group } = wildcard
    const name = asked[index] ?? ''
    const other = seen.get(group)
    if (other !== undefined) return [other, name]
    seen.set(group, name)
  }
  return null
}

/** SELECTs of one answering's output pattern, or null when it takes rounds. */
export const emitMember = (
  plan: QuestionPlan,
  member: Member,
  inputs: readonly string[],
  { parameters, remembered }: Pick<EmitterOptions, 'parameters' | 'remembered'>,
): Fragment[] | 'rounds' | 'rounds-all' => {
  try {
    return new Emitter({
      parameters,
      spend: (amount) => plan.budget.spend(amount),
      widened: (relation, position) => plan.planner.widened(relation, position),
      ...(remembered && { remembered }),
    }).member(member, inputs)
  } catch (error) {
    if (error instanceof NeedsRounds) return 'rounds'
    if (error instanceof SqlTooLarge) return 'rounds-all'
    throw error
  }
}

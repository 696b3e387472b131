/** Splits conditions that have nothing to do with each other into predicates of their own.
 * A rule with four variables of ten possible types each would otherwise be typed in ten thousand ways; split, in forty. */
import type { CoreLiteral, CoreRule, CoreTerm, Disjunct } from '../check/core.ts'
import { termsOf } from '../check/literal-terms.ts'

type ConcreteTypes = ReadonlyMap<string, readonly string[]>

/** The same rules, with independent parts moved out; the moved rules keep the span of the one they come from. */
export const decompose = (rules: readonly CoreRule[], concreteTypes: ConcreteTypes): CoreRule[] => {
  const moved: CoreRule[] = []
  const kept = rules.map((rule) => {
    const split = new RuleSplit(rule, concreteTypes, moved)
    return split.rule()
  })
  return [...kept, ...moved]
}

class RuleSplit {
  readonly #rule: CoreRule
  readonly #concreteTypes: ConcreteTypes
  readonly #moved: CoreRule[]

  constructor(rule: CoreRule, concreteTypes: ConcreteTypes, moved: CoreRule[]) {
    this.#rule = rule
    this.#concreteTypes = concreteTypes
    this.#moved = moved
  }

  rule(): CoreRule {
    const given = new Set(this.#rule.params.flatMap(variableNames))
    const disjuncts = this.#rule.disjuncts.map((disjunct) => this.#split(disjunct, given))
    return disjuncts.every((disjunct, index) => disjunct === this.#rule.disjuncts[index]) ? this.#rule : { ...this.#rule, disjuncts }
  }

  #split(disjunct: Disjunct, given: ReadonlySet<string>): Disjunct {
    const parts = componentsOf(disjunct, given).filter((part) => this.#hasManyTypes(part, given))
    if (parts.length < 2) return disjunct
    const gone = new Set(parts.flat())
    return { literals: [...disjunct.literals.filter((literal) => !gone.has(literal)), ...parts.map((part) => this.#move(part, given))] }
  }

  /** A call of a new predicate over the given variables that the part mentions. */
  #move(part: readonly CoreLiteral[], given: ReadonlySet<string>): CoreLiteral {
    const names = [...new Set(part.flatMap(literalVariables))].filter((name) => given.has(name))
    const params = names.map((name): CoreTerm => ({ kind: 'variable', name }))
    const predicate = `part#${this.#moved.length}`
    this.#moved.push({ predicate, params, disjuncts: [{ literals: part }], span: this.#rule.span })
    return { kind: 'call', predicate, args: params, span: part[0]?.span ?? this.#rule.span }
  }

  /** Whether some variable of the part, not given from outside, can have several types. */
  #hasManyTypes(part: readonly CoreLiteral[], given: ReadonlySet<string>): boolean {
    const single = new Set(
      part.flatMap((literal) =>
        literal.kind === 'matches' && (literal.exact || (this.#concreteTypes.get(literal.type)?.length ?? 1) <= 1)
          ? [literal.variable]
          : [],
      ),
    )
    return part.flatMap(literalVariables).some((name) => !given.has(name) && !single.has(name))
  }
}

/** Literals connected by variables that are not given: each component can be answered by itself. */
const componentsOf = (disjunct: Disjunct, given: ReadonlySet<string>): CoreLiteral[][] => {
  const byVariable = new Map<string, Set<CoreLiteral>>()
  const components: Set<CoreLiteral>[] = []
  for (const literal of disjunct.literals) {
    const local = literalVariables(literal).filter((name) => !given.has(name))
    if (local.length === 0) continue
    const joined = new Set<CoreLiteral>([literal])
    for (const other of new Set(local.flatMap((name) => byVariable.get(name) ?? []))) {
      for (const item of other) joined.add(item)
      components.splice(components.indexOf(other), 1)
    }
    components.push(joined)
    for (const item of joined) for (const name of literalVariables(item)) if (!given.has(name)) byVariable.set(name, joined)
  }
  // In the order they are written, so that plans and SQL stay the same from run to run.
  return components.map((component) => disjunct.literals.filter((literal) => component.has(literal)))
}

const variableNames = (term: CoreTerm): string[] => (term.kind === 'variable' ? [term.name] : [])

/** Every variable of a literal, those inside a negation included. */
const literalVariables = (literal: CoreLiteral): string[] =>
  literal.kind === 'not'
    ? literal.disjuncts.flatMap(({ literals }) => literals.flatMap(literalVariables))
    : termsOf(literal).flatMap(variableNames)

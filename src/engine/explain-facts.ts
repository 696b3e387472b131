/** Facts of one explanation: stored ones by pattern, context facts, and facts that are assumed. */
import type { Fact, ValuePattern } from '../base/value.ts'
import type { CheckedPolicy } from '../check/core.ts'
import { acceptsTypes } from '../check/signatures.ts'
import type { PositionClass } from '../ir/terms.ts'
import type { Store } from '../store/facts.ts'
import type { ExplainBudget } from './explain-budget.ts'
import { type Pattern, patternKey } from './explain-terms.ts'
import type { Constants } from './question.ts'

export interface FoundFact {
  readonly fact: Fact
  readonly origin: 'stored' | 'context'
}

/** Rows of one search that are read at most. */
const MAX_ROWS = 20_000

export interface FactsOptions {
  readonly store: Store
  readonly policy: CheckedPolicy
  readonly constants: Constants
  readonly contextFacts: readonly Fact[]
  readonly budget: ExplainBudget
}

export class ExplainFacts {
  readonly #options: FactsOptions
  readonly #stored = new Map<string, readonly Fact[]>()

  constructor(options: FactsOptions) {
    this.#options = options
  }

  /** Facts of a predicate whose arguments fit. Throws ExplainLimit when there are too many. */
  find(predicate: string, classes: readonly PositionClass[], pattern: Pattern, assumed: readonly Fact[]): readonly FoundFact[] {
    const args = argumentPatterns(classes, pattern)
    if (args === null) return []
    const added = [...this.#options.contextFacts, ...assumed].filter((fact) => fact.predicate === predicate && fits(fact, args))
    const found = new Map(added.map((fact) => [factKey(fact), { fact, origin: 'context' as const }]))
    const stored = this.#read(predicate, args).map((fact): [string, FoundFact] => [factKey(fact), { fact, origin: 'stored' }])
    return [...new Map<string, FoundFact>([...found, ...stored]).values()].filter(({ fact }) => this.#isOfClasses(fact, classes))
  }

  #read(predicate: string, args: readonly ValuePattern[]): readonly Fact[] {
    const { store, policy, budget } = this.#options
    const types = args.map(({ type }) => type ?? '')
    if (!acceptsTypes(policy, { predicate, types })) return []
    const key = JSON.stringify([predicate, args.map(({ type, id }) => [type, id])])
    let facts = this.#stored.get(key)
    if (!facts) {
      budget.spend(10)
      facts = store.facts({ predicate, args }, true, MAX_ROWS + 1)
      budget.spend(facts.length > MAX_ROWS ? Number.POSITIVE_INFINITY : facts.length)
      this.#stored.set(key, facts)
    }
    return facts
  }

  /** A value of class `other` is none of the policy's own. */
  #isOfClasses(fact: Fact, classes: readonly PositionClass[]): boolean {
    return fact.args.every(({ type, id }, index) => {
      const item = classes[index]
      return item?.kind !== 'typed' || !item.other || !this.#options.constants.has(type, id)
    })
  }
}

/** Null where no fact can be: facts have types. */
const argumentPatterns = (classes: readonly PositionClass[], pattern: Pattern): ValuePattern[] | null => {
  const args: ValuePattern[] = []
  for (const [index, item] of classes.entries()) {
    const element = pattern[index]
    if (element?.kind === 'value') args.push(element.value)
    else if (item.kind === 'typed') args.push({ type: item.type, id: null })
    else return null
  }
  return args
}

const fits = (fact: Fact, args: readonly ValuePattern[]): boolean =>
  fact.args.length === args.length &&
  fact.args.every(({ type, id }, index) => {
    const arg = args[index]
    return arg?.type === type && (arg.id === null || arg.id === id)
  })

export const factKey = ({ predicate, args }: Fact): string => JSON.stringify([predicate, ...args.flatMap(({ type, id }) => [type, id])])

export const goalKey = (node: string, pattern: Pattern): string => `${node}${patternKey(pattern)}`

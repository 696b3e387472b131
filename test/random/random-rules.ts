/** Random long-hand rules: typed and untyped parameters, recursion, negation, comparisons, lists, wildcards, policy facts. */
import { at } from '../../src/base/assert.ts'
import type { Item } from './item.ts'
import type { Random } from './prng.ts'
import { times } from './prng.ts'
import { literalText, randomValue, usualTypes } from './vocabulary.ts'

/** A predicate of a random program: facts alone, or rules at a level; `not` reaches lower levels only. */
export interface Predicate {
  readonly name: string
  readonly types: readonly string[]
  readonly level: number
}

const argumentTypes = [...usualTypes, 'Actor', 'Actor', 'Resource', 'String', 'String', 'Integer', 'Integer', 'Boolean']

/** Predicates that a random program calls its own. */
export const randomPredicates = (random: Random): Predicate[] => [
  { name: 'base1', types: ['Actor'], level: 0 },
  { name: 'base2', types: ['Actor', 'Resource'], level: 0 },
  ...times(2 + random.below(3), (index) => ({ name: `fact${index}`, types: randomTypes(random), level: 0 })),
  ...times(1 + random.below(5), (index) => ({ name: `rule${index}`, types: randomTypes(random), level: 1 + random.below(3) })),
]

const randomTypes = (random: Random): string[] => {
  const arity = random.pick([1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 4, 5])
  const first = random.pick(argumentTypes)
  // Often one type for several positions, so that closures and loops occur.
  return times(arity, () => (random.chance(0.4) ? first : random.pick(argumentTypes)))
}

const named: readonly Predicate[] = [
  { name: 'has_role', types: ['Actor', 'String', 'Resource'], level: 2 },
  { name: 'has_permission', types: ['Actor', 'String', 'Resource'], level: 3 },
  { name: 'has_relation', types: ['Resource', 'String', 'Resource'], level: 1 },
  { name: 'has_role', types: ['Actor', 'String'], level: 1 },
  { name: 'has_permission', types: ['Actor', 'String'], level: 2 },
]
const allow: Predicate = { name: 'allow', types: ['Actor', 'String', 'Resource'], level: 5 }

export const randomRules = (random: Random, predicates: readonly Predicate[]): Item[] => {
  const callable = [...predicates, ...predicates, ...named]
  const heads = predicates.filter(({ level }) => level > 0).flatMap((predicate) => times(1 + random.below(3), () => predicate))
  const extra = times(random.below(4), () => random.pick(named))
  const allows = random.chance(0.25) ? times(1 + random.below(2), () => allow) : []
  return [...heads, ...extra, ...allows].map((head) => new RuleMaker(random, callable).rule(head))
}

interface Variable {
  readonly name: string
  readonly type: string
  /** Whether a call or `in` supplies its values. */
  bound: boolean
}

/** Makes one rule; remembers its variables. */
class RuleMaker {
  readonly #random: Random
  readonly #callable: readonly Predicate[]
  readonly #variables: Variable[] = []
  #names = 0

  constructor(random: Random, callable: readonly Predicate[]) {
    this.#random = random
    this.#callable = callable
  }

  rule(predicate: Predicate): Item {
    const params = predicate.types.map((type) => this.#param(type))
    const conditions = this.#random.pick([0, 1, 1, 1, 1, 2, 2, 2, 3, 4])
    const parts = times(conditions, () => this.#condition(predicate.level, 0))
    return { kind: 'rule', head: `${predicate.name}(${params.join(', ')})`, parts }
  }

  #param(type: string): string {
    const random = this.#random
    const roll = random.below(20)
    if (roll < 2) return literalText(randomValue(random, type))
    if (roll < 3) return random.chance(0.5) ? `_: ${type}` : '_'
    const same = this.#variables.filter((variable) => variable.type === type)
    if (roll < 4 && same.length > 0) return `${random.pick(same).name}: ${type}`
    const { name } = this.#fresh(type)
    return roll < 6 ? name : `${name}: ${type}`
  }

  #fresh(type: string): Variable {
    const variable = { name: `x${this.#names++}`, type, bound: false }
    this.#variables.push(variable)
    return variable
  }

  #condition(level: number, depth: number): string {
    const random = this.#random
    const roll = random.below(20)
    if (roll < 10) return this.#call(level, false)
    if (roll < 13 && level > 1) return this.#negation(level, depth)
    if (roll < 14) return this.#comparison()
    if (roll < 15) return this.#unequal()
    if (roll < 16) return this.#equal()
    if (roll < 17) return this.#list()
    if (roll < 18) return this.#typeTest()
    if (roll < 19 && random.chance(0.15)) return this.#constant(level, depth)
    if (roll < 19 && depth < 2) return `(${this.#condition(level, depth + 1)} or ${this.#condition(level, depth + 1)})`
    return this.#call(level, false)
  }

  /** A condition beside one that always holds, or never. */
  #constant(level: number, depth: number): string {
    const { connective, constant } = this.#random.pick([
      { connective: 'and', constant: 'true' },
      { connective: 'or', constant: 'false' },
      { connective: 'and', constant: 'not false' },
      { connective: 'and', constant: 'false' },
    ])
    return depth > 1 ? constant : `(${this.#condition(level, depth + 1)} ${connective} ${constant})`
  }

  /** A call of a predicate that may stand here: of the same or a lower level, strictly lower inside `not`. */
  #call(level: number, inside: boolean): string {
    const random = this.#random
    const fitting = this.#callable.filter((predicate) => (inside ? predicate.level < level : predicate.level <= level))
    const { name, types } = random.pick(fitting)
    return `${name}(${types.map((type) => this.#argument(type, inside)).join(', ')})`
  }

  #argument(type: string, inside: boolean): string {
    const random = this.#random
    if (type === 'String' && random.chance(0.6)) return literalText(randomValue(random, type))
    const roll = random.below(20)
    if (roll < 2) return literalText(randomValue(random, type))
    if (roll < 3) return '_'
    const related = this.#variables.filter((variable) => (!inside || variable.bound || roll < 9) && isRelated(variable.type, type))
    if (roll < 16 && related.length > 0) {
      const variable = random.pick(related)
      if (!inside) variable.bound = true
      return variable.name
    }
    if (inside) return random.chance(0.5) ? '_' : `y${this.#names++}`
    const variable = this.#fresh(type)
    variable.bound = true
    return variable.name
  }

  #negation(level: number, depth: number): string {
    const inner = [this.#call(level, true)]
    if (this.#random.chance(0.3)) inner.push(this.#call(level, true))
    if (this.#random.chance(0.15) && depth < 2 && level > 2) inner.push(this.#negation(level - 1, depth + 1))
    return inner.length === 1 ? `not ${inner.join()}` : `not (${inner.join(this.#random.chance(0.7) ? ' and ' : ' or ')})`
  }

  #operand(type: string): string {
    const usable = this.#variables.filter((variable) => variable.type === type && (variable.bound || this.#random.chance(0.35)))
    if (usable.length > 0 && this.#random.chance(0.75)) return this.#random.pick(usable).name
    if (type === 'Integer' && this.#random.chance(0.3)) return '@current_unix_time'
    return literalText(randomValue(this.#random, type))
  }

  #comparison(): string {
    return `${this.#operand('Integer')} ${this.#random.pick(['<', '<=', '>', '>='])} ${this.#operand('Integer')}`
  }

  #unequal(): string {
    const type = this.#variables.length > 0 ? this.#random.pick(this.#variables).type : 'Integer'
    return `${this.#operand(type)} != ${this.#operand(type)}`
  }

  #equal(): string {
    if (this.#variables.length === 0) return '1 = 1'
    const variable = this.#random.pick(this.#variables)
    const others = this.#variables.filter((other) => other !== variable && isRelated(other.type, variable.type))
    if (others.length > 0 && this.#random.chance(0.6)) return `${variable.name} = ${this.#random.pick(others).name}`
    variable.bound = true
    return `${variable.name} = ${literalText(randomValue(this.#random, variable.type))}`
  }

  #list(): string {
    const type = this.#variables.length > 0 ? this.#random.pick(this.#variables).type : 'String'
    const concrete = randomValue(this.#random, type).type
    const variable =
      this.#random.chance(0.7) && this.#variables.length > 0
        ? at(
            this.#variables.filter((item) => item.type === type),
            0,
          )
        : this.#fresh(concrete)
    variable.bound = true
    const values = times(this.#random.below(4), () => literalText(randomValue(this.#random, concrete)))
    return `${variable.name} in [${values.join(', ')}]`
  }

  #typeTest(): string {
    const variable = this.#variables.length > 0 && this.#random.chance(0.8) ? this.#random.pick(this.#variables) : this.#fresh('Resource')
    const type = this.#random.chance(0.6) ? variable.type : this.#random.pick(argumentTypes)
    return `${variable.name} ${this.#random.chance(0.6) ? 'matches' : 'matches!'} ${type}`
  }
}

const isRelated = (a: string, b: string): boolean =>
  a === b ||
  (isAbstract(a) && !isPlain(b)) ||
  (isAbstract(b) && !isPlain(a)) ||
  (a === 'Bot' && b === 'User') ||
  (a === 'User' && b === 'Bot')

const isAbstract = (type: string): boolean => type === 'Actor' || type === 'Resource'
const isPlain = (type: string): boolean => type === 'String' || type === 'Integer' || type === 'Boolean'

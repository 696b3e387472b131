/** Finds the rules and facts that a specialised predicate can have without trying each: by the type and constant of each argument. */
import { at } from '../base/assert.ts'
import type { Value } from '../base/value.ts'
import type { CoreRule } from '../check/core.ts'
import type { FactShape, FactSource } from './fact-source.ts'
import type { RuleIndex } from './specialise.ts'
import { type PositionClass, predicateKey } from './terms.ts'

/** What a rule's head takes at one position; null: anything. */
interface HeadPosition {
  readonly constant: Value | null
  readonly types: ReadonlySet<string> | null
}

/** What can be narrowed by the type of an argument. */
interface ByType<T> {
  readonly memory: Map<string, readonly T[]>
  readonly all: () => readonly T[]
  readonly fits: (item: T, index: number, type: string) => boolean
}

type TypesOf = (name: string, exact: boolean) => readonly string[]

export class Candidates {
  readonly #rules: RuleIndex
  readonly #facts: FactSource
  readonly #typesOf: TypesOf
  readonly #heads = new Map<CoreRule, readonly HeadPosition[]>()
  readonly #rulesByType = new Map<string, readonly CoreRule[]>()
  readonly #shapesByType = new Map<string, readonly FactShape[]>()

  constructor(rules: RuleIndex, facts: FactSource, typesOf: TypesOf) {
    this.#rules = rules
    this.#facts = facts
    this.#typesOf = typesOf
  }

  allRules(predicate: string, length: number): readonly CoreRule[] {
    return this.#rules.get(predicateKey(predicate, length)) ?? []
  }

  /** Rules whose head does not contradict the classes. */
  rules(predicate: string, classes: readonly PositionClass[]): readonly CoreRule[] {
    const fits = (rule: CoreRule, index: number, type: string): boolean => {
      const { constant, types } = at(this.#head(rule), index)
      return constant ? constant.type === type : types === null || types.has(type)
    }
    const found = this.#ofType(predicate, classes, { memory: this.#rulesByType, all: () => this.allRules(predicate, classes.length), fits })
    return found.filter((rule) => this.#head(rule).every((position, index) => takes(position, at(classes, index))))
  }

  /** Sources of facts that do not contradict the classes. */
  shapes(predicate: string, classes: readonly PositionClass[]): readonly FactShape[] {
    const fits = (shape: FactShape, index: number, type: string): boolean => {
      const types = at(shape.types, index)
      return types === null || types.includes(type)
    }
    const found = this.#ofType(predicate, classes, {
      memory: this.#shapesByType,
      all: () => this.#facts.shapes(predicate, classes.length),
      fits,
    })
    return found.filter((shape) => classes.every((item, index) => admits(shape, index, item)))
  }

  /** Narrowed by the type of the last argument, which tells resources apart; remembered per type. */
  #ofType<T>(predicate: string, classes: readonly PositionClass[], { memory, all, fits }: ByType<T>): readonly T[] {
    const index = classes.length - 1
    const last = classes[index]
    if (!last || last.kind === 'open') return all()
    const type = last.kind === 'constant' ? last.value.type : last.type
    const key = JSON.stringify([predicate, classes.length, type])
    let found = memory.get(key)
    if (!found) {
      found = all().filter((item) => fits(item, index, type))
      memory.set(key, found)
    }
    return found
  }

  #head(rule: CoreRule): readonly HeadPosition[] {
    let head = this.#heads.get(rule)
    if (!head) {
      head = rule.params.map((param): HeadPosition => {
        if (param.kind === 'value') return { constant: param.value, types: null }
        return { constant: null, types: param.kind === 'variable' ? this.#declaredTypes(rule, param.name) : new Set(['Integer']) }
      })
      this.#heads.set(rule, head)
    }
    return head
  }

  /** Types that some disjunct's `matches` leaves a head variable; null when one of them says nothing. */
  #declaredTypes(rule: CoreRule, name: string): ReadonlySet<string> | null {
    const found = new Set<string>()
    for (const { literals } of rule.disjuncts) {
      const literal = literals.find((item) => item.kind === 'matches' && item.variable === name)
      if (literal?.kind !== 'matches') return null
      for (const type of this.#typesOf(literal.type, literal.exact)) found.add(type)
    }
    return found
  }
}

const takes = ({ constant, types }: HeadPosition, item: PositionClass): boolean => {
  if (item.kind === 'open') return true
  if (constant)
    return item.kind === 'constant'
      ? constant.type === item.value.type && constant.id === item.value.id
      : constant.type === item.type && !item.other
  return types === null || types.has(item.kind === 'constant' ? item.value.type : item.type)
}

const admits = (shape: FactShape, index: number, item: PositionClass): boolean => {
  const types = at(shape.types, index)
  const name = shape.names[index] ?? null
  if (item.kind === 'open') return true
  if (item.kind === 'constant') return (types === null || types.includes(item.value.type)) && (name === null || name === item.value.id)
  return (types === null || types.includes(item.type)) && !(item.other && name !== null)
}

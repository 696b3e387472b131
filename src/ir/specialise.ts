/** Specialises predicates by the types and constants of their arguments, on demand from a question, memoised. */
import { at, unreachable } from '../base/assert.ts'
import { Memo } from '../base/memo.ts'
import type { CoreLiteral, CoreRule, CoreTerm, Disjunct, OrderOperator } from '../check/core.ts'
import { Bindings } from './bindings.ts'
import { PlanBudget } from './budget.ts'
import { Candidates } from './candidates.ts'
import type { FactShape, FactSource } from './fact-source.ts'
import { type Atom, atomTerms, type Instance } from './instance.ts'
import { coreTerm, type Program, resolve, splitTypes, type TypeTuple } from './resolve.ts'
import { nodeKey, type PositionClass, predicateKey, sameTerm, type Term, variable, variableIds } from './terms.ts'

/** The rules of a policy, by predicate. */
export type RuleIndex = ReadonlyMap<string, readonly CoreRule[]>

export const indexRules = (rules: readonly CoreRule[]): Map<string, CoreRule[]> => {
  const index = new Map<string, CoreRule[]>()
  for (const rule of rules) {
    const key = predicateKey(rule.predicate, rule.params.length)
    const list = index.get(key)
    if (list) list.push(rule)
    else index.set(key, [rule])
  }
  return index
}

type NotLiteral = CoreLiteral & { readonly kind: 'not' }

interface Answers {
  readonly predicate: string
  readonly classes: readonly PositionClass[]
  readonly tuples: Map<string, TypeTuple>
  readonly dependents: Set<Answers>
}

export class Specialiser implements Program {
  readonly #candidates: Candidates
  readonly #concreteTypes: ReadonlyMap<string, readonly string[]>
  readonly #answers = new Map<string, Answers>()
  readonly #instances = new Map<string, readonly Instance[]>()
  readonly #negations = new Memo<NotLiteral, Atom | 'always' | 'never'>()
  /** New ones go before those that must be looked at again: a rule that calls a thousand predicates is looked at twice, not a thousand times. */
  readonly #fresh: Answers[] = []
  readonly #stale = new Set<Answers>()
  readonly #budget: PlanBudget
  #asking: Answers | null = null

  constructor(rules: RuleIndex, facts: FactSource, concreteTypes: ReadonlyMap<string, readonly string[]>, budget = new PlanBudget()) {
    this.#concreteTypes = concreteTypes
    this.#candidates = new Candidates(rules, facts, (name, exact) => this.typesOf(name, exact))
    this.#budget = budget
  }

  typesOf(name: string, exact: boolean): readonly string[] {
    const types = this.#concreteTypes.get(name) ?? [name]
    return exact ? types.filter((type) => type === name) : types
  }

  /** Type tuples for which a predicate can hold. While a fixpoint runs: those found so far. */
  typeTuples(predicate: string, classes: readonly PositionClass[]): readonly TypeTuple[] {
    const key = nodeKey(predicate, classes)
    let answers = this.#answers.get(key)
    if (!answers) {
      this.spend(1)
      answers = { predicate, classes, tuples: new Map(), dependents: new Set() }
      this.#answers.set(key, answers)
      this.#fresh.push(answers)
    }
    if (this.#asking) answers.dependents.add(this.#asking)
    else this.#settle()
    return [...answers.tuples.values()]
  }

  hasRules(predicate: string, length: number): boolean {
    return this.#candidates.allRules(predicate, length).length > 0
  }

  /** Where the facts of a specialised predicate can stand. Facts have types, so none is at an `open` position unless its type is not known yet. */
  shapes(predicate: string, classes: readonly PositionClass[]): readonly FactShape[] {
    return this.#candidates
      .shapes(predicate, classes)
      .filter((shape) => classes.every((item, index) => item.kind !== 'open' || shape.types[index] === null))
  }

  /** The typed rules of a specialised predicate. An `open` position stays without a type. */
  instances(predicate: string, classes: readonly PositionClass[]): readonly Instance[] {
    const key = nodeKey(predicate, classes)
    let found = this.#instances.get(key)
    if (!found) {
      found = this.#candidates.rules(predicate, classes).flatMap((rule) => this.#ruleInstances(rule, classes))
      this.#instances.set(key, found)
    }
    return found
  }

  spend(amount: number): void {
    this.#budget.spend(amount)
  }

  #settle(): void {
    for (let next = this.#next(); next; next = this.#next()) {
      this.#asking = next
      const grew = this.#extend(next)
      this.#asking = null
      if (grew) for (const dependent of next.dependents) this.#stale.add(dependent)
    }
  }

  #next(): Answers | undefined {
    const fresh = this.#fresh.pop()
    if (fresh) return fresh
    for (const stale of this.#stale) {
      this.#stale.delete(stale)
      return stale
    }
    return undefined
  }

  #extend(answers: Answers): boolean {
    const before = answers.tuples.size
    const add = (tuple: TypeTuple): void => void answers.tuples.set(JSON.stringify(tuple), tuple)
    for (const shape of this.#candidates.shapes(answers.predicate, answers.classes)) {
      this.spend(tupleCount(shape, answers.classes))
      for (const tuple of shapeTuples(shape, answers.classes)) add(tuple)
    }
    for (const rule of this.#candidates.rules(answers.predicate, answers.classes)) {
      for (const bindings of this.#resolveRule(rule, answers.classes).map((found) => found.bindings)) {
        const head = rule.params.map(coreTerm)
        for (const split of splitTypes(head, bindings, this)) add(head.map((term) => split.type(term)))
      }
    }
    return answers.tuples.size > before
  }

  #resolveRule(rule: CoreRule, classes: readonly PositionClass[]): { bindings: Bindings; disjunct: Disjunct }[] {
    this.spend(1)
    const start = enter(rule, classes)
    if (!start) return []
    return rule.disjuncts.flatMap((disjunct) => {
      const found = resolve(disjunct, start, this)
      this.spend(found.length)
      return found.map((bindings) => ({ bindings, disjunct }))
    })
  }

  #ruleInstances(rule: CoreRule, classes: readonly PositionClass[]): Instance[] {
    const head = rule.params.map(coreTerm)
    return this.#resolveRule(rule, classes).flatMap(({ bindings, disjunct }) =>
      splitTypes([...head, ...disjunctTerms(disjunct)], bindings, this).flatMap((split) => {
        // An open position means: of no particular type. A typed head belongs to another specialised predicate.
        if (classes.some((item, index) => item.kind === 'open' && split.types(at(head, index)) !== null)) return []
        const atoms = this.#atoms(disjunct, split, outerVariables(rule.params, disjunct))
        return atoms ? [{ rule, disjunct, head: head.map((term) => split.find(term)), atoms, owned: split.owned() }] : []
      }),
    )
  }

  /** The conditions left after the bindings; null when one can never hold. */
  #atoms(disjunct: Disjunct, bindings: Bindings, outer: readonly string[]): Atom[] | null {
    const atoms: Atom[] = []
    for (const literal of disjunct.literals) {
      const found = this.#atom(literal, bindings, outer)
      if (found === 'never') return null
      if (found !== 'always') atoms.push(found)
    }
    return atoms
  }

  #atom(literal: CoreLiteral, bindings: Bindings, outer: readonly string[]): Atom | 'always' | 'never' {
    const term = (core: CoreTerm): Term => bindings.find(coreTerm(core))
    switch (literal.kind) {
      case 'call': {
        const args = literal.args.map(term)
        return { kind: 'call', predicate: literal.predicate, args, classes: args.map((arg) => bindings.classOf(arg)), span: literal.span }
      }
      case 'equal':
        return equalAtom(term(literal.left), term(literal.right), literal)
      case 'unequal':
        return unequalAtom(term(literal.left), term(literal.right), bindings, literal)
      case 'order':
        return orderAtom(term(literal.left), term(literal.right), literal)
      case 'in': {
        const found = term(literal.term)
        return found.kind === 'constant' ? 'always' : { kind: 'in', term: found, values: literal.values, span: literal.span }
      }
      case 'matches':
        return 'always'
      case 'not':
        return this.#notAtom(literal, bindings, outer)
      default:
        return unreachable(literal)
    }
  }

  /** Once for all bindings that are the same for what the negation mentions: other variables of many types do not repeat it. */
  #notAtom(literal: NotLiteral, bindings: Bindings, outer: readonly string[]): Atom | 'always' | 'never' {
    const inner = bindings.inside(outer.flatMap((id) => variableIds(bindings.find(variable(id)))))
    const key = JSON.stringify(mentionedIn(literal).map((id) => inner.about(variable(id))))
    return this.#negations.of(literal, key, () => this.#negation(literal, inner, outer))
  }

  #negation(literal: NotLiteral, inner: Bindings, outer: readonly string[]): Atom | 'always' | 'never' {
    const bodies: Atom[][] = []
    for (const disjunct of literal.disjuncts) {
      for (const found of resolve(disjunct, inner, this)) {
        this.spend(1)
        for (const split of splitTypes(disjunctTerms(disjunct), found, this)) {
          const atoms = this.#atoms(disjunct, split, [...outer, ...disjunctVariables(disjunct)])
          if (atoms?.length === 0) return 'never'
          if (atoms) bodies.push(atoms)
        }
      }
    }
    if (bodies.length === 0) return 'always'
    const inside = new Set(bodies.flatMap(bodyVariables))
    return { kind: 'not', bodies, outer: [...inside].filter((id) => inner.isOuter(id)), span: literal.span }
  }
}

const bodyVariables = (atoms: readonly Atom[]): string[] =>
  atoms.flatMap((atom) => (atom.kind === 'not' ? atom.outer : atomTerms(atom).flatMap(variableIds)))

/** Bindings of a rule's parameters when it is entered with these classes; null when they contradict. */
const enter = (rule: CoreRule, classes: readonly PositionClass[]): Bindings | null => {
  const bindings = new Bindings()
  for (const [index, item] of classes.entries()) {
    const param = coreTerm(at(rule.params, index))
    if (item.kind === 'constant' && bindings.unify(param, { kind: 'constant', value: item.value }) === 'never') return null
    if (item.kind !== 'typed') continue
    const found = bindings.find(param)
    if (item.other && found.kind === 'constant') return null
    if (!bindings.narrow(param, [item.type])) return null
    if (item.other && found.kind === 'variable') bindings.markOther(found.id)
  }
  return bindings
}

/** How many type tuples a source of facts stands for: counted before they are made. */
const tupleCount = (shape: FactShape, classes: readonly PositionClass[]): number =>
  classes.reduce((count, item, index) => count * (item.kind === 'open' ? (at(shape.types, index)?.length ?? 1) : 1), 1)

const shapeTuples = (shape: FactShape, classes: readonly PositionClass[]): TypeTuple[] =>
  classes.reduce<TypeTuple[]>(
    (tuples, item, index) => {
      const types = item.kind === 'constant' ? [item.value.type] : item.kind === 'typed' ? [item.type] : (at(shape.types, index) ?? [null])
      return tuples.flatMap((tuple) => types.map((type) => [...tuple, type]))
    },
    [[]],
  )

const equalAtom = (left: Term, right: Term, literal: CoreLiteral): Atom | 'always' | 'never' => {
  if (sameTerm(left, right)) return 'always'
  if (left.kind === 'constant' && right.kind === 'constant') return 'never'
  return { kind: 'equal', left, right, span: literal.span }
}

const unequalAtom = (left: Term, right: Term, bindings: Bindings, literal: CoreLiteral): Atom | 'always' | 'never' => {
  const leftType = bindings.type(left)
  const rightType = bindings.type(right)
  if (left.kind !== 'variable' && right.kind !== 'variable') {
    if (leftType !== rightType) return 'always'
    if (left.kind === 'constant' && right.kind === 'constant') return sameTerm(left, right) ? 'never' : 'always'
  }
  const apart = leftType !== null && rightType !== null && leftType !== rightType
  return { kind: 'unequal', left, right, apart, span: literal.span }
}

/** What each comparison means. */
export const orders: Readonly<Record<OrderOperator, (left: bigint, right: bigint) => boolean>> = {
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
}

const orderAtom = (left: Term, right: Term, literal: CoreLiteral & { kind: 'order' }): Atom | 'always' | 'never' => {
  if (left.kind === 'constant' && right.kind === 'constant')
    return orders[literal.operator](BigInt(left.value.id), BigInt(right.value.id)) ? 'always' : 'never'
  return { kind: 'order', operator: literal.operator, left, right, span: literal.span }
}

/** Terms of a disjunct outside its negations. */
const disjunctTerms = (disjunct: Disjunct): Term[] => disjunct.literals.flatMap(literalTerms)

const literalTerms = (literal: CoreLiteral): Term[] => {
  switch (literal.kind) {
    case 'call':
      return literal.args.map(coreTerm)
    case 'equal':
    case 'unequal':
    case 'order':
      return [coreTerm(literal.left), coreTerm(literal.right)]
    case 'in':
      return [coreTerm(literal.term)]
    case 'matches':
      return [{ kind: 'variable', id: literal.variable }]
    case 'not':
      return []
    default:
      return unreachable(literal)
  }
}

/** Variables in a negation, those of the negations in it included. */
const mentionedIn = (literal: NotLiteral): string[] => [
  ...new Set(
    literal.disjuncts.flatMap((disjunct) => [
      ...disjunctVariables(disjunct),
      ...disjunct.literals.flatMap((inner) => (inner.kind === 'not' ? mentionedIn(inner) : [])),
    ]),
  ),
]

const disjunctVariables = (disjunct: Disjunct): string[] =>
  disjunctTerms(disjunct).flatMap((term) => (term.kind === 'variable' ? [term.id] : []))

/** Variables that a negation in this disjunct sees as fixed from outside. */
const outerVariables = (params: readonly CoreTerm[], disjunct: Disjunct): string[] => [
  ...params.flatMap((param) => (param.kind === 'variable' ? [param.name] : [])),
  ...disjunctVariables(disjunct),
]

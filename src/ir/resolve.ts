/** Resolves one disjunct: every assignment of types to its variables under which its calls can hold. */
import { unreachable } from '../base/assert.ts'
import type { CoreLiteral, CoreTerm, Disjunct } from '../check/core.ts'
import type { Bindings, Types } from './bindings.ts'
import { constant, now, type PositionClass, type Term, variable } from './terms.ts'

/** Types of the arguments for which a predicate can hold; null: of no particular type. */
export type TypeTuple = readonly (string | null)[]

/** What resolving needs of the whole program. */
export interface Program {
  /** Concrete types of a type name. */
  typesOf(name: string, exact: boolean): readonly string[]
  typeTuples(predicate: string, classes: readonly PositionClass[]): Iterable<TypeTuple>
  /** Counts work; throws when there was too much. */
  spend(amount: number): void
}

/** `in` lists up to this length are split into one branch per element, so that names specialise the calls they reach. */
const SPLIT_LIST = 8

export const coreTerm = (term: CoreTerm): Term =>
  term.kind === 'variable' ? variable(term.name) : term.kind === 'value' ? constant(term.value) : now

/** All consistent bindings, each with every call answered by some type tuple. */
export const resolve = (disjunct: Disjunct, start: Bindings, program: Program): Bindings[] => {
  const first = start.copy()
  for (const literal of disjunct.literals) if (!narrowBy(literal, first, program)) return []
  let found = [first]
  for (const literal of disjunct.literals) {
    if (literal.kind === 'in') found = found.flatMap((bindings) => splitList(literal, bindings, program))
  }
  for (const literal of disjunct.literals) {
    if (literal.kind === 'call') found = distinct(found.flatMap((bindings) => answerCall(literal, bindings, program)))
  }
  return found
}

/** Splits variables that still have several candidate types, so that each has one (or none at all). */
export const splitTypes = (terms: readonly Term[], start: Bindings, program: Program): Bindings[] =>
  terms.reduce<Bindings[]>((found, term) => found.flatMap((bindings) => splitTerm(term, bindings, program)), [start])

const splitTerm = (term: Term, bindings: Bindings, program: Program): Bindings[] => {
  const types = bindings.types(term)
  if (types === null || types.length === 1) return [bindings]
  return types.map((type) => {
    program.spend(1)
    const branch = bindings.copy()
    branch.narrow(term, [type])
    return branch
  })
}

const INTEGER: Types = ['Integer']

const narrowBy = (literal: CoreLiteral, bindings: Bindings, program: Program): boolean => {
  switch (literal.kind) {
    case 'equal':
      return bindings.unify(coreTerm(literal.left), coreTerm(literal.right)) !== 'never'
    case 'order':
      return bindings.restrict(coreTerm(literal.left), INTEGER) && bindings.restrict(coreTerm(literal.right), INTEGER)
    case 'matches':
      return bindings.restrict(variable(literal.variable), program.typesOf(literal.type, literal.exact))
    case 'in':
      return bindings.restrict(coreTerm(literal.term), [...new Set(literal.values.map((value) => value.type))])
    case 'call':
    case 'not':
    case 'unequal':
      return true
    default:
      return unreachable(literal)
  }
}

const splitList = (literal: CoreLiteral & { kind: 'in' }, bindings: Bindings, program: Program): Bindings[] => {
  const term = bindings.find(coreTerm(literal.term))
  if (term.kind === 'constant')
    return literal.values.some((value) => value.type === term.value.type && value.id === term.value.id) ? [bindings] : []
  // Every listed value is a constant of the policy, which an `other` value is not.
  if (bindings.isOther(term)) return []
  if (term.kind === 'now' || bindings.isOuter(term.id) || literal.values.length > SPLIT_LIST) return [bindings]
  return literal.values.flatMap((value) => {
    program.spend(1)
    const branch = bindings.copy()
    return branch.unify(term, constant(value)) === 'never' ? [] : [branch]
  })
}

const answerCall = (literal: CoreLiteral & { kind: 'call' }, bindings: Bindings, program: Program): Bindings[] => {
  const args = literal.args.map(coreTerm)
  const found: Bindings[] = []
  for (const tuple of program.typeTuples(
    literal.predicate,
    args.map((arg) => bindings.classOf(arg)),
  )) {
    program.spend(1)
    const branch = bindings.copy()
    if (args.every((arg, index) => branch.narrow(arg, typesAt(tuple, index)))) found.push(branch)
  }
  return found
}

const typesAt = (tuple: TypeTuple, index: number): Types => {
  const type = tuple[index]
  return type === null || type === undefined ? null : [type]
}

const distinct = (all: readonly Bindings[]): Bindings[] => {
  if (all.length < 2) return [...all]
  const byText = new Map<string, Bindings>()
  for (const bindings of all) byText.set(JSON.stringify([[...bindings.links()], [...bindings.allTypes()]]), bindings)
  return [...byText.values()]
}

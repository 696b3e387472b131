/** A second semantics, by brute force: the model of a policy and facts over a finite domain. Shares no step with the pattern evaluator. */
import { assert, at } from '../../src/base/assert.ts'
import type { Fact, Value } from '../../src/base/value.ts'
import { sameValue } from '../../src/base/value.ts'
import type { CheckedPolicy, CoreLiteral, CoreRule, CoreTerm, Disjunct } from '../../src/check/core.ts'
import type { Domain } from './domain.ts'

/** True ground atoms. */
export interface GroundModel {
  has(predicate: string, args: readonly Value[]): boolean
  /** Those of one predicate. */
  atoms(predicate: string, arity: number): readonly (readonly Value[])[]
}

export interface GroundInput {
  readonly policy: CheckedPolicy
  readonly facts: readonly Fact[]
  readonly domain: Domain
  readonly unixSeconds: number
  /** Assignments tried before giving up. */
  readonly maxSteps: number
}

/** The model, or null when it takes more than `maxSteps`. */
export const groundModel = (input: GroundInput): GroundModel | null => {
  const budget = { steps: input.maxSteps }
  if (!input.policy.rules.some(({ disjuncts }) => disjuncts.some(hasNot))) return leastModel(input, budget, emptyModel())
  // Alternating fixpoint: with `not` read from too small a model the result is too large, and the other way round. In a stratified program both meet.
  let small = emptyModel()
  for (;;) {
    const large = leastModel(input, budget, small)
    if (large === null) return null
    const next = leastModel(input, budget, large)
    if (next === null) return null
    if (next.size === large.size) return next
    assert(next.size > small.size, 'the program is not stratified')
    small = next
  }
}

const hasNot = (disjunct: Disjunct): boolean => disjunct.literals.some(({ kind }) => kind === 'not')

interface Atoms extends GroundModel {
  readonly size: number
  add(predicate: string, args: readonly Value[]): boolean
  /** Those of a predicate that have this value at this position. */
  atomsWith(predicate: string, arity: number, position: number, value: Value): readonly (readonly Value[])[]
}

const emptyModel = (): Atoms => {
  const known = new Set<string>()
  const lists = new Map<string, (readonly Value[])[]>()
  const put = (key: string, args: readonly Value[]): void => {
    const list = lists.get(key) ?? []
    lists.set(key, list)
    list.push(args)
  }
  const positionKey = (predicate: string, arity: number, position: number, { type, id }: Value): string =>
    `${predicate}/${arity} ${position} ${type}\u0000${id}`
  return {
    get size() {
      return known.size
    },
    has: (predicate, args) => known.has(atomKey(predicate, args)),
    atoms: (predicate, arity) => lists.get(`${predicate}/${arity}`) ?? [],
    atomsWith: (predicate, arity, position, value) => lists.get(positionKey(predicate, arity, position, value)) ?? [],
    add(predicate, args) {
      const key = atomKey(predicate, args)
      if (known.has(key)) return false
      known.add(key)
      put(`${predicate}/${args.length}`, args)
      for (const [position, value] of args.entries()) put(positionKey(predicate, args.length, position, value), args)
      return true
    },
  }
}

const atomKey = (predicate: string, args: readonly Value[]): string =>
  `${predicate} ${args.map(({ type, id }) => `${type}\u0000${id}`).join('\u0001')}`

interface Search {
  readonly input: GroundInput
  readonly budget: { steps: number }
  /** Grows during the search. */
  readonly model: Atoms
  /** What `not` sees. */
  readonly denied: Atoms
}

const leastModel = (input: GroundInput, budget: { steps: number }, denied: Atoms): Atoms | null => {
  const model = emptyModel()
  for (const { predicate, args } of input.facts) model.add(predicate, args)
  const search: Search = { input, budget, model, denied }
  let grew = true
  while (grew && budget.steps > 0) {
    grew = false
    for (const rule of input.policy.rules) {
      const found = rule.disjuncts.flatMap((disjunct) => heads(search, rule, disjunct))
      for (const args of found) grew = model.add(rule.predicate, args) || grew
    }
  }
  return budget.steps > 0 ? model : null
}

type Values = ReadonlyMap<string, Value>

const heads = (search: Search, rule: CoreRule, disjunct: Disjunct): Value[][] => {
  const found: Value[][] = []
  const scope = new Set(rule.params.flatMap((param) => (param.kind === 'variable' ? [param.name] : [])))
  assign(search, { literals: disjunct.literals, scope, positive: true }, new Map(), (values) => {
    found.push(rule.params.map((param) => known(search, values, param)))
    return search.budget.steps > 0
  })
  return found
}

interface Body {
  readonly literals: readonly CoreLiteral[]
  /** Variables that need a value even if no literal outside `not` speaks of them. */
  readonly scope: ReadonlySet<string>
  /** Under an even number of `not`s. */
  readonly positive: boolean
}

/** Calls `each` with every assignment that meets the literals, until it returns false; returns false when it did. */
const assign = (search: Search, body: Body, values: Values, each: (values: Values) => boolean): boolean => {
  search.budget.steps--
  if (search.budget.steps <= 0) return false
  const literal = body.literals.find((candidate) => isReady(search, candidate, values)) ?? mostBoundCall(search, body, values)
  const others = { ...body, literals: body.literals.filter((candidate) => candidate !== literal) }
  if (literal !== undefined)
    return extend(search, { literal, positive: body.positive }, values, (next) => assign(search, others, next, each))
  const open = [...needed(body)].find((name) => !values.has(name))
  if (open !== undefined) {
    return choices(search, body, open).every((value) => assign(search, body, new Map(values).set(open, value), each))
  }
  const [negation] = body.literals
  if (negation === undefined) return each(values)
  const rest = { ...body, literals: body.literals.slice(1) }
  return !holdsNot(search, body, negation, values) || assign(search, rest, values, each)
}

const mostBoundCall = (search: Search, body: Body, values: Values): CoreLiteral | undefined => {
  let best: CoreLiteral | undefined
  let most = -1
  for (const literal of body.literals) {
    if (literal.kind !== 'call') continue
    const share = literal.args.filter((term) => value(search, values, term) !== undefined).length / (literal.args.length + 1)
    if (share <= most) continue
    best = literal
    most = share
  }
  return best
}

/** Variables that must have a value before the `not`s are looked at. */
const needed = (body: Body): Set<string> => new Set([...body.scope, ...body.literals.flatMap(variablesOf)])

const variablesOf = (literal: CoreLiteral): string[] => {
  if (literal.kind === 'not') return []
  if (literal.kind === 'matches') return [literal.variable]
  const terms = literal.kind === 'call' ? literal.args : literal.kind === 'in' ? [literal.term] : [literal.left, literal.right]
  return terms.flatMap((term) => (term.kind === 'variable' ? [term.name] : []))
}

/** Values to try for a variable that no fact supplies: those of the types it must match. */
const choices = (search: Search, body: Body, name: string): Value[] => {
  const { domain, policy } = search.input
  const tests = body.literals.filter((literal) => literal.kind === 'matches' && literal.variable === name)
  return [...domain.values()]
    .flat()
    .filter((value) => tests.every((literal) => literal.kind !== 'matches' || isOf(policy, literal, value.type)))
}

const isOf = (policy: CheckedPolicy, literal: { readonly type: string; readonly exact: boolean }, type: string): boolean =>
  literal.exact ? literal.type === type : (policy.concreteTypes.get(literal.type)?.includes(type) ?? literal.type === type)

/** Whether a literal can be met now without guessing: a test of known values, or one that supplies them. */
const isReady = (search: Search, literal: CoreLiteral, values: Values): boolean => {
  if (literal.kind === 'not' || literal.kind === 'call') return false
  if (literal.kind === 'in') return true
  if (literal.kind === 'matches') return values.has(literal.variable)
  const [left, right] = [value(search, values, literal.left), value(search, values, literal.right)]
  return literal.kind === 'equal' ? left !== undefined || right !== undefined : left !== undefined && right !== undefined
}

interface Chosen {
  readonly literal: CoreLiteral
  readonly positive: boolean
}

/** Goes on with every extension of the assignment that meets the literal. */
const extend = (search: Search, { literal, positive }: Chosen, values: Values, each: (values: Values) => boolean): boolean => {
  if (literal.kind === 'call') {
    return candidates(search, positive ? search.model : search.denied, literal, values).every((atom) => {
      const next = bindAll(search, values, literal.args, atom)
      return next === null || each(next)
    })
  }
  if (literal.kind === 'in') {
    return literal.values.every((item) => {
      const next = bindAll(search, values, [literal.term], [item])
      return next === null || each(next)
    })
  }
  if (literal.kind === 'equal') {
    const left = value(search, values, literal.left)
    const next = bindAll(
      search,
      values,
      [left === undefined ? literal.left : literal.right],
      [left ?? known(search, values, literal.right)],
    )
    return next === null || each(next)
  }
  return !test(search, literal, values) || each(values)
}

/** Atoms that the call may mean: by its first argument that has a value, or all of the predicate. */
const candidates = (search: Search, model: Atoms, call: CoreLiteral & { kind: 'call' }, values: Values): readonly (readonly Value[])[] => {
  for (const [position, term] of call.args.entries()) {
    const given = value(search, values, term)
    if (given !== undefined) return model.atomsWith(call.predicate, call.args.length, position, given)
  }
  return model.atoms(call.predicate, call.args.length)
}

const test = (search: Search, literal: CoreLiteral, values: Values): boolean => {
  if (literal.kind === 'matches')
    return isOf(search.input.policy, literal, known(search, values, { kind: 'variable', name: literal.variable }).type)
  assert(literal.kind === 'order' || literal.kind === 'unequal', 'a test')
  const [left, right] = [known(search, values, literal.left), known(search, values, literal.right)]
  if (literal.kind === 'unequal') return !sameValue(left, right)
  if (left.type !== 'Integer' || right.type !== 'Integer') return false
  const [a, b] = [BigInt(left.id), BigInt(right.id)]
  return { '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b }[literal.operator]
}

const holdsNot = (search: Search, body: Body, literal: CoreLiteral, values: Values): boolean => {
  assert(literal.kind === 'not', 'only negations are left')
  return literal.disjuncts.every(({ literals }) =>
    assign(search, { literals, scope: new Set(), positive: !body.positive }, values, () => false),
  )
}

const bindAll = (search: Search, values: Values, terms: readonly CoreTerm[], atom: readonly Value[]): Values | null => {
  let next = values
  for (const [index, term] of terms.entries()) {
    const item = at(atom, index)
    const present = value(search, next, term)
    if (present !== undefined && !sameValue(present, item)) return null
    if (present === undefined && term.kind === 'variable') next = new Map(next).set(term.name, item)
  }
  return next
}

const value = (search: Search, values: Values, term: CoreTerm): Value | undefined => {
  if (term.kind === 'variable') return values.get(term.name)
  return term.kind === 'value' ? term.value : { type: 'Integer', id: String(search.input.unixSeconds) }
}

const known = (search: Search, values: Values, term: CoreTerm): Value => {
  const found = value(search, values, term)
  assert(found !== undefined, 'every variable has a value by now')
  return found
}

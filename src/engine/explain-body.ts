/** Solves the conditions of one rule: what is decided first, then calls, those with the most arguments given before others. */
import { sameValue } from '../base/value.ts'
import type { Atom, CallAtom } from '../ir/instance.ts'
import { orders } from '../ir/specialise.ts'
import { type PositionClass, type Term, variable } from '../ir/terms.ts'
import { ExplainLimit } from './explain-budget.ts'
import type { Answer, Goal, NotAtom, Query, Solution, TestAtom, Use } from './explain-solver.ts'
import type { Pattern, State } from './explain-terms.ts'

export interface Body {
  readonly atoms: readonly Atom[]
  readonly start: State
}

/** Where a body's conditions find their answers. */
export interface BodyRules {
  answers(goal: Goal): readonly Answer[]
  isRefused(predicate: string, classes: readonly PositionClass[], pattern: Pattern): boolean
  hasRules(predicate: string, length: number): boolean
  negation(atom: NotAtom, state: State): Query
  spend(amount: number): void
}

/** A condition that does not hold, after those before it did. */
export interface Failure extends Solution {
  readonly atom: Atom
}

/** Calls `found` with every way for the body to hold until it returns true, and `failed` with every way in which it does not. */
export const solveBody = (
  body: Body,
  rules: BodyRules,
  found: (solution: Solution) => boolean,
  failed?: (failure: Failure) => void,
): boolean => {
  const walk = (state: State, uses: readonly Use[], rest: readonly Atom[]): boolean => {
    rules.spend(1 + rest.length)
    const atom = nextAtom(rest, state, rules)
    if (atom === null) return found({ state, uses: inSourceOrder(uses, body.atoms) })
    const others = rest.filter((item) => item !== atom)
    let any = false
    for (const step of stepsOf(atom, state, rules)) {
      any = true
      if (walk(step.state, [...uses, step.use], others)) return true
    }
    if (!any) failed?.({ state, uses: inSourceOrder(uses, body.atoms), atom })
    return false
  }
  return walk(body.start, [], body.atoms)
}

interface Step {
  readonly state: State
  readonly use: Use
}

export const stepsOf = (atom: Atom, state: State, rules: BodyRules): readonly Step[] => {
  if (atom.kind === 'call') return callSteps(atom, state, rules)
  if (atom.kind === 'not') {
    const query = rules.negation(atom, state)
    return query.solutions.length > 0 ? [] : [{ state, use: { kind: 'not', atom, query } }]
  }
  return testStates(atom, state).map((next) => ({ state: next, use: { kind: 'test', atom } }))
}

const callSteps = (atom: CallAtom, state: State, rules: BodyRules): Step[] => {
  const goal = goalOf(atom, state)
  return rules.answers(goal).flatMap((answer): Step[] => {
    rules.spend(1)
    const next = state.match(atom.args, answer.pattern)
    return next === null ? [] : [{ state: next, use: { kind: 'call', atom, answer } }]
  })
}

export const goalOf = ({ predicate, classes, args }: CallAtom, state: State): Goal => ({ predicate, classes, pattern: state.pattern(args) })

/** The states in which a test holds: none, this one, or one per element of a list. */
export const testStates = (atom: TestAtom, state: State): readonly State[] => {
  if (atom.kind === 'in') return atom.values.flatMap((value) => state.unify(atom.term, { kind: 'constant', value }) ?? [])
  if (atom.kind === 'equal') return [state.unify(atom.left, atom.right)].filter((next) => next !== null)
  const left = state.value(atom.left)
  const right = state.value(atom.right)
  if (left === null || right === null) throw new ExplainLimit('a comparison meets every value')
  if (atom.kind === 'unequal') return sameValue(left, right) ? [] : [state]
  if (left.type !== 'Integer' || right.type !== 'Integer') return []
  return orders[atom.operator](BigInt(left.id), BigInt(right.id)) ? [state] : []
}

/** Whether everything that a test or negation looks at has a value. */
export const isDecided = (atom: Atom, state: State): boolean => {
  if (atom.kind === 'call') return false
  if (atom.kind === 'not') return atom.outer.every((id) => state.value(variable(id)) !== null)
  if (atom.kind === 'in') return state.value(atom.term) !== null
  const both = [atom.left, atom.right].filter((term: Term) => state.value(term) !== null).length
  return atom.kind === 'equal' ? both > 0 : both === 2
}

/** Tests first, then calls and lists, then negations. Null when nothing is left, or nothing that has its values. */
export const readyAtom = (rest: readonly Atom[], state: State, rules: BodyRules): Atom | null =>
  rest.find((atom) => atom.kind !== 'not' && isDecided(atom, state)) ??
  bestCall(rest, state, rules) ??
  rest.find((atom) => isDecided(atom, state)) ??
  null

const nextAtom = (rest: readonly Atom[], state: State, rules: BodyRules): Atom | null => {
  const ready = readyAtom(rest, state, rules)
  if (ready !== null || rest.length === 0) return ready
  // Equalities of variables that nothing gives a value are left.
  const open = rest.find((atom) => atom.kind === 'equal')
  if (!open) throw new ExplainLimit('a condition meets every value')
  return open
}

/** The call or list with the largest share of given arguments; refused ones only when there is nothing else. */
const bestCall = (rest: readonly Atom[], state: State, rules: BodyRules): Atom | null => {
  let best: Atom | null = null
  let most = -1
  for (const atom of rest) {
    const share = atom.kind === 'call' ? callShare(atom, state, rules) : atom.kind === 'in' ? 0.9 : -1
    if (share <= most) continue
    best = atom
    most = share
  }
  return best
}

const callShare = (atom: CallAtom, state: State, rules: BodyRules): number => {
  const pattern = state.pattern(atom.args)
  const share = pattern.filter(({ kind }) => kind === 'value').length / (pattern.length || 1)
  if (share < 1 && rules.isRefused(atom.predicate, atom.classes, pattern)) return -0.5
  // Of two that are equal otherwise, a look-up goes before rules.
  return rules.hasRules(atom.predicate, atom.args.length) ? share : share + 0.01
}

const inSourceOrder = (uses: readonly Use[], atoms: readonly Atom[]): readonly Use[] =>
  uses.length < 2 ? uses : uses.toSorted((a, b) => atoms.indexOf(a.atom) - atoms.indexOf(b.atom))

/** Values for the variables of facts that are missing: those that the conditions left over ask for, else new ones. */
import { canonicalId, type Value } from '../base/value.ts'
import type { CheckedPolicy } from '../check/core.ts'
import type { Atom, CallAtom } from '../ir/instance.ts'
import { type Term, variable } from '../ir/terms.ts'
import type { NewValues } from './explain-new-values.ts'
import type { TestAtom } from './explain-solver.ts'
import type { State } from './explain-terms.ts'

/** Choices of values that are looked at, and values of one variable. */
const MAX_CHOICES = 200
const MAX_VALUES = 12

export interface AssignOptions {
  readonly policy: CheckedPolicy
  readonly now: Value
  readonly newValues: NewValues
}

export interface Unknown {
  /** What is to be facts. */
  readonly calls: readonly CallAtom[]
  /** Conditions that wait for their values. */
  readonly left: readonly Atom[]
}

interface Open {
  readonly id: string
  readonly values: readonly Value[]
}

/** Calls `each` with every state in which all variables of the calls have values, until it returns true. */
export const assignments = (unknown: Unknown, state: State, options: AssignOptions, each: (state: State) => boolean): boolean => {
  const open = openVariables(unknown, state, options)
  let choices = 0
  const assign = (index: number, current: State): boolean => {
    const next = open[index]
    if (next === undefined) {
      choices += 1
      return each(current) || choices >= MAX_CHOICES
    }
    return next.values.some((value) => {
      const after = current.unify(variable(next.id), { kind: 'constant', value })
      return after !== null && assign(index + 1, after)
    })
  }
  return assign(0, state)
}

const openVariables = ({ calls, left }: Unknown, state: State, options: AssignOptions): Open[] => {
  const open = new Map<string, Open>()
  for (const { predicate, args, classes } of calls) {
    for (const [index, arg] of args.entries()) {
      const found = state.find(arg)
      const item = classes[index]
      if (found.kind === 'constant' || item?.kind !== 'typed' || open.has(found.id)) continue
      const names = namesAt(options.policy, predicate, args.length, index)
      const wanted = item.type === 'String' && names.length > 0 ? names : wantedValues(found.id, left, state, options)
      const fitting = wanted.filter(({ type }) => type === item.type).slice(0, MAX_VALUES)
      open.set(found.id, { id: found.id, values: fitting.length > 0 ? fitting : plainValues(item.type, open.size, options) })
    }
  }
  return [...open.values()]
}

/** A new value does where nothing else is asked for. */
const plainValues = (type: string, index: number, { newValues }: AssignOptions): Value[] =>
  type === 'Boolean' ? ['true', 'false'].map((id) => ({ type, id })) : [newValues.fresh(type, index)]

/** Names that alone are accepted at this position of facts. */
const namesAt = (policy: CheckedPolicy, predicate: string, length: number, index: number): Value[] => {
  const names = new Set<string>()
  for (const { predicate: other, positions } of policy.signatures) {
    const name = other === predicate && positions.length === length ? positions[index]?.name : undefined
    if (name !== undefined && name !== null) names.add(name)
  }
  return [...names].map((id) => ({ type: 'String', id }))
}

/** Values that the conditions which mention a variable compare it with, and their neighbours. */
const wantedValues = (id: string, left: readonly Atom[], state: State, { now }: AssignOptions): Value[] => {
  const found: Value[] = []
  for (const atom of left) {
    if (atom.kind === 'call' || atom.kind === 'not' || !termsOf(atom).some((term) => isVariable(state, term, id))) continue
    if (atom.kind === 'in') found.push(...atom.values)
    else if (atom.kind === 'equal') found.push(...termsOf(atom).flatMap((term) => state.value(term) ?? []))
    else if (atom.kind === 'order') {
      const others = termsOf(atom).flatMap((term) => state.value(term) ?? [])
      for (const value of others.length > 0 ? others : [now]) found.push(...neighbours(value))
    }
  }
  return found
}

const termsOf = (atom: TestAtom): readonly Term[] => (atom.kind === 'in' ? [atom.term] : [atom.left, atom.right])

const isVariable = (state: State, term: Term, id: string): boolean => {
  const found = state.find(term)
  return found.kind === 'variable' && found.id === id
}

const neighbours = ({ type, id }: Value): Value[] =>
  type === 'Integer'
    ? [0n, 1n, -1n].flatMap((step) => {
        const next = canonicalId(type, String(BigInt(id) + step))
        return next === undefined ? [] : [{ type, id: next }]
      })
    : []

/** The order in which an explanation tries the conditions of a rule, as docs/reference/http.md tells it. */
import type { CoreLiteral, CoreTerm } from '../../src/check/core.ts'
import { type Bindings, elementOf, patternOf } from '../oracle/bindings.ts'
import { outerVariables, type Program } from '../oracle/program.ts'
import type { Refusals } from '../oracle/refusals.ts'

/** Where conditions are tried: after some that hold, in each of these ways. */
export interface Tried {
  readonly program: Program
  readonly refusals: Refusals
  readonly scope: ReadonlySet<string>
  readonly states: readonly Bindings[]
}

/** The conditions that are tried before one of them, in the order in which they are written. */
export const triedBefore = (tried: Tried, literals: readonly CoreLiteral[], last: CoreLiteral): CoreLiteral[] => {
  const limit = rank(tried, last)
  if (limit === null) return []
  const index = literals.indexOf(last)
  return literals.filter((literal, place) => {
    const found = rank(tried, literal)
    return found !== null && (found > limit || (found === limit && place < index))
  })
}

const COMPARISON = 2
const NEGATION = -1
/** A look-up goes before rules. */
const LOOKUP = 0.01

/** The higher the sooner; null for what cannot be tried yet. */
const rank = (tried: Tried, literal: CoreLiteral): number | null => {
  const { program, refusals, scope, states } = tried
  const isKnown = (term: CoreTerm): boolean => states.every((state) => elementOf(state, term).kind === 'value')
  if (literal.kind === 'order' || literal.kind === 'unequal') return isKnown(literal.left) && isKnown(literal.right) ? COMPARISON : null
  if (literal.kind === 'not') return outerVariables(scope, literal).every((name) => isKnown({ kind: 'variable', name })) ? NEGATION : null
  if (literal.kind !== 'call') return null
  const { predicate, args } = literal
  if (states.some((state) => refusals.refused(predicate, patternOf(state, args)))) return null
  const share = args.filter(isKnown).length / (args.length || 1)
  return share + (program.rulesOf(predicate, args.length).length === 0 ? LOOKUP : 0)
}

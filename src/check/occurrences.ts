/** Where the variables of a rule are written. */
import type { Expression, Rule, Term } from '../polar/ast.ts'
import { suggest } from '../polar/edit-distance.ts'
import type { Span } from '../polar/source.ts'
import { contains } from './lower-terms.ts'

export interface Occurrence {
  readonly name: string
  readonly span: Span
}

/** Every occurrence of a variable in head and body, in order; `_` included. */
export const occurrencesOf = (rule: Rule): Occurrence[] => {
  const found: Occurrence[] = []
  for (const param of rule.head.params) {
    if (param.kind === 'typed') found.push({ name: param.name.text, span: param.name.span })
    else addTerm(param.term, found)
  }
  if (rule.body !== null) addExpression(rule.body, found)
  return found
}

/** The variables of one rule by name. */
export interface Places {
  /** The first place of a variable within a range; the range itself for a variable that is not written there. */
  of(name: string, within: Span): Span
  /** How often a variable is written. */
  count(name: string): number
  /** A variable that is written once, under a similar name of some length: perhaps a slip. */
  similar(name: string): Occurrence | null
}

export const createPlaces = (rule: Rule): Places => {
  // Read only when there is something to say about the rule.
  let byName: ReadonlyMap<string, readonly Occurrence[]> | null = null
  const occurrences = (name: string): readonly Occurrence[] => {
    byName ??= Map.groupBy(occurrencesOf(rule), (occurrence) => occurrence.name)
    return byName.get(name) ?? []
  }
  return {
    // Each `_` has a number of its own.
    of: (name, within) => occurrences(name.startsWith('_#') ? '_' : name).find(({ span }) => contains(within, span))?.span ?? within,
    count: (name) => occurrences(name).length,
    similar(name) {
      if (name.length < SIMILAR_LENGTH) return null
      const once = occurrencesOf(rule).filter((other) => other.name.length >= SIMILAR_LENGTH && occurrences(other.name).length === 1)
      const found = suggest(
        name,
        once.map((other) => other.name),
      )
      return once.find((other) => other.name === found) ?? null
    },
  }
}

/** Shorter names are all similar. */
const SIMILAR_LENGTH = 3

export const addExpression = (expression: Expression, found: Occurrence[]): void => {
  switch (expression.kind) {
    case 'constant':
      return
    case 'or':
    case 'and':
      for (const item of expression.items) addExpression(item, found)
      return
    case 'not':
      addExpression(expression.item, found)
      return
    case 'equal':
    case 'comparison':
      addTerm(expression.left, found)
      addTerm(expression.right, found)
      return
    case 'in':
      addTerm(expression.term, found)
      for (const element of expression.list) addTerm(element, found)
      return
    case 'matches':
      found.push({ name: expression.variable.text, span: expression.variable.span })
      return
    case 'call':
      for (const arg of expression.args) addTerm(arg, found)
  }
}

const addTerm = (term: Term, found: Occurrence[]): void => {
  if (term.kind === 'variable') found.push({ name: term.name, span: term.span })
}

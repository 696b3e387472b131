/** What conditions state about types (polar.md 9.5 step 2). */
import type { Span } from '../polar/source.ts'
import type { CoreLiteral, CoreTerm } from './core.ts'
import { termText } from './lower-terms.ts'
import { hasType } from './type-set.ts'
import type { TypeTable } from './type-table.ts'

/** What a condition says about the type of a term. */
export interface Statement {
  readonly types: readonly string[]
  /** The type as written, for messages. */
  readonly text: string
  /** The term as written. */
  readonly subject: string
  readonly span: Span
  /** `<` and its kind need an Integer. */
  readonly operator: string | null
}

interface Stated {
  readonly term: CoreTerm
  readonly statement: Statement
}

export const statementsOf = (literal: CoreLiteral, types: TypeTable): Stated[] => {
  const { span } = literal
  const state = (term: CoreTerm, set: readonly string[], text: string, operator: string | null = null): Stated => ({
    term,
    statement: { types: set, text, subject: termText(term), span, operator },
  })
  switch (literal.kind) {
    case 'matches': {
      const { type, variable, exact } = literal
      // No value has exactly an abstract type.
      const set = exact ? (hasType(types.concrete(type), type) ? [type] : []) : types.concrete(type)
      return [state({ kind: 'variable', name: variable }, set, type)]
    }
    case 'order':
      return [literal.left, literal.right].flatMap((term) =>
        term.kind === 'variable' ? [state(term, INTEGER, 'Integer', literal.operator)] : [],
      )
    case 'in': {
      const [first] = literal.values
      const own = constantType(literal.term)
      return [
        ...(first === undefined ? [] : [state(literal.term, [first.type], first.type)]),
        ...(own === null ? [] : [state(literal.term, [own], own)]),
      ]
    }
    case 'equal':
      return [literal.left, literal.right].flatMap((term) => {
        const type = constantType(term)
        return type === null ? [] : [state(term, [type], type)]
      })
    case 'call':
    case 'unequal':
    case 'not':
      return []
  }
}

const INTEGER = ['Integer']

const constantType = (term: CoreTerm): string | null =>
  term.kind === 'variable' ? null : term.kind === 'now' ? 'Integer' : term.value.type

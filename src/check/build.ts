/** Builds syntax for generated rules; every part points at the text it stands for. */
import type { Call, Expression, Parameter, Term } from '../polar/ast.ts'
import type { Span } from '../polar/source.ts'

export const variable = (name: string, span: Span): Term => ({ kind: 'variable', name, span })
export const text = (value: string, span: Span): Term => ({ kind: 'string', value, span })
export const call = (predicate: string, args: readonly Term[], span: Span): Call => ({
  kind: 'call',
  predicate: { text: predicate, span },
  args,
  span,
})
export const typed = (name: string, type: string, span: Span): Parameter => ({
  kind: 'typed',
  name: { text: name, span },
  type: { text: type, span },
  span,
})
export const matches = (name: string, type: string, span: Span): Expression => ({
  kind: 'matches',
  variable: { text: name, span },
  type: { text: type, span },
  exact: false,
  span,
})
export const conjunction = (items: readonly Expression[], span: Span): Expression => {
  const [only] = items
  return items.length === 1 && only !== undefined ? only : { kind: 'and', items, span }
}

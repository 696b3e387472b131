/** The terms that one condition of the core language is about. */
import type { CoreLiteral, CoreTerm } from './core.ts'

/** In the order they are written. Not those inside of a `not`, nor the values of a list, which are constants all. */
export const termsOf = (literal: CoreLiteral): readonly CoreTerm[] => {
  switch (literal.kind) {
    case 'call':
      return literal.args
    case 'equal':
    case 'unequal':
    case 'order':
      return [literal.left, literal.right]
    case 'in':
      return [literal.term]
    case 'matches':
      return [{ kind: 'variable', name: literal.variable }]
    case 'not':
      return []
  }
}

/** Typed rules: a disjunct of a rule with every variable's type fixed and every equality carried out. */
import type { Value } from '../base/value.ts'
import type { CoreRule, Disjunct, OrderOperator } from '../check/core.ts'
import type { Span } from '../polar/source.ts'
import type { PositionClass, Term } from './terms.ts'

/** A condition that is left to evaluate. */
export type Atom =
  | {
      readonly kind: 'call'
      readonly predicate: string
      readonly args: readonly Term[]
      readonly classes: readonly PositionClass[]
      readonly span: Span
    }
  | { readonly kind: 'in'; readonly term: Term; readonly values: readonly Value[]; readonly span: Span }
  | { readonly kind: 'equal'; readonly left: Term; readonly right: Term; readonly span: Span }
  /** `apart`: the types differ, so it holds as soon as both sides have values. */
  | { readonly kind: 'unequal'; readonly left: Term; readonly right: Term; readonly apart: boolean; readonly span: Span }
  | { readonly kind: 'order'; readonly operator: OrderOperator; readonly left: Term; readonly right: Term; readonly span: Span }
  /** None of the bodies holds. `outer`: their variables that the rule also uses outside, which must be bound first. */
  | { readonly kind: 'not'; readonly bodies: readonly (readonly Atom[])[]; readonly outer: readonly string[]; readonly span: Span }

export type CallAtom = Atom & { readonly kind: 'call' }

/** One way for a specialised predicate to hold. */
export interface Instance {
  readonly rule: CoreRule
  /** The alternative of the rule. */
  readonly disjunct: Disjunct
  readonly head: readonly Term[]
  readonly atoms: readonly Atom[]
  /** Variables with a type of the rule's own: a wildcard there is one of that type, not of every type. */
  readonly owned: ReadonlySet<string>
}

/** Terms of a condition that is no negation. */
export const atomTerms = (atom: Exclude<Atom, { kind: 'not' }>): readonly Term[] =>
  atom.kind === 'call' ? atom.args : atom.kind === 'in' ? [atom.term] : [atom.left, atom.right]

/** The syntax tree of a policy, exactly as written; names resolved and blocks expanded only in `src/check`. */
import type { Span } from './source.ts'

export interface Name {
  readonly text: string
  readonly span: Span
}

export type Literal =
  | { readonly kind: 'string'; readonly value: string; readonly span: Span }
  /** Canonical decimal text, within 64 bits. */
  | { readonly kind: 'integer'; readonly value: string; readonly span: Span }
  | { readonly kind: 'boolean'; readonly value: boolean; readonly span: Span }

export type Term =
  | Literal
  | { readonly kind: 'object'; readonly type: Name; readonly id: Literal; readonly span: Span }
  | { readonly kind: 'now'; readonly span: Span }
  /** `_` keeps its text; each occurrence is a fresh variable. */
  | { readonly kind: 'variable'; readonly name: string; readonly span: Span }

/** `x: T` or a bare term. */
export type Parameter =
  | { readonly kind: 'typed'; readonly name: Name; readonly type: Name; readonly span: Span }
  | { readonly kind: 'term'; readonly term: Term; readonly span: Span }

export interface Call {
  readonly kind: 'call'
  readonly predicate: Name
  readonly args: readonly Term[]
  readonly span: Span
}

export type ComparisonOperator = '<' | '<=' | '>' | '>=' | '!='

export type Expression =
  | { readonly kind: 'or' | 'and'; readonly items: readonly Expression[]; readonly span: Span }
  | { readonly kind: 'not'; readonly item: Expression; readonly span: Span }
  | { readonly kind: 'equal'; readonly left: Term; readonly right: Term; readonly span: Span }
  | { readonly kind: 'comparison'; readonly operator: ComparisonOperator; readonly left: Term; readonly right: Term; readonly span: Span }
  | { readonly kind: 'in'; readonly term: Term; readonly list: readonly Term[]; readonly span: Span }
  | { readonly kind: 'matches'; readonly variable: Name; readonly type: Name; readonly exact: boolean; readonly span: Span }
  | Call
  | { readonly kind: 'constant'; readonly value: boolean; readonly span: Span }

export interface Head {
  readonly predicate: Name
  readonly params: readonly Parameter[]
  readonly span: Span
}

export interface Rule {
  readonly kind: 'rule'
  readonly flags: readonly Name[]
  readonly head: Head
  /** null: a policy fact. */
  readonly body: Expression | null
  readonly span: Span
}

export interface Declare {
  readonly kind: 'declare'
  readonly predicate: Name
  readonly types: readonly Name[]
  readonly span: Span
}

/** A quoted name or a bare word of a shorthand rule. */
export interface ShorthandTerm {
  readonly kind: 'quoted' | 'word'
  readonly text: string
  readonly span: Span
}

export type ShorthandExpression =
  | { readonly kind: 'or' | 'and'; readonly items: readonly ShorthandExpression[]; readonly span: Span }
  | { readonly kind: 'not'; readonly item: ShorthandExpression; readonly span: Span }
  | Call
  | { readonly kind: 'global'; readonly term: ShorthandTerm; readonly span: Span }
  /** `on` is null without an `on`. */
  | { readonly kind: 'condition'; readonly term: ShorthandTerm; readonly on: ShorthandTerm | null; readonly span: Span }

export interface Shorthand {
  readonly kind: 'shorthand'
  readonly flags: readonly Name[]
  readonly head: ShorthandTerm
  readonly body: ShorthandExpression
  readonly span: Span
}

/** `key = [...]` or `key = {...}`; key and shape are checked afterwards. */
export interface Declaration {
  readonly kind: 'declaration'
  readonly key: Name
  readonly value:
    | { readonly kind: 'list'; readonly items: readonly Term[]; readonly span: Span }
    | {
        readonly kind: 'map'
        readonly fields: readonly { readonly name: Name; readonly type: Name; readonly span: Span }[]
        readonly span: Span
      }
  readonly span: Span
}

export interface Block {
  readonly kind: 'block'
  readonly block: 'actor' | 'resource' | 'global'
  /** null for the global block. */
  readonly type: Name | null
  readonly supertypes: readonly Name[]
  readonly items: readonly (Declaration | Shorthand)[]
  readonly span: Span
}

/** A fact of a setup or fixture. Arguments are terms so that a variable there gets its own diagnostic. */
export interface SetupFact {
  readonly kind: 'fact'
  readonly predicate: Name
  readonly args: readonly Term[]
  readonly span: Span
}

export interface FixtureUse {
  readonly kind: 'use'
  readonly name: Name
  readonly span: Span
}

export interface Fixture {
  readonly kind: 'fixture'
  readonly name: Name
  readonly facts: readonly SetupFact[]
  readonly span: Span
}

export interface Assertion {
  readonly kind: 'assertion'
  readonly negated: boolean
  readonly goal: Head
  readonly iff: Expression | null
  readonly span: Span
}

export interface Test {
  readonly kind: 'test'
  readonly name: Name
  readonly setup: readonly (SetupFact | FixtureUse)[]
  readonly assertions: readonly Assertion[]
  readonly span: Span
}

export type Item = Block | Rule | Declare | Fixture | Test

/** All files of one policy; items in order of file, then position. */
export interface PolicySyntax {
  readonly items: readonly Item[]
}

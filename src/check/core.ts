/** The core language: what a policy means after blocks are expanded, names resolved and `or` multiplied out. The oracle and the compiler both start here. */
import type { Fact, Value } from '../base/value.ts'
import type { SourceFile, Span } from '../polar/source.ts'

/** Variable names are unique within a rule; generated ones contain `#`, which no written name can. */
export type CoreTerm =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'value'; readonly value: Value }
  /** `@current_unix_time`, an Integer. */
  | { readonly kind: 'now' }

export type OrderOperator = '<' | '<=' | '>' | '>='

/** One condition of a disjunct. Types of variables are conditions too: a parameter `x: T` stands as `matches` in every disjunct. */
export type CoreLiteral =
  | { readonly kind: 'call'; readonly predicate: string; readonly args: readonly CoreTerm[]; readonly span: Span }
  | { readonly kind: 'equal'; readonly left: CoreTerm; readonly right: CoreTerm; readonly span: Span }
  /** True when both sides have values that differ in type or id. */
  | { readonly kind: 'unequal'; readonly left: CoreTerm; readonly right: CoreTerm; readonly span: Span }
  /** Integers only: a value of another type makes it false. */
  | { readonly kind: 'order'; readonly operator: OrderOperator; readonly left: CoreTerm; readonly right: CoreTerm; readonly span: Span }
  | { readonly kind: 'in'; readonly term: CoreTerm; readonly values: readonly Value[]; readonly span: Span }
  /** `exact`: that type only; otherwise the type and its subtypes. */
  | { readonly kind: 'matches'; readonly variable: string; readonly type: string; readonly exact: boolean; readonly span: Span }
  /** No disjunct holds. A variable that occurs nowhere else in the enclosing disjunct or head is existential inside. */
  | { readonly kind: 'not'; readonly disjuncts: readonly Disjunct[]; readonly span: Span }

/** A conjunction. `true` is the empty one; a `false` branch is dropped. */
export interface Disjunct {
  readonly literals: readonly CoreLiteral[]
}

/** `predicate(params) if d1 or d2 …`: a rule without disjuncts never holds. A repeated variable in `params` means equal arguments. */
export interface CoreRule {
  readonly predicate: string
  readonly params: readonly CoreTerm[]
  readonly disjuncts: readonly Disjunct[]
  /** Of the head as written; the implicit `allow` rules carry file -1. */
  readonly span: Span
}

/** A position of a fact signature: the concrete types it takes (subtypes included) or null for any; `name` is the one String it takes, or null for every. */
export interface SignaturePosition {
  readonly types: readonly string[] | null
  readonly name: string | null
}

export interface FactSignature {
  readonly predicate: string
  readonly positions: readonly SignaturePosition[]
}

export interface ResourceMetadata {
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
  readonly relations: Readonly<Record<string, string>>
}

/** Goal of an assertion: ground, or with one variable at `variable.position`, whose type is concrete and exact. */
export interface CoreAssertion {
  readonly negated: boolean
  readonly predicate: string
  /** A value, or null at the variable's position. */
  readonly args: readonly (Value | null)[]
  readonly variable: { readonly name: string; readonly position: number; readonly type: string } | null
  /** Condition on the variable after `iff`, as a rule body over that one variable; null without `iff`. */
  readonly iff: readonly Disjunct[] | null
  /** The assertion as written, for messages. */
  readonly text: string
  readonly span: Span
}

export interface CoreTest {
  readonly name: string
  /** Setup facts with fixtures already included. */
  readonly facts: readonly Fact[]
  readonly assertions: readonly CoreAssertion[]
  readonly span: Span
}

/** A checked policy: everything later stages need. */
export interface CheckedPolicy {
  readonly files: readonly SourceFile[]
  /** Desugared rules in source order, then the implicit `allow` rules where they apply. */
  readonly rules: readonly CoreRule[]
  /** For every type name of the policy (and `Actor`, `Resource`): the concrete types whose values satisfy `x: name`, sorted. A name that is missing means only itself. */
  readonly concreteTypes: ReadonlyMap<string, readonly string[]>
  readonly signatures: readonly FactSignature[]
  readonly tests: readonly CoreTest[]
  /** Own and inherited names per block, sorted; `global` is always there. */
  readonly metadata: Readonly<Record<string, ResourceMetadata>>
  /** `name/length` of every predicate of heads, body calls and declares, and of the always known goals. */
  readonly predicates: ReadonlySet<string>
}

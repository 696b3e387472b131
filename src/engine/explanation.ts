/** What `explain` answers, as it goes over the wire: a proof for an allow, failed attempts and missing facts for a deny. */
import type { Fact } from '../base/value.ts'

/** A place in the policy, as its author wrote it. Null stands for the implicit `allow` rules. */
export interface RuleSource {
  readonly file: string
  /** 1-based, in code points. */
  readonly line: number
  readonly column: number
  /** The line of the policy, without indentation, cut when it is long. */
  readonly text: string
}

/** An argument of an atom: a value, or any of a type (`id` null), or anything (`type` null too). */
export interface AtomArgument {
  readonly type: string | null
  readonly id: string | null
  /** In missing facts: arguments of the same name are to be the same value, a new one will do. */
  readonly variable?: string
}

export interface ShownAtom {
  readonly predicate: string
  readonly args: readonly AtomArgument[]
}

/** Why an atom holds. */
export type Proof =
  | { readonly kind: 'fact'; readonly atom: ShownAtom; readonly origin: 'stored' | 'context' }
  | { readonly kind: 'rule'; readonly atom: ShownAtom; readonly source: RuleSource | null; readonly conditions: readonly Condition[] }
  /** Its proof stands elsewhere in the answer. */
  | { readonly kind: 'repeated'; readonly atom: ShownAtom }
  /** Left out: the answer is as long as it may be. */
  | { readonly kind: 'truncated'; readonly atom: ShownAtom }

/** A condition of a rule that holds. */
export type Condition =
  | { readonly kind: 'call'; readonly source: RuleSource | null; readonly proof: Proof }
  /** A comparison, equality or list, with its values. */
  | { readonly kind: 'test'; readonly source: RuleSource | null; readonly text: string }
  /** A negation: none of `absent` is a fact; `because`: what keeps negations inside it from holding. */
  | {
      readonly kind: 'absent'
      readonly source: RuleSource | null
      readonly text: string
      readonly absent: readonly ShownAtom[]
      readonly because: readonly Condition[]
    }

/** The condition at which a rule fails. */
export type FailedCondition =
  /** Nothing makes the atom hold, nor the same of other values. `attempts`: the rules that could have; `stored`: whether a fact could. */
  | {
      readonly kind: 'call'
      readonly source: RuleSource | null
      readonly atom: ShownAtom
      readonly stored: boolean
      readonly attempts: readonly Attempt[]
      /** `repeated`: the other attempts stand elsewhere in the answer; `truncated`: they were left out. */
      readonly rest: 'complete' | 'repeated' | 'truncated'
    }
  /** A comparison, equality or list that no fact can change for these values. */
  | { readonly kind: 'test'; readonly source: RuleSource | null; readonly text: string }
  /** A negation of something that holds. */
  | { readonly kind: 'blocked'; readonly source: RuleSource | null; readonly text: string; readonly because: readonly Condition[] }

/** A rule that could have given an atom: what held before it failed, and which facts it lacks. */
export interface Attempt {
  readonly atom: ShownAtom
  readonly source: RuleSource | null
  readonly held: readonly Condition[]
  readonly failed: FailedCondition
  /** With these facts added the rule gives the atom; null when no such facts were found. */
  readonly missing: readonly ShownAtom[] | null
}

export interface Explanation {
  readonly allowed: boolean
  readonly atom: ShownAtom
  /** For an allow. */
  readonly proof: Proof | null
  /** Every fact that the proof rests on, also those of what is truncated. */
  readonly facts: readonly Fact[]
  /** Patterns of facts that the proof needs not to be there. */
  readonly absent: readonly ShownAtom[]
  /** For a deny: the rules that could have given the atom. */
  readonly attempts: readonly Attempt[]
  /** For a deny: few facts which, added, give an allow; null when none were found. */
  readonly missing: readonly ShownAtom[] | null
  /** Whether something was left out. */
  readonly truncated: boolean
}

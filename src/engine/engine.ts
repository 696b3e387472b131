/** The questions that an environment answers. `createEngine` in `create.ts` builds one from a checked policy and a store. */
import type { Fact, Value, ValuePattern } from '../base/value.ts'
import type { CheckedPolicy } from '../check/core.ts'
import type { refusals } from '../polar/codes.ts'
import type { Question } from './question.ts'

/** What every question carries: facts that count for this request only, the request's clock, its budget. */
export interface Request {
  /** Concrete, canonical, and accepted by the policy's signatures. */
  readonly contextFacts: readonly Fact[]
  /** `@current_unix_time`. */
  readonly unixSeconds: number
  /** Milliseconds of a monotonic clock, for the time budget; null where the clock stands still. */
  readonly nowMs: (() => number) | null
  readonly timeoutMs: number
}

/** One variable of a conjunctive query: an exact type, and the ids it may have (null: any). */
export interface Constraint {
  readonly type: string
  readonly ids: readonly string[] | null
}

export interface ConjunctiveQuery {
  /** The main predicate first. Arguments are variable names. */
  readonly calls: readonly { readonly predicate: string; readonly args: readonly string[] }[]
  readonly constraints: Readonly<Record<string, Constraint>>
}

/** Id per variable; null is a wildcard. */
export type Row = Readonly<Record<string, string | null>>

/** At most `size` ids of a type after `after`; null: from the start. */
export interface PageRequest {
  readonly resourceType: string
  readonly size: number
  readonly after: string | null
}

export interface ListPage {
  readonly ids: readonly string[]
  /** Whether more ids follow the last one. */
  readonly more: boolean
}

/** A shape that was asked, for another engine to prepare: a check by sample values, rows or a walk by their question. */
export type HotShape = { readonly policy: CheckedPolicy } & (
  | { readonly kind: 'check'; readonly values: readonly Value[] }
  | { readonly kind: 'rows'; readonly question: Question; readonly contextFacts: readonly Fact[] }
  | { readonly kind: 'walk'; readonly question: Question }
)

export interface Engine {
  authorize(actor: Value, action: string, resource: Value, request: Request): boolean
  /** `allow/2`: a global permission. */
  authorizeGlobal(actor: Value, action: string, request: Request): boolean
  /** The allowed ones, order and duplicates kept. */
  authorizeResources(actor: Value, action: string, resources: readonly Value[], request: Request): Value[]
  /** Every id, `*` first where there is a wildcard, then bytewise ascending. */
  list(actor: Value, action: string, resourceType: string, request: Request): string[]
  /** At most `size` ids that follow `after` (null: from the start) in that same order. */
  listPage(actor: Value, action: string, page: PageRequest, request: Request): ListPage
  /** Distinct, bytewise ascending; a wildcard is replaced by the declared permissions of the resource's type. */
  actions(actor: Value, resource: Value, request: Request): string[]
  /** Distinct rows sorted by the variables in order of first appearance, null first. */
  query(query: ConjunctiveQuery, request: Request): Row[]
  /** One-predicate query; an argument of an answer is `{type, id}`, `{type, null}` or `{null, null}` for a wildcard. Distinct and sorted. */
  match(
    predicate: string,
    args: readonly ValuePattern[],
    request: Request,
  ): { readonly predicate: string; readonly args: readonly ValuePattern[] }[]
  /** Frees prepared statements. */
  close(): void
}

/** What an engine remembers of subjects: `worthwhile` are the lists that are short by all estimates, `always` all that can be listed. */
export type Memory = 'none' | 'worthwhile' | 'always'

/** An engine that can hand over to the one that takes its place. */
export interface PreparingEngine extends Engine {
  /** The shapes that are prepared, at most so many. */
  hotShapes(most: number): HotShape[]
  /** Prepares a shape that another engine was asked, so that it costs the next request nothing. What cannot be prepared is left to that request. */
  prepare(shape: HotShape): void
}

export type QueryErrorCode = (typeof refusals)[number]

/** A question that is refused: answered 400, the process goes on. The message is for the caller. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
  readonly code: QueryErrorCode
  constructor(code: QueryErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

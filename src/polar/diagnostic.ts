/** What is wrong with a policy text: data, never thrown. */
import type { ErrorCode, WarningCode } from './codes.ts'
import type { SourceFile, Span } from './source.ts'

export type Severity = 'error' | 'warning'

export interface Diagnostic {
  readonly code: ErrorCode | WarningCode
  readonly severity: Severity
  /** Lower-case start, no period, one line, user text in back-ticks, expected and found. */
  readonly message: string
  readonly span: Span
  /** Further places, such as a first declaration. */
  readonly labels: readonly { readonly span: Span; readonly message: string }[]
  readonly hint: string | null
}

/** A stage's result: `value` is null when nothing usable came out. Stages never throw on user input. */
export interface Outcome<T> {
  readonly value: T | null
  readonly diagnostics: readonly Diagnostic[]
}

/** A place for people: 1-based line and column in Unicode code points, length of the marked text in code points. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly length: number
}

export type Locate = (files: readonly SourceFile[], span: Span) => Place

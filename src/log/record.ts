/** The record of the log: one API write, atomic everywhere. */
import type { Fact, FactPattern } from '../base/value.ts'

export type Change = { readonly kind: 'insert'; readonly fact: Fact } | { readonly kind: 'delete'; readonly pattern: FactPattern }

export type RecordBody =
  /** First record of an environment's log. */
  | { readonly kind: 'genesis' }
  /** In order; a later delete removes an earlier insert. */
  | { readonly kind: 'facts'; readonly changes: readonly Change[] }
  | { readonly kind: 'policy'; readonly source: string; readonly filename: string | null }
  | { readonly kind: 'clear' }

export interface LogRecord {
  readonly format: 1
  readonly logId: string
  readonly writeId: string
  readonly appendedAtMs: number
  readonly body: RecordBody
}

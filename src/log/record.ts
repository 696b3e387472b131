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
  /** The environment goes back to what an immutable snapshot holds, and on from there. Replicas load the object; `apply` stops in front of it. */
  | RestoreBody

export interface RestoreBody {
  readonly kind: 'restore'
  /** Key in the object store, without its prefix. */
  readonly key: string
  /** Of the stored bytes, in hexadecimal. */
  readonly sha256: string
  readonly storedBytes: number
  readonly rawBytes: number
  /** State hash and revision of what the object holds. */
  readonly stateHash: string
  readonly revision: number
}

export interface LogRecord {
  readonly format: 1
  readonly logId: string
  readonly writeId: string
  readonly appendedAtMs: number
  readonly body: RecordBody
}

/** Errors of object stores in one wording: operation, key, store, cause, hint, and whether it mends itself. */
import { StoreError, type StoreErrorCode } from './object-store.ts'

export interface StoreCall {
  readonly store: string
  readonly operation: 'get' | 'put' | 'list' | 'delete' | 'check'
  /** Key or prefix. */
  readonly key: string
}

export const storeFailure = (code: StoreErrorCode, call: StoreCall, why: string, cause?: unknown): StoreError =>
  new StoreError(
    code,
    `${call.operation} of \`${call.key}\` in ${call.store}: ${why}; ${recovery[code]}`,
    cause === undefined ? undefined : { cause },
  )

/** What an error says of itself, for the middle of a sentence. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  // Of several addresses of one name each failed.
  if (error.message === '' && error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  // `fetch failed` says nothing, its cause does.
  const { cause } = error
  return cause instanceof Error && cause.message !== '' ? `${error.message} (${cause.message})` : error.message || error.name
}

const recovery: Readonly<Record<StoreErrorCode, string>> = {
  unavailable: 'recovery is automatic, it is tried again',
  denied: 'recovery is not automatic: correct the credentials or their rights',
  missing: 'recovery is not automatic: create it, or correct the place of the store',
  precondition: 'another writer was faster',
  'read-only': 'recovery is not automatic: it takes no writes',
  'too-large': 'recovery is not automatic',
}

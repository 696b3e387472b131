/** Checking a policy and running its tests, away from the thread that serves. */
import type { CheckedPolicy } from '../src/check/core.ts'
import type { NeededIndex } from '../src/engine/indexes.ts'
import type { PolicyTestResult } from '../src/wire/responses.ts'

export interface PolicyCheckRequest {
  readonly source: string
  readonly filename: string | null
  readonly runTests: boolean
  readonly failFast: boolean
}

/** A diagnostic for people: `file:line:column: message`, and how to mend it. */
export interface PolicyMessage {
  readonly text: string
  readonly hint: string | null
}

export type PolicyReport =
  | { readonly kind: 'refused'; readonly errors: readonly PolicyMessage[]; readonly warnings: readonly PolicyMessage[] }
  | {
      readonly kind: 'checked'
      readonly warnings: readonly PolicyMessage[]
      /** Null when the tests were not run. */
      readonly tests: PolicyTestResult | null
      readonly policy: CheckedPolicy
      /** What the policy is worth indexing: planned here, away from the thread that serves. */
      readonly indexes: readonly NeededIndex[]
    }
  /** Checking took longer than its budget. */
  | { readonly kind: 'over-budget'; readonly message: string }

export interface PolicyChecker {
  /** Rejects with ApiError 503 when no checker is available. */
  check(request: PolicyCheckRequest): Promise<PolicyReport>
  close(): Promise<void>
}

/** Response bodies: exactly these keys, because strict clients fail on any other. */
import type { Fact, FactPattern, Value, ValuePattern } from '../base/value.ts'

export type ValueBody = Value
export type FactBody = Fact
/** Wildcards are null. */
export type ValuePatternBody = ValuePattern
export type FactPatternBody = FactPattern

export interface MessageBody {
  readonly message: string
}

export interface AuthorizeBody {
  readonly allowed: boolean
}

export interface ResultsBody {
  readonly results: readonly string[]
}

export interface ListBody extends ResultsBody {
  /** Only when the request was paginated; null on the last page. */
  readonly next_page_token?: string | null
}

export interface AuthorizedResourcesBody {
  readonly results: readonly ValueBody[]
}

export interface QueryBody {
  readonly results: readonly FactPatternBody[]
}

export interface EvaluateQueryBody {
  readonly results: readonly Readonly<Record<string, string | null>>[]
}

export type FactsBody = readonly FactBody[]

export interface PolicyBody {
  readonly policy: { readonly filename: string | null; readonly src: string } | null
}

export interface MetadataBody {
  readonly metadata: {
    readonly resources: Readonly<
      Record<
        string,
        { readonly roles: readonly string[]; readonly permissions: readonly string[]; readonly relations: Readonly<Record<string, string>> }
      >
    >
  }
}

export interface PolicyError {
  readonly error_type: 'ValidationFailed' | 'AssertionFailed' | 'ServerError'
  readonly message: string
}

export interface TestSummary {
  readonly name: string
  readonly passed: number
  readonly total: number
}

export interface PolicyTestResult {
  readonly success: boolean
  readonly errors: readonly PolicyError[]
  readonly tests: readonly TestSummary[]
}

export type SavePolicyError =
  | { readonly error_type: 'Validation'; readonly message: string; readonly errors: readonly PolicyError[] }
  | { readonly error_type: 'TestsFailed'; readonly message: string; readonly test_results: PolicyTestResult }
  | { readonly error_type: 'Generic'; readonly message: string }

export interface StatsBody {
  readonly policy: { readonly versions: readonly string[] }
  readonly facts: { readonly total: number; readonly predicates: Readonly<Record<string, number>> }
}

export interface TestEnvironmentBody {
  readonly token: string
}

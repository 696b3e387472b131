/** Response bodies: exactly these keys, because strict clients fail on any other. */
import type { Fact, FactPattern, Value, ValuePattern } from '../base/value.ts'
import type { Explanation } from '../engine/explanation.ts'

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

/** Of `/v1/explain`. */
export type ExplainBody = Explanation

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

export interface PolicyVersionBody {
  readonly version: number
  readonly filename: string | null
  /** When its record was appended: milliseconds since 1970. */
  readonly saved_at_ms: number
  readonly size_bytes: number
  readonly active: boolean
}

/** Newest first. */
export interface PolicyHistoryBody {
  readonly versions: readonly PolicyVersionBody[]
}

/** What the newest manifest of an environment says. */
export interface SnapshotStateBody {
  /** Last record in the newest snapshot, and the last one in it and the deltas. */
  readonly revision: number
  readonly covered_through: number
  readonly snapshots: number
  readonly deltas: number
  readonly stored_bytes: number
  /** Of the image in the newest snapshot. */
  readonly raw_bytes: number
  readonly written_at_ms: number
}

/** What is in an environment, and how fresh. */
export interface EnvironmentDetailsBody {
  readonly id: string
  readonly revision: number
  readonly staleness_ms: number | null
  readonly problem: string | null
  /** Of the state that answers, as it should be everywhere at this revision: 32 hexadecimal digits. */
  readonly state_hash: string
  /** Of the database in this process. */
  readonly memory_bytes: number
  readonly policy:
    | (PolicyVersionBody & {
        readonly rules: number
        readonly tests: number
        readonly types: Readonly<Record<string, { readonly roles: number; readonly permissions: number; readonly relations: number }>>
      })
    | null
  readonly policy_versions: number
  readonly facts: StatsBody['facts']
  /** Null where nothing is published, or where this process cannot see it. */
  readonly snapshot: SnapshotStateBody | null
}

export interface TestEnvironmentBody {
  readonly token: string
}

/** An environment as the admin API shows it. What is not known here at the moment is null. */
export interface EnvironmentBody {
  readonly id: string
  /** Of the log; null for one that is not in `control`. */
  readonly partition: number | null
  /** True for one that lives until the process stops. */
  readonly temporary: boolean
  /** Of the state that answers in this process. */
  readonly revision: number | null
  readonly facts: number | null
  readonly keys: number
  /** Why it cannot answer. */
  readonly problem: string | null
}

export interface EnvironmentsBody {
  readonly environments: readonly EnvironmentBody[]
}

/** Never the key itself, never its hash. */
export interface KeyBody {
  readonly environment: string
  readonly token_id: string
  readonly access: 'read-write' | 'read-only'
  /** `control`: valid in every cell, can be revoked; `process`: from the key file or a development server. */
  readonly source: 'control' | 'process'
}

export interface KeysBody {
  readonly keys: readonly KeyBody[]
}

export interface CreatedKeyBody extends KeyBody {
  /** Shown this once. */
  readonly key: string
}

export interface SnapshotBody {
  readonly environment: string
  /** Last record in the newest snapshot. */
  readonly revision: number
  readonly covered_through: number
  /** Of the object, in the store. */
  readonly key: string
}

export interface RestoredBody {
  readonly environment: string
  /** Of the record that every cell follows. */
  readonly revision: number
}

export interface EnvironmentStatusBody {
  readonly id: string
  /** Null: nobody uses it, and it is loaded when it is asked for. */
  readonly revision: number | null
  /** Last revision of the log, where this environment's partition is; null while the replicator does not tell. */
  readonly head: number | null
  /** Revisions up to the head of which it is not known whether they are of this environment. */
  readonly lag: number | null
  /** Null: it was never known to be the newest. */
  readonly staleness_ms: number | null
  readonly problem: string | null
}

export interface StatusBody {
  /** Why the process does not serve; null when it does. */
  readonly unready: string | null
  readonly log: {
    readonly id: string
    readonly state: 'running' | 'failed' | 'closed' | 'unreachable'
    readonly problem: string | null
    readonly pending_appends: number
  }
  readonly environments: readonly EnvironmentStatusBody[]
}

/** What the routes work with. */
import type { CheckedPolicy } from '../src/check/core.ts'
import type { Engine } from '../src/engine/engine.ts'
import type { NeededIndex } from '../src/engine/indexes.ts'
import type { RecordBody } from '../src/log/record.ts'
import type { Store } from '../src/store/facts.ts'
import type { Position } from '../src/wire/position.ts'
import type { RateLimits } from './admission.ts'
import type { KeyRing } from './keys.ts'
import type { Platform } from './platform.ts'
import type { PolicyChecker } from './policy-checker.ts'
import type { Repetitions } from './repetitions.ts'

/** How a write ended: it is durable at `offset`; `applied` tells whether this cell has applied it already. */
export interface Written {
  readonly offset: string
  readonly applied: boolean
}

/** A replica that answers the questions of one environment. */
/** A policy text, checked elsewhere. */
export interface CompiledPolicy {
  readonly source: string
  readonly policy: CheckedPolicy
  readonly indexes: readonly NeededIndex[]
}

export interface Environment {
  readonly id: string
  readonly store: Store
  /** The active policy, or the empty one. */
  readonly policy: CheckedPolicy
  readonly engine: Engine
  /** `<logId>:<revision>` of the state that answers. */
  readonly position: string
  /** The newest position that this environment has answered or acknowledged: what a mutation without a record of its own answers. */
  readonly acknowledged: string
  /** Why this environment cannot answer, or null. */
  readonly problem: string | null
  stalenessMs(): number
  /** True when the position is reached; a promise that tells so within the bound otherwise. A position of another log counts as reached. */
  reach(position: Position, timeoutMs: number): true | Promise<boolean>
  /** A policy that is about to be written, already compiled: it becomes active without compiling it again. */
  expectPolicy(compiled: CompiledPolicy): void
  /** Rejects with ApiError: 413, 503 when the log is not available or the outcome is unknown. */
  write(body: RecordBody, writeId: string): Promise<Written>
}

export interface Environments {
  find(id: string): Environment | undefined
  /** An isolated environment that lives until the process stops. */
  createTemporary(id: string): Promise<Environment>
  readonly temporaryCount: number
  all(): Iterable<Environment>
}

/** The bounds in force; a null is no bound. */
export interface ServiceLimits {
  readonly readBytes: number
  readonly writeBytes: number
  readonly contextFacts: number | null
  readonly batchFacts: number | null
  readonly wildcardDeleteFacts: number | null
  readonly getFacts: number
  readonly queryTimeoutMs: number
  readonly tokenWaitMs: number
  readonly concurrentRequests: number | null
  readonly readsPerSecond: number | null
  readonly factUpdatesPerMinute: number | null
  readonly testEnvironments: number
}

export interface Service {
  readonly platform: Platform
  readonly limits: ServiceLimits
  readonly rates: RateLimits
  readonly repetitions: Repetitions
  readonly keys: KeyRing
  readonly environments: Environments
  readonly policies: PolicyChecker
  /** Secret for page tokens, or null: then they are bound to the log's id. */
  readonly secret: string | null
  /** True on a development server: POST /test_environment exists there only. */
  readonly development: boolean
  /** Why the process does not serve (starting, draining), or null. */
  readonly unready: () => string | null
}

/** What the routes work with. */
import type { CompiledPolicy } from '../snapshots/compiled-policies.ts'
import type { Manifest } from '../snapshots/manifest.ts'
import type { CheckedPolicy } from '../src/check/core.ts'
import type { Engine } from '../src/engine/engine.ts'
import type { RecordBody } from '../src/log/record.ts'
import type { Store } from '../src/store/facts.ts'
import type { Position } from '../src/wire/position.ts'
import type { RateLimits } from './admission.ts'
import type { Admin } from './control-admin.ts'
import type { Origin } from './edge-origin.ts'
import type { KeyRing } from './keys.ts'
import type { Platform } from './platform.ts'
import type { PolicyChecker } from './policy-checker.ts'
import type { Repetitions } from './repetitions.ts'

/** How a write ended: it is durable at `offset`; `applied` tells whether this cell has applied it already. */
export interface Written {
  readonly offset: string
  readonly applied: boolean
}

/** What answers the questions of one environment. */
export interface Environment {
  readonly id: string
  readonly store: Store
  /** The active policy, or the empty one. */
  readonly policy: CheckedPolicy
  readonly engine: Engine
  /** `<logId>:<revision>` of the state that answers. */
  readonly position: string
  /** Nothing of it up to this revision is missing; environments that share a partition share its revisions. */
  readonly through: number
  /** The newest position that this environment has answered or acknowledged: what a mutation without a record of its own answers. */
  readonly acknowledged: string
  /** Why this environment cannot answer, or null. */
  readonly problem: string | null
  /** Time since this state was last known to be the newest; null: that is not known yet. */
  stalenessMs(): number | null
  /** True when the position is reached; a promise that tells so within the bound otherwise. A position of another log counts as reached. */
  reach(position: Position, timeoutMs: number): true | Promise<boolean>
  /** Where requests bring the state up to date: true when that is not needed, a promise that settles when it was tried within the time otherwise. */
  freshen?(maxStalenessMs: number | null, timeoutMs: number): true | Promise<void>
  /** There is no room for what is newer than this state: whoever else has it answers better. */
  readonly isCramped?: boolean
  /** A question that needs more memory than there is may be answered by whoever has more. */
  readonly hasLittleMemory?: boolean
  /** A policy that is about to be written, already compiled: it becomes active without compiling it again. */
  expectPolicy(compiled: CompiledPolicy): void
  /** Rejects with ApiError: 413, 503 when the log is not available or the outcome is unknown. */
  write(body: RecordBody, writeId: string): Promise<Written>
  /** Keeps it from being dropped until the result is called, where that happens. */
  hold?(): () => void
  /** For work that holds its store or engine across an await: neither is given back before the result is called. */
  enter?(): () => void
}

export interface Environments {
  find(id: string): Environment | undefined
  /** Loads one that is not there yet; undefined when there is none to load. Rejects with ApiError 503. */
  load?(id: string): Promise<Environment> | undefined
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
  /** Reads of an older state are refused. */
  readonly maxStalenessMs: number | null
  readonly concurrentRequests: number | null
  readonly readsPerSecond: number | null
  readonly factUpdatesPerMinute: number | null
  readonly testEnvironments: number
}

export interface Service {
  /** A cell writes; an edge passes writes to its origin, or refuses them; a fallback refuses them. */
  readonly kind: 'cell' | 'edge' | 'fallback'
  /** Where an edge sends writes, and reads that it is too old for. */
  readonly origin: Origin | null
  readonly platform: Platform
  readonly limits: ServiceLimits
  readonly rates: RateLimits
  readonly repetitions: Repetitions
  readonly keys: KeyRing
  readonly environments: Environments
  readonly policies: PolicyChecker
  /** What the admin key may do; null where there is no replicator. */
  readonly admin: Admin | null
  /** Secret for page tokens, or null: then they are bound to the log's id. */
  readonly secret: string | null
  /** What is published of an environment, where this process can see it. Rejects with LoadError. */
  readonly published: ((env: string) => Promise<Manifest | null>) | null
  /** True on a development server: POST /test_environment exists there only. */
  readonly development: boolean
  /** Why the process does not serve (starting, draining), or null. */
  readonly unready: () => string | null
}

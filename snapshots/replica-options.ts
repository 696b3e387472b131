/** What a replica works with, and how it is replaced. */
import type { Store } from '../src/store/facts.ts'
import type { CompiledPolicy } from './compiled-policies.ts'
import type { SnapshotPlatform } from './platform.ts'
import type { StorePool } from './store-pool.ts'

export interface ReplicaOptions {
  readonly id: string
  readonly pool: StorePool
  /** Of this pool, which gets it back; by default an empty one. */
  readonly store?: Store
  /** Nothing up to this position is missing in the store; by default its revision. */
  readonly through?: number
  readonly platform: Pick<SnapshotPlatform, 'log' | 'pause' | 'monotonicMs'>
  /** Rows of a table up to which a missing index is built here. */
  readonly indexRows?: number
  /** Compiles a policy away from this thread; null when it cannot be done now. */
  readonly compile?: (source: string, filename: string | null) => Promise<CompiledPolicy | null>
  /** Whoever entered so long ago and has not left was cut off, as a request may be; by default nobody is. */
  readonly holdMs?: number
}

export interface SwapOptions {
  /** Also back in the same log, to another log, and without the records that arrived meanwhile: the next push has to follow `through`. */
  readonly force?: boolean
}

/** What the publication of one environment works with. */
import type { ObjectStore } from './object-store.ts'
import type { SnapshotPlatform } from './platform.ts'
import type { SnapshotPaceSettings } from './snapshot-pace.ts'
import type { StorePool } from './store-pool.ts'

export interface PublicationOptions {
  readonly objects: ObjectStore
  readonly env: string
  readonly platform: SnapshotPlatform
  /** For reading snapshots back. */
  readonly pool: StorePool
  /** Version of the engine, for the manifest. */
  readonly engine: string
  /** Of the lease that is held now. */
  readonly epoch: () => number
  readonly settings: PublicationSettings
}

export interface PublicationSettings extends SnapshotPaceSettings {
  readonly retainedSnapshots: number
  /** How long nothing has named an object before it is deleted; an hour without it. */
  readonly unreferencedMs?: number
}

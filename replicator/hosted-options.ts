/** What one hosted environment works with. */
import type { Later } from '../snapshots/later.ts'
import type { ObjectStore } from '../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../snapshots/platform.ts'
import type { PublicationSettings } from '../snapshots/publication-options.ts'
import type { StorePool } from '../snapshots/store-pool.ts'
import type { Log } from '../src/log/log.ts'
import type { Hosted } from './hosted.ts'
import type { RecentRecords } from './recent.ts'

export interface HostedOptions {
  readonly env: string
  readonly log: Log
  /** Of this cell. */
  readonly local: ObjectStore
  readonly remote: ObjectStore | null
  /** Made since this process began: less of it is shared than its log holds, when that holds it whole. */
  readonly isNew: boolean
  /** All its records are behind this revision; null: it is not known where they begin. */
  readonly bornAfter: number | null
  readonly pool: StorePool
  readonly platform: SnapshotPlatform
  readonly recent: RecentRecords
  readonly later: Later
  readonly engine: string
  readonly settings: PublicationSettings
  /** Has the log follow this environment, from its head on. */
  readonly assign: () => void
  /** After every turn of the own replica, and when its state was replaced. */
  readonly changed: (hosted: Hosted) => void
}

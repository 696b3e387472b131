/** Objects of an edge where each snapshot is the whole next state of its environment: nothing but an image leads there, so that an edge has to swap. */
import { replicaImage } from '../../replicator/replica-image.ts'
import { type Manifest, manifestFormat, manifestKey, printManifest, type SnapshotEntry } from '../../snapshots/manifest.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../../snapshots/platform.ts'
import type { StorePool } from '../../snapshots/store-pool.ts'
import { uploadSnapshot } from '../../snapshots/upload.ts'
import { apply } from '../../src/log/apply.ts'
import type { Change, RecordBody } from '../../src/log/record.ts'
import type { Store } from '../../src/store/facts.ts'

export interface EdgeImagesOptions {
  readonly objects: ObjectStore
  readonly env: string
  readonly pool: StorePool
  readonly platform: SnapshotPlatform
}

/** As `load` names it. */
const LOG = 'bench'

/** Writes one record; the positions of a state may lie far apart. */
export const writeRecord = (store: Store, revision: number, body: RecordBody): void => {
  apply(store, [{ revision, record: { format: 1, logId: LOG, writeId: `w${revision}`, appendedAtMs: 0, body } }])
}

/** A new state with a policy, or without one. */
export const emptyState = (pool: StorePool, policy: string | null): Store => {
  const store = pool.create()
  writeRecord(store, 0, { kind: 'genesis' })
  if (policy !== null) writeRecord(store, 1, { kind: 'policy', source: policy, filename: null })
  return store
}

export const insertsOf = (facts: readonly Extract<Change, { readonly kind: 'insert' }>['fact'][]): RecordBody => ({
  kind: 'facts',
  changes: facts.map((fact) => ({ kind: 'insert', fact })),
})

export class EdgeImages {
  readonly #options: EdgeImagesOptions

  constructor(options: EdgeImagesOptions) {
    this.#options = options
  }

  /** Uploads the state as it is; nobody is told yet. */
  async upload(store: Store): Promise<SnapshotEntry> {
    const { objects, env, pool, platform } = this.#options
    return (await uploadSnapshot({ objects, env, pool, platform }, replicaImage(store, store.revision()))).entry
  }

  /** From now on it is the only one. */
  async show(entry: SnapshotEntry): Promise<void> {
    const { objects, env } = this.#options
    const manifest: Manifest = {
      format: manifestFormat,
      logId: LOG,
      env,
      epoch: 1,
      coveredThrough: entry.through,
      snapshots: [entry],
      deltas: [],
      engine: '0.0.0',
      createdAtMs: 0,
    }
    await objects.put(manifestKey(env), printManifest(manifest))
  }
}

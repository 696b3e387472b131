/** Images of replicas for tests, made from records as a replicator makes them. */
import { sqliteModule, trampolineModule } from '#wasm'
import { createStorePool, type MeasuredStorePool } from '../../snapshots/pool.ts'
import type { StorePool } from '../../snapshots/store-pool.ts'
import { apply } from '../../src/log/apply.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import type { Store } from '../../src/store/facts.ts'

const DEFAULT_BYTES = 512 * 1024 * 1024

export const testPool = (maxBytes = DEFAULT_BYTES): MeasuredStorePool =>
  createStorePool({ sqlite: sqliteModule, trampoline: trampolineModule, maxBytes, nowMs: () => 1_700_000_000_000 })

export const applyTo = (store: Store, records: readonly RevisedRecord[]): void => {
  apply(store, records)
}

/** The database after these records. */
export const imageOf = (records: readonly RevisedRecord[], change: (store: Store) => void = () => {}): Uint8Array => {
  const pool = testPool()
  const store = pool.create()
  applyTo(store, records)
  change(store)
  const image = store.database.serialize()
  pool.release(store)
  return image
}

/** A store over an image, in memory of the pool. */
export const storeOf = (pool: StorePool, image: Uint8Array, chunkBytes = 64 * 1024): Store => {
  const writer = pool.receive(image.length)
  for (let start = 0; start < image.length; start += chunkBytes) writer.write(image.subarray(start, start + chunkBytes))
  return writer.finish()
}

/** From a replicator's snapshot to a store: the bytes go straight into the memory that they are served from, and are checked before anyone sees them. */
import type { InnerSnapshot } from '../src/log/inner.ts'
import { environmentOf, foreignTo } from '../src/store/environment.ts'
import type { Store } from '../src/store/facts.ts'
import { schemaVersion } from '../src/store/schema.ts'
import type { SnapshotPlatform } from './platform.ts'
import type { Received } from './prepare-next.ts'
import { ImageError, type ImageWriter, type StorePool } from './store-pool.ts'

/** Copied in one turn: about a millisecond. */
const TURN_BYTES = 1024 * 1024

export interface ReceiveOptions {
  /** That was asked for. */
  readonly env: string
  readonly pool: StorePool
  readonly platform: Pick<SnapshotPlatform, 'pause'>
}

/** Rejects with ImageError, SqlError 7, or what breaks the transfer off; the memory is given back then. */
export const receiveImage = async (snapshot: InnerSnapshot, { env, pool, platform }: ReceiveOptions): Promise<Received> => {
  if (snapshot.schemaVersion !== schemaVersion) {
    throw new ImageError(`the snapshot has schema version ${snapshot.schemaVersion}, want ${schemaVersion}`)
  }
  const writer = pool.receive(snapshot.rawBytes)
  await writeAll(writer, snapshot.chunks, platform.pause)
  const store = writer.finish()
  try {
    const fault = faultOf(store, snapshot, env)
    if (fault === null) return { store, through: snapshot.through }
    throw new ImageError(fault)
  } catch (error) {
    pool.release(store)
    throw error
  }
}

const faultOf = (store: Store, snapshot: InnerSnapshot, env: string): string | null => {
  const foreign = foreignTo(environmentOf(store.database), env)
  if (foreign !== null) return `the image ${foreign}`
  const [stateHash, revision] = [store.stateHash(), store.revision()]
  if (stateHash === snapshot.stateHash && revision === snapshot.revision) return null
  return `the image has state ${stateHash} at ${revision}, announced was ${snapshot.stateHash} at ${snapshot.revision}`
}

const writeAll = async (writer: ImageWriter, chunks: AsyncIterable<Uint8Array>, pause: () => Promise<void>): Promise<void> => {
  try {
    let turnBytes = 0
    for await (const chunk of chunks) {
      for (let start = 0; start < chunk.length; start += TURN_BYTES) {
        const part = chunk.subarray(start, start + TURN_BYTES)
        writer.write(part)
        turnBytes += part.length
        if (turnBytes < TURN_BYTES) continue
        turnBytes = 0
        await pause()
      }
    }
  } catch (error) {
    writer.abort()
    throw error
  }
}

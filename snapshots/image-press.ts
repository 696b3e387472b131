/** Makes a stored object of an image, and proves that a stored object is that image: most of the work of publishing, which a platform may do elsewhere. */
import type { Store } from '../src/store/facts.ts'
import { snapshotLimits } from './bounds.ts'
import { hashChunks } from './chunk-hashes.ts'
import { type ExpectedImage, type LoadFrom, loadImage } from './load-snapshot.ts'
import type { ObjectStore } from './object-store.ts'
import type { SnapshotPlatform } from './platform.ts'

export interface ImagePress {
  /** Resolves when it is ready: before that an image would be made beside its start, on two processors at once. */
  begin(): Promise<void>
  /** The image compressed, with its hashes. The bytes are given away: nobody may look at them afterwards. */
  pack(raw: Uint8Array): Promise<PackedImage>
  /** Loads the image from the store, as a replica does that starts with it. Rejects with LoadError. */
  prove(objects: ObjectStore, image: ExpectedImage, recomputedFacts: number): Promise<ProvenImage>
}

export interface PackedImage {
  readonly bytes: Uint8Array
  /** Of those. */
  readonly sha256: string
  /** Of the image, chunk by chunk. */
  readonly chunks: readonly string[]
}

export interface ProvenImage {
  /** What the facts themselves add up to; null when they are more than was asked for. */
  readonly recomputed: { readonly stateHash: string; readonly policyHash: string | null } | null
}

/** On the calling thread, in turns, with the stores of its pool. */
export const pressHere = ({ pool, platform }: Pick<LoadFrom, 'pool' | 'platform'>): ImagePress => ({
  begin: async () => undefined,
  async pack(raw) {
    const chunks = await hashChunks(raw, platform)
    return { ...(await packedBytes(raw, platform)), chunks }
  },
  async prove(objects, image, recomputedFacts) {
    const store = await loadImage({ objects, pool, platform }, image)
    try {
      return { recomputed: recomputedOf(store, recomputedFacts) }
    } finally {
      pool.release(store)
    }
  },
})

/** Bytes compressed, and the hash of that. */
export const packedBytes = async (
  raw: Uint8Array,
  platform: Pick<SnapshotPlatform, 'gzip' | 'sha256' | 'pause'>,
): Promise<{ readonly bytes: Uint8Array; readonly sha256: string }> => {
  const bytes = await platform.gzip(raw)
  const hash = platform.sha256()
  for (let start = 0; start < bytes.length; start += snapshotLimits.turnBytes) {
    hash.update(bytes.subarray(start, start + snapshotLimits.turnBytes))
    await platform.pause()
  }
  return { bytes, sha256: hash.digest() }
}

const recomputedOf = (store: Store, facts: number): ProvenImage['recomputed'] =>
  store.totals().total > facts ? null : { stateHash: store.recomputeStateHash(), policyHash: store.policyHash() }

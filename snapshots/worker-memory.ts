/** What fits into a Worker, of which platform and code take a part of 128 MB: readers keep to it, publishers tell of what does not fit. */
import type { HeldBounds } from '../src/store/held.ts'
import { snapshotLimits } from './bounds.ts'
import type { DeltaBounds } from './replay.ts'

const mib = 1024 * 1024

export const workerMemory = {
  /** Of all databases together. */
  defaultMib: 99,
  /** The database of the keys, and two of the smallest others. */
  minimumMib: 32,
} as const

/** Of the database of the keys, while it is small. */
const CONTROL_BYTES = 2 * mib
/** What a database takes beside its image: caches, statements, what a question needs. */
const BESIDE_BYTES = 3 * mib
/** What the memory of a database begins with, of which SQLite takes 0.8 MiB: the module that is deployed asks for no more. */
export const workerFirstBytes = mib
/** An image is received with so much room to grow: a share of itself. */
export const workerSlack = 0.05

/** Of one of two databases that replace each other, beside the keys: what a question works out may make it no larger. */
export const workerShare = (totalMib: number = workerMemory.defaultMib): number => (totalMib * mib - CONTROL_BYTES) / 2

/** Bytes of the largest image of which two fit: it is replaced by a second one that is built while the first one answers. By default it is one of 45 MB. */
export const largestWorkerImage = (totalMib: number = workerMemory.defaultMib): number =>
  Math.floor((workerShare(totalMib) - BESIDE_BYTES) / (1 + workerSlack))

/** Deltas are unpacked outside of the databases: one at a time, and none that is larger than what publishers write, but for single records. */
export const workerDeltas: DeltaBounds = { ahead: 1, rawBytes: snapshotLimits.writtenDeltaBytes }

/** Outside of the databases, per environment: 3 MiB at most. */
export const workerHeld: HeldBounds = { cachedValues: 2500, residentBytes: mib / 2, rememberedNumbers: 50_000 }

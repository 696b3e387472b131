/** Bounds of snapshots, deltas and manifests: what a reader takes from an object store, and what a publisher keeps. */

const mib = 1024 * 1024

/** Raw bytes of an image under one hash. */
export const chunkBytes = 4 * mib

export const snapshotLimits = {
  /** Of a manifest: 100 snapshots of 2 GiB and 64 deltas fit. */
  manifestBytes: 8 * mib,
  /** The largest memory of a wasm instance (platform.md 5). */
  rawBytes: 2048 * mib,
  /** Gzip makes what does not shrink larger by less than this. */
  storedBytes: 2052 * mib,
  /** Of one manifest: as many as can be retained, and one more while a new one is listed. */
  snapshots: 101,
  deltas: 64,
  /** Records of one delta, raw and stored. A single record has at most 10 MiB. */
  deltaRawBytes: 32 * mib,
  deltaStoredBytes: 33 * mib,
  /** Raw bytes that a publisher puts into one delta: what the smallest reader, a Worker, has room for. A single larger record is a delta by itself. */
  writtenDeltaBytes: 4 * mib,
  /** Records that wait for the next delta, and about their bytes; over it they are dropped and a snapshot takes their place. */
  bufferedRecords: 65_536,
  bufferedBytes: 16 * mib,
  /** Changes behind the newest snapshot over which the next one is cut early, and the rest between two of those: so long at least, and so many times what one took. */
  replayedChanges: 20_000,
  restMs: 60_000,
  restTimes: 20,
  /** Deltas that become one when there are too many. */
  mergedDeltas: 32,
  /** Deltas that are fetched ahead of the one that is replayed. */
  deltasAhead: 4,
  /** Times that a manifest is read again, because another one took its place under a reader or a publisher. */
  attempts: 3,
  /** Facts up to which a publisher computes the state hash of its first snapshot anew: 4 s per million, on the thread that replicates (design.md 7). */
  recomputedFacts: 50_000,
  /** Images of so many bytes are packed and proven in a thread of their own, where there is one. */
  pressedBytes: 4 * mib,
  /** Records that are encoded or hashed between two pauses, in bytes. */
  turnBytes: mib,
} as const

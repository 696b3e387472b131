/** The platform of snapshots on Node: compression off the calling thread, and native hashes. */
import { createHash, randomUUID } from 'node:crypto'
import { pipeline, Readable } from 'node:stream'
import { promisify } from 'node:util'
import { constants, createGunzip, gzip } from 'node:zlib'
import type { WriteLogLine } from '../../src/ops/log-line.ts'
import { pause } from '../pause.ts'
import type { SnapshotPlatform } from '../platform.ts'
import { yieldPool } from './yielding-pool.ts'

/** Images barely shrink further at higher levels, which cost more (platform.md 6). */
export const compressionLevel = constants.Z_BEST_SPEED
/** Of one turn of the decompressing thread: with the default of 16 KiB going there and back takes as long as the work. */
const INFLATED_BYTES = 256 * 1024
const compress = promisify<Uint8Array, { readonly level: number }, Uint8Array>(gzip)

export const nodeSnapshotPlatform = (log: WriteLogLine): SnapshotPlatform => ({
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  newId: randomUUID,
  sha256: () => {
    const hash = createHash('sha256')
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') }
  },
  gzip: (bytes) => {
    const compressed = compress(bytes, { level: compressionLevel })
    yieldPool()
    return compressed
  },
  gunzip: (chunks) => {
    // The callback is what keeps a failure from being unhandled: it reaches whoever reads.
    const inflated = createGunzip({ chunkSize: INFLATED_BYTES })
    pipeline(Readable.from(chunks), inflated, () => undefined)
    return inflated
  },
  pause,
  log,
})

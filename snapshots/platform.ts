/** What the snapshot code asks of its platform: clocks, randomness, hashing, compression, log lines. */
import type { WriteLogLine } from '../src/ops/log-line.ts'
import type { ImagePress } from './image-press.ts'

export interface SnapshotPlatform {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
  /** Milliseconds of a clock that never goes back. */
  readonly monotonicMs: () => number
  /** A random uuid4. */
  readonly newId: () => string
  /** SHA-256 of what was written, part by part. */
  readonly sha256: () => Sha256Stream
  /** Off the calling thread where the platform can. */
  readonly gzip: (bytes: Uint8Array) => Promise<Uint8Array>
  /** Breaks off with an error when the bytes are no gzip or end early. A chunk is valid until the next one is asked for, and those that it is given may be, too, on
   * platforms of Workers. */
  readonly gunzip: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>
  /** Lets whatever waits run first. */
  readonly pause: () => Promise<void>
  /** For large images: away from the calling thread. Missing: there is no better place. */
  readonly press?: ImagePress
  readonly log: WriteLogLine
}

export interface Sha256Stream {
  update(bytes: Uint8Array): void
  /** In hexadecimal; ends the stream. */
  digest(): string
}

/** SHA-256 of each 4 MiB of an image: made when it is published, compared while it streams in. */
import { chunkBytes, snapshotLimits } from './bounds.ts'
import type { Sha256Stream, SnapshotPlatform } from './platform.ts'

/** `pause` behind each part: hashing 1 MiB takes half a millisecond. */
export const hashChunks = async (bytes: Uint8Array, { sha256, pause }: Pick<SnapshotPlatform, 'sha256' | 'pause'>): Promise<string[]> => {
  const hashes: string[] = []
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    const hash = sha256()
    const chunk = bytes.subarray(start, start + chunkBytes)
    for (let from = 0; from < chunk.length; from += snapshotLimits.turnBytes) {
      hash.update(chunk.subarray(from, from + snapshotLimits.turnBytes))
      await pause()
    }
    hashes.push(hash.digest())
  }
  return hashes
}

export class ChunkCheck {
  readonly #chunks: readonly string[] | null
  readonly #rawBytes: number
  readonly #sha256: () => Sha256Stream
  #hash: Sha256Stream
  #bytes = 0

  /** Without hashes only the bytes are counted. */
  constructor(rawBytes: number, chunks: readonly string[] | null, sha256: () => Sha256Stream) {
    this.#rawBytes = rawBytes
    this.#chunks = chunks
    this.#sha256 = sha256
    this.#hash = sha256()
  }

  /** What is wrong with the bytes up to the end of this part, or null. */
  fault(part: Uint8Array): string | null {
    if (this.#bytes + part.length > this.#rawBytes) return `it unpacks to more than ${this.#rawBytes} bytes`
    if (this.#chunks === null) {
      this.#bytes += part.length
      return null
    }
    let rest = part
    while (rest.length > 0) {
      const room = chunkBytes - (this.#bytes % chunkBytes)
      this.#hash.update(rest.subarray(0, room))
      this.#bytes += Math.min(room, rest.length)
      rest = rest.subarray(room)
      if (this.#bytes % chunkBytes !== 0 && this.#bytes !== this.#rawBytes) continue
      const index = Math.ceil(this.#bytes / chunkBytes) - 1
      if (this.#hash.digest() !== this.#chunks[index]) return `chunk ${index} differs from the manifest`
      this.#hash = this.#sha256()
    }
    return null
  }

  /** What is missing at the end, or null. */
  missing(): string | null {
    return this.#bytes === this.#rawBytes ? null : `it unpacks to ${this.#bytes} of ${this.#rawBytes} bytes`
  }
}

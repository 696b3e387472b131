/** A database image in the pieces that it travels in. */
import { limits } from '../src/base/limits.ts'

export async function* imageSlices(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let start = 0; start < bytes.length; start += limits.imageChunkBytes) yield bytes.subarray(start, start + limits.imageChunkBytes)
}

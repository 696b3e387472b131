/** The platform of snapshots where only web standards are: Workers, browsers, and Node in portable tests. */
import { sha256 } from '@noble/hashes/sha2.js'
import { hex } from '../src/base/hash.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import { chunkReader } from './chunk-reader.ts'
import { pause } from './pause.ts'
import type { SnapshotPlatform } from './platform.ts'

export const webSnapshotPlatform = (log: WriteLogLine): SnapshotPlatform => ({
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  newId: () => crypto.randomUUID(),
  sha256: () => {
    const hash = sha256.create()
    return { update: (bytes) => void hash.update(bytes), digest: () => hex(hash.digest()) }
  },
  gzip: async (bytes) => {
    const compressed = new Response(new Blob([owned(bytes)]).stream().pipeThrough(new CompressionStream('gzip')))
    return new Uint8Array(await compressed.arrayBuffer())
  },
  gunzip,
  pause,
  log,
})

async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new DecompressionStream('gzip')
  const reader = chunkReader(readable)
  const fed = feed(chunks, writable.getWriter())
  // It is awaited at the end; until then a failure of the source reaches the reader.
  fed.catch(() => undefined)
  let ended = false
  try {
    yield* reader.chunks
    ended = true
  } finally {
    // Whoever stops early frees the source too.
    if (!ended) await reader.cancel()
  }
  await fed
}

const feed = async (chunks: AsyncIterable<Uint8Array>, writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>): Promise<void> => {
  try {
    for await (const chunk of chunks) await writer.write(owned(chunk))
    await writer.close()
  } catch (error) {
    await writer.abort(error).catch(() => undefined)
    throw error
  }
}

/** The streams take no bytes of shared memory, which the types cannot tell from others. */
const owned = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.buffer instanceof ArrayBuffer ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes.slice()

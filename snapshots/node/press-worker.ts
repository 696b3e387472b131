/** The thread that packs and proves images, with a small heap of its own, which is collected in no time. */
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { gunzipSync, gzipSync } from 'node:zlib'
import { known } from '../../src/base/assert.ts'
import { type ImagePress, pressHere } from '../image-press.ts'
import { joinBytes } from '../join-bytes.ts'
import { LoadError } from '../load-error.ts'
import { memoryObjectStore } from '../memory-store.ts'
import type { WasmModules } from '../pool.ts'
import { compressionLevel, nodeSnapshotPlatform } from './platform.ts'
import type { FromPress, ToPress } from './press-messages.ts'
import { storePool } from './stores.ts'
import { NICENESS } from './yielding-pool.ts'

/** Of one piece of output: with the default of 16 KiB there are thousands. */
const PIECE_BYTES = 1024 * 1024
/** Of zlib. */
const LEAST_CHUNK_BYTES = 64

const port = known(parentPort, 'this file runs as a worker')
// The one cast: the parent sends exactly these modules.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const pool = storePool(workerData as WasmModules)

const platform = nodeSnapshotPlatform(() => undefined)

/** Works without a break: a thread that stays on its processor disturbs what answers less than threads that wake each other for every piece (measured with the
 * reads of the bench). Unpacks up to so many bytes at once; more are damage, whatever they are. */
const press = (rawBytes: number): ImagePress =>
  pressHere({
    pool,
    platform: {
      ...platform,
      gzip: async (bytes) => gzipSync(bytes, { level: compressionLevel, chunkSize: PIECE_BYTES }),
      async *gunzip(chunks) {
        const parts: Uint8Array[] = []
        for await (const chunk of chunks) parts.push(chunk)
        const maxOutputLength = Math.max(LEAST_CHUNK_BYTES, rawBytes + 1)
        yield gunzipSync(joinBytes(parts), { chunkSize: maxOutputLength, maxOutputLength })
      },
      // Nobody waits here.
      pause: () => Promise.resolve(),
    },
  })

const work = async (job: Exclude<ToPress, { kind: 'end' }>): Promise<FromPress> => {
  if (job.kind === 'begin') return { kind: 'begun' }
  if (job.kind === 'pack') return { kind: 'packed', ...(await press(0).pack(job.bytes)) }
  const { bytes, image, recomputedFacts } = job
  const objects = memoryObjectStore('the thread of images')
  await objects.put(image.key, bytes)
  return { kind: 'proven', ...(await press(image.rawBytes).prove(objects, image, recomputedFacts)) }
}

const answer = async (job: ToPress): Promise<void> => {
  if (job.kind === 'end') return port.close()
  try {
    const done = await work(job)
    port.postMessage(done, done.kind === 'packed' && done.bytes.buffer instanceof ArrayBuffer ? [done.bytes.buffer] : [])
  } catch (error) {
    port.postMessage(failureOf(error))
  }
}

const failureOf = (error: unknown): FromPress => {
  if (!(error instanceof LoadError))
    return { kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  const { code, operation, key, revision, reason } = error
  return { kind: 'refused', failure: { code, operation, key, revision, reason } }
}

try {
  // Of this thread: on Linux a priority belongs to one.
  if (process.platform === 'linux') setPriority(0, NICENESS)
} catch {
  // The system does not allow it: then it competes, as it would without this.
}
let last = Promise.resolve()
// Sent by `press-thread.ts`, which is typed. One after the other, the end too.
port.on('message', (job: ToPress) => {
  last = last.then(() => answer(job))
})

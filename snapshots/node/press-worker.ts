/** The thread that packs and proves images, with a small heap of its own, which is collected in no time. */
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { known } from '../../src/base/assert.ts'
import { type ImagePress, type PackedImage, type ProvenImage, pressHere } from '../image-press.ts'
import { joinBytes } from '../join-bytes.ts'
import { LoadError } from '../load-error.ts'
import { memoryObjectStore } from '../memory-store.ts'
import type { ObjectStore } from '../object-store.ts'
import type { SnapshotPlatform } from '../platform.ts'
import { folderObjectStore } from './folder-store.ts'
import { gunzipInTurns, gzipInTurns } from './gzip-in-turns.ts'
import { compressionLevel, nodeSnapshotPlatform } from './platform.ts'
import type { FromPress, PressData, ToPress } from './press-messages.ts'
import { Rests } from './rests.ts'
import { storePool } from './stores.ts'
import { NICENESS } from './yielding-pool.ts'

const port = known(parentPort, 'this file runs as a worker')
// The one cast: the parent sends exactly this.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const { hurry, ...modules } = workerData as PressData
const pool = storePool(modules)

const platform = nodeSnapshotPlatform(() => undefined)

const rests = new Rests(hurry)
/** What was packed last, and where its turns end: its proof follows. */
let packed: { readonly sha256: string; readonly ends: readonly number[] } | null = null

const pack = async (raw: Uint8Array): Promise<PackedImage> => {
  let ends: readonly number[] = []
  const gzip = async (bytes: Uint8Array): Promise<Uint8Array> => {
    const turned = gzipInTurns(bytes, compressionLevel, () => rests.rest())
    ends = turned.ends
    return turned.bytes
  }
  const image = await press({ gzip }).pack(raw)
  packed = { sha256: image.sha256, ends }
  return image
}

const prove = async ({ bytes, folder, image, recomputedFacts }: Extract<ToPress, { kind: 'prove' }>): Promise<ProvenImage> => {
  const objects = folder === null ? await holding(image.key, bytes) : folderObjectStore(folder, { create: false })
  const ends = packed?.sha256 === image.sha256 ? packed.ends : null
  return press({ gunzip: (chunks) => unpacked(chunks, ends) }).prove(objects, image, recomputedFacts)
}

const press = (platformOf: Partial<SnapshotPlatform>): ImagePress =>
  pressHere({ pool, platform: { ...platform, pause: async () => rests.rest(), ...platformOf } })

const holding = async (key: string, bytes: Uint8Array): Promise<ObjectStore> => {
  const objects = memoryObjectStore('the thread of images')
  await objects.put(key, bytes)
  return objects
}

/** Where the turns are known, by this thread alone: threads that wake each other for every piece disturb what answers (measured with the reads of the bench). */
async function* unpacked(chunks: AsyncIterable<Uint8Array>, ends: readonly number[] | null): AsyncGenerator<Uint8Array> {
  for await (const piece of ends === null ? platform.gunzip(chunks) : gunzipInTurns({ bytes: await joined(chunks), ends })) {
    yield piece
    rests.rest()
  }
}

const joined = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) {
    parts.push(chunk)
    rests.rest()
  }
  return joinBytes(parts)
}

const work = async (job: Exclude<ToPress, { kind: 'end' }>): Promise<FromPress> => {
  rests.begin()
  if (job.kind === 'begin') return { kind: 'begun' }
  return job.kind === 'pack' ? { kind: 'packed', ...(await pack(job.bytes)) } : { kind: 'proven', ...(await prove(job)) }
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

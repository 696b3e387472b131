/** Packs and proves images in a thread of its own, which is there while there is something to do: what a snapshot takes goes back to the system after it. */
import { Worker } from 'node:worker_threads'
import { unreachable } from '../../src/base/assert.ts'
import type { ImagePress, PackedImage, ProvenImage } from '../image-press.ts'
import { LoadError } from '../load-error.ts'
import type { ExpectedImage } from '../load-snapshot.ts'
import type { ObjectStore } from '../object-store.ts'
import type { WasmModules } from '../pool.ts'
import { readWhole } from '../stored-object.ts'
import { Turns } from '../turns.ts'
import type { FromPress, PressData, ToPress } from './press-messages.ts'
import { hurry, noHurry } from './rests.ts'

/** In a hurry an image of some hundred megabytes is packed or proven in less. */
const END_MS = 5000
/** Without a job for so long, the thread ends: a snapshot and its proof follow each other sooner. */
const IDLE_MS = 2000

/** One job at a time; `script` is another worker in tests of threads that crash. */
export class PressThread implements ImagePress {
  readonly #modules: WasmModules
  readonly #script: URL
  readonly #turns = new Turns(1)
  readonly #hurry = noHurry()
  #worker: Worker | null = null
  #idle: NodeJS.Timeout | undefined

  constructor(modules: WasmModules, script = new URL('./press-worker.ts', import.meta.url)) {
    this.#modules = modules
    this.#script = script
  }

  async begin(): Promise<void> {
    await this.#ask({ kind: 'begin', bytes: new Uint8Array() })
  }

  async pack(raw: Uint8Array): Promise<PackedImage> {
    const answer = await this.#ask({ kind: 'pack', bytes: raw })
    if (answer.kind !== 'packed') throw new Error(`an image was to be packed, it was ${answer.kind}`)
    return answer
  }

  async prove(objects: ObjectStore, image: ExpectedImage, recomputedFacts: number): Promise<ProvenImage> {
    // The thread reads by itself where it can: large buffers make the caller's heap be collected, by several threads at once.
    const { folder = null } = objects
    const bytes = folder === null ? await readWhole(objects, { operation: 'load snapshot', ...image }) : new Uint8Array()
    const answer = await this.#ask({ kind: 'prove', bytes, folder, image, recomputedFacts })
    if (answer.kind !== 'proven') throw new Error(`an image was to be proven, it was ${answer.kind}`)
    return answer
  }

  /** From now on it works without rests: somebody waits for what is under way. */
  hurry(): void {
    hurry(this.#hurry)
  }

  /** Ends the thread behind the job that it has; another job starts another one. */
  async close(): Promise<void> {
    clearTimeout(this.#idle)
    const worker = this.#worker
    this.#worker = null
    if (worker !== null) await ended(worker)
  }

  #ask(job: ToPress): Promise<FromPress> {
    return this.#turns.run(async () => {
      clearTimeout(this.#idle)
      const worker = (this.#worker ??= this.#start())
      worker.ref()
      try {
        return answerOf(await asked(worker, job))
      } finally {
        worker.unref()
        this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref()
      }
    })
  }

  #start(): Worker {
    const workerData: PressData = { ...this.#modules, hurry: this.#hurry }
    const worker = new Worker(this.#script, { workerData })
    // Whoever waits for it is told as well.
    worker.on('error', () => this.#forget(worker))
    worker.on('exit', () => this.#forget(worker))
    return worker
  }

  #forget(worker: Worker): void {
    if (this.#worker === worker) this.#worker = null
  }
}

/** By itself: a thread that is cut off while it begins to compress takes the process with it (Node 24.21: "close before init"). */
const ended = async (worker: Worker): Promise<void> => {
  worker.ref()
  const cut = setTimeout(() => void worker.terminate(), END_MS)
  const end: ToPress = { kind: 'end', bytes: new Uint8Array() }
  worker.postMessage(end)
  await new Promise<void>((resolve) => {
    worker.once('exit', () => resolve())
  })
  clearTimeout(cut)
}

const asked = (worker: Worker, job: ToPress): Promise<FromPress> =>
  new Promise((resolve, reject) => {
    const done = (finish: () => void): void => {
      worker.off('message', hear)
      worker.off('error', fail)
      worker.off('exit', end)
      finish()
    }
    // Sent by `press-worker.ts`, which is typed.
    const hear = (answer: FromPress): void => done(() => resolve(answer))
    const fail = (cause: Error): void => done(() => reject(new Error(`the thread of images failed: ${cause.message}`, { cause })))
    const end = (code: number): void => done(() => reject(new Error(`the thread of images ended with code ${code}`)))
    worker.on('message', hear)
    worker.on('error', fail)
    worker.on('exit', end)
    worker.postMessage(job, transferred(job.bytes))
  })

/** What is alone in its buffer is handed over, what shares it with other things is copied. */
const transferred = ({ buffer, byteLength }: Uint8Array): readonly ArrayBuffer[] =>
  buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : []

const answerOf = (answer: FromPress): FromPress => {
  switch (answer.kind) {
    case 'begun':
    case 'packed':
    case 'proven':
      return answer
    case 'refused':
      throw new LoadError(answer.failure)
    case 'failed':
      throw new Error(`the thread of images failed: ${answer.reason}`)
    default:
      return unreachable(answer)
  }
}

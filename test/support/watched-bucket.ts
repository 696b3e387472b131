/** The bucket of a Worker under test: counts what is read of it, and holds reads back until the test lets them go on. */
import type { R2Bucket } from '../../snapshots/r2-store.ts'
import type { IsolateClocks } from './isolate-clocks.ts'

export interface ReadsOfKey {
  /** All that were asked for. */
  asked: number
  /** Those that named the version that is known. */
  conditional: number
  /** Those that brought content. */
  bodies: number
}

/** Between a release and the reads that waited for it. */
const LOOK_MS = 10

export class WatchedBucket {
  readonly reads: Record<string, ReadsOfKey> = {}
  /** Reads that are held back now. */
  waiting = 0
  /** Keys that begin so are held back. */
  held: string | null = null
  readonly #clocks: IsolateClocks

  constructor(clocks: IsolateClocks) {
    this.#clocks = clocks
  }

  over(bucket: R2Bucket): R2Bucket {
    return {
      get: async (key, options) => {
        const reads = (this.reads[key] ??= { asked: 0, conditional: 0, bodies: 0 })
        reads.asked++
        if (options.onlyIf !== undefined) reads.conditional++
        await this.#release(key)
        const object = await bucket.get(key, options)
        this.#clocks.tick()
        if (object?.body !== undefined) reads.bodies++
        return object
      },
      put: (key, bytes, options) => bucket.put(key, bytes, options),
      list: (options) => bucket.list(options),
      delete: (key) => bucket.delete(key),
    }
  }

  /** Whoever is cut off meanwhile stays counted, and reads nothing more. */
  async #release(key: string): Promise<void> {
    const isHeld = (): boolean => this.held !== null && key.startsWith(this.held)
    if (!isHeld()) return
    this.waiting++
    while (isHeld()) await this.#clocks.wait(LOOK_MS)
    this.waiting--
  }
}

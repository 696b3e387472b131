/** Tells work that goes on from work that nobody does any more, where whoever does it may be cut off without a word. */
import type { ObjectStore, StoredObject } from './object-store.ts'
import type { SnapshotPlatform } from './platform.ts'

export interface PulseOptions {
  readonly monotonicMs: () => number
  /** Work that gave no sign for so long is abandoned: longer than any single wait of it. */
  readonly silenceMs: number
  /** Resolves after a while, by a timer of the request that calls it. */
  readonly wait: (ms: number) => Promise<void>
}

/** Between two looks of somebody who waits: the promise of another request may settle without telling. */
const LOOK_MS = 50

/** Requests of a Worker do its work. One that is cut off stops in the middle, and whatever waits for its promises waits for ever. */
export class Pulse {
  readonly #options: PulseOptions
  #beatMs: number

  constructor(options: PulseOptions) {
    this.#options = options
    this.#beatMs = options.monotonicMs()
  }

  get isSilent(): boolean {
    const { monotonicMs, silenceMs } = this.#options
    return monotonicMs() - this.#beatMs > silenceMs
  }

  beat(): void {
    this.#beatMs = this.#options.monotonicMs()
  }

  /** Resolves when the work of another request is done, or abandoned. */
  async join(work: Promise<void>): Promise<void> {
    const state = { isDone: false }
    const done = work.then(() => void (state.isDone = true))
    // By timers of its own: each request has to have something of itself to wait for.
    while (!state.isDone && !this.isSilent) await Promise.race([done, this.#options.wait(LOOK_MS)])
  }

  /** The same store; whatever it brings is a sign. */
  watchStore(objects: ObjectStore): ObjectStore {
    return {
      name: objects.name,
      get: async (key, options) => {
        this.beat()
        const object = await objects.get(key, options)
        this.beat()
        return object === null || object === 'unchanged' ? object : { ...object, chunks: this.#watched(object) }
      },
      put: (key, bytes, condition) => objects.put(key, bytes, condition),
      list: (prefix) => objects.list(prefix),
      delete: (key) => objects.delete(key),
    }
  }

  /** The same platform; each turn of the work is a sign. */
  watchPlatform(platform: SnapshotPlatform): SnapshotPlatform {
    return {
      ...platform,
      pause: async () => {
        this.beat()
        await platform.pause()
        this.beat()
      },
    }
  }

  #watched({ chunks }: StoredObject): AsyncIterable<Uint8Array> {
    return {
      [Symbol.asyncIterator]: () => {
        const source = chunks[Symbol.asyncIterator]()
        return {
          next: async () => {
            const next = await source.next()
            this.beat()
            return next
          },
          return: async () => (await source.return?.()) ?? { done: true, value: undefined },
        }
      },
    }
  }
}

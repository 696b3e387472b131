/** The steady load of a run: writers and readers over HTTP. */
import { at } from '../../src/base/assert.ts'
import { ask } from './ask.ts'
import type { LoadCounts, LoadOptions } from './load-options.ts'
import { READ_MS, Reading } from './reading.ts'
import { entryReader, mayRead } from './world.ts'
import { Writing } from './writing.ts'

export class Load {
  readonly counts: LoadCounts = { reads: 0, secondTried: 0, acknowledged: 0, refused: 0, unknown: 0, later: 0 }
  readonly #options: LoadOptions
  readonly #writing: Writing
  readonly #reading: Reading
  #running: readonly Promise<void>[] = []

  constructor(options: LoadOptions) {
    this.#options = options
    this.#writing = new Writing(options, this.counts)
    this.#reading = new Reading(options, this.counts, this.#writing.positions)
  }

  start(): void {
    const { cells, writers = 6, readers = 8, fallback } = this.#options
    this.#running = [
      ...Array.from({ length: writers }, (_, index) => this.#writing.moves(index % cells.length)),
      ...Array.from({ length: 2 }, (_, index) => this.#writing.adds(index % cells.length)),
      ...Array.from({ length: readers }, () => this.#reading.asks(null)),
      ...(fallback === null ? [] : [this.#reading.asks(fallback)]),
    ]
  }

  /** Resolves when every request is answered, so that every write is acknowledged or of unknown outcome. */
  async stop(): Promise<void> {
    this.#writing.end()
    this.#reading.end()
    await Promise.all(this.#running)
  }

  /** Adds an entry through one cell; resolves with its position, null when it is not acknowledged. */
  async add(cell: number): Promise<string | null> {
    return this.#writing.add(this.#writing.newId('entry'), cell)
  }

  /** Whether a cell answers with a state that has reached a position. */
  async reaches(cell: number, position: string): Promise<boolean> {
    const { url, key } = at(this.#options.cells, cell)
    const reply = await ask({ url, key, path: '/api/authorize', body: mayRead(entryReader, 'none'), position, timeoutMs: READ_MS })
    return reply.status === 200
  }
}

/** The writers of a run: of registers, and of entries. Each goes on to the next cell when one does not take its write. */
import { setTimeout as pause } from 'node:timers/promises'
import { at } from '../../src/base/assert.ts'
import { ask, mayHappen, type Reply } from './ask.ts'
import { isExpected, type LoadCounts, type LoadOptions, restMs, type Written } from './load-options.ts'
import { otherSide, type Register } from './register.ts'
import { entryReader, moveTo, readerOf } from './world.ts'

/** The longest answer takes the wait for the log and for other runtimes. */
const WRITE_MS = 8000
const WRITE_PAUSE_MS = 60
const REFUSED_PAUSE_MS = 100

export class Writing {
  /** Of the last move of each register that its cell has applied. */
  readonly positions = new Map<string, Written>()
  readonly #options: LoadOptions
  readonly #counts: LoadCounts
  #ended = false
  #ids = 0

  constructor(options: LoadOptions, counts: LoadCounts) {
    this.#options = options
    this.#counts = counts
  }

  end(): void {
    this.#ended = true
  }

  newId(kind: string): string {
    return `${kind}${this.#options.names ?? ''}-${this.#ids++}`
  }

  /** A register after the other, until the end; first through that cell. */
  async moves(first: number): Promise<void> {
    const { oracle, cells, random } = this.#options
    let cell = first
    let register = oracle.open(this.newId('register'))
    while (!this.#isEnded()) {
      if (register.isRetired) register = oracle.open(this.newId('register'))
      if (!(await this.#move(register, cell))) {
        cell = (cell + 1) % cells.length
        await pause(REFUSED_PAUSE_MS)
      }
      await pause(restMs(random, WRITE_PAUSE_MS))
    }
  }

  /** Whether it was acknowledged. */
  async #move(register: Register, cell: number): Promise<boolean> {
    const { oracle, cells } = this.#options
    const { url, key } = at(cells, cell)
    const side = register.next
    const body = moveTo(register.id, side, register.last === null ? null : otherSide(side))
    register.begin()
    const reply = await ask({ url, key, path: '/api/batch', body, timeoutMs: WRITE_MS })
    if (reply.status === 200) {
      const { position, revision } = this.#acknowledged(reply)
      oracle.moved(register, revision)
      if (isApplied(reply)) this.positions.set(register.id, { position, revision, cell })
      return true
    }
    this.#failed(reply)
    if (mayHappen(reply)) register.lose()
    else register.refuse()
    oracle.settled(register)
    return false
  }

  /** Each entry is repeated until it is acknowledged, under the same request id. */
  async adds(first: number): Promise<void> {
    const { cells, random } = this.#options
    let cell = first
    while (!this.#isEnded()) {
      const id = this.newId('entry')
      while ((await this.add(id, cell)) === null && !this.#isEnded()) {
        // At the same server a repetition has one effect; elsewhere the entry is added once more.
        if (random.chance(0.5)) cell = (cell + 1) % cells.length
        await pause(REFUSED_PAUSE_MS)
      }
      await pause(restMs(random, WRITE_PAUSE_MS))
    }
  }

  /** Adds an entry through one cell; resolves with its position, null when it is not acknowledged. */
  async add(id: string, cell: number): Promise<string | null> {
    const { oracle, cells } = this.#options
    const { url, key } = at(cells, cell)
    oracle.ledger.begin(id)
    const body = [{ inserts: [readerOf(entryReader, id)] }]
    const reply = await ask({ url, key, path: '/api/batch', body, requestId: id, timeoutMs: WRITE_MS })
    if (reply.status === 200) {
      const { position, revision } = this.#acknowledged(reply)
      oracle.ledger.acknowledge(id, revision)
      return position
    }
    this.#failed(reply)
    if (!mayHappen(reply)) oracle.ledger.refuse(id)
    return null
  }

  #acknowledged(reply: Reply): { readonly position: string; readonly revision: number } {
    this.#counts.acknowledged++
    if (!isApplied(reply)) this.#counts.later++
    const position = reply.headers.get('OsoOffset') ?? ''
    return { position, revision: this.#options.oracle.acknowledged(position, performance.now()) }
  }

  #failed(reply: Reply): void {
    if (mayHappen(reply)) this.#counts.unknown++
    else this.#counts.refused++
    if (!isExpected(reply)) this.#options.unexpected(reply.said)
  }

  #isEnded(): boolean {
    return this.#ended
  }
}

const isApplied = ({ headers }: Reply): boolean => headers.get('Arctos-Applied') !== 'false'

/** The steady load of a run: writers and readers over HTTP, each of which tries a second server when the first one does not answer. */
import { setTimeout as pause } from 'node:timers/promises'
import { at } from '../../src/base/assert.ts'
import type { Random } from '../bench/random.ts'
import { ask, mayHappen, type Reply } from './ask.ts'
import type { Oracle, Question } from './oracle.ts'
import { otherSide, type Register, type Side } from './register.ts'
import { documentOf, entryReader, mayRead, moveTo, readable, readerOf } from './world.ts'

export interface Target {
  readonly name: string
  readonly url: string
  readonly key: string
  /** Oldest state that it was told to answer from, null for any. */
  readonly fenceMs: number | null
}

export interface LoadOptions {
  readonly cells: readonly Target[]
  /** Read-only; answers whatever the position. */
  readonly fallback: Target | null
  readonly oracle: Oracle
  readonly random: Random
  /** Told of each read that both servers refused; the cell is the one that has the position that was asked for. */
  readonly readFailed: (detail: string, after: { readonly revision: number; readonly cell: number } | null) => void
  readonly unexpected: (detail: string) => void
  /** Tells the registers and entries of one load from those of another on the same cluster. */
  readonly names?: string
  /** 6 by default: writers of registers, beside 2 of entries. */
  readonly writers?: number
  /** 8 by default. */
  readonly readers?: number
}

export interface LoadCounts {
  reads: number
  secondTried: number
  acknowledged: number
  refused: number
  unknown: number
  /** Writes that were durable and not applied within the wait. */
  later: number
}

/** The longest answer takes the wait for a position, or for the log and for other runtimes. */
const READ_MS = 4000
const WRITE_MS = 8000
const WRITE_PAUSE_MS = 60
const READ_PAUSE_MS = 15
const REFUSED_PAUSE_MS = 100
/** Entries that most questions are about. */
const RECENT = 50

interface Written {
  readonly position: string
  readonly revision: number
  /** That acknowledged it. */
  readonly cell: number
}

export class Load {
  readonly counts: LoadCounts = { reads: 0, secondTried: 0, acknowledged: 0, refused: 0, unknown: 0, later: 0 }
  readonly #options: LoadOptions
  readonly #positions = new Map<string, Written>()
  #running: Promise<void>[] = []
  #ended = false
  #ids = 0

  constructor(options: LoadOptions) {
    this.#options = options
  }

  start(): void {
    const { cells, writers = 6, readers = 8, fallback } = this.#options
    for (let index = 0; index < writers; index++) this.#running.push(this.#moves(index % cells.length))
    for (let index = 0; index < 2; index++) this.#running.push(this.#adds(index % cells.length))
    for (let index = 0; index < readers; index++) this.#running.push(this.#asks(null))
    if (fallback !== null) this.#running.push(this.#asks(fallback))
  }

  /** Resolves when every request is answered, so that every write is acknowledged or of unknown outcome. */
  async stop(): Promise<void> {
    this.#ended = true
    await Promise.all(this.#running)
    this.#running = []
  }

  /** Adds an entry through one cell; resolves with its position, null when it is not acknowledged. */
  async add(cell: number): Promise<string | null> {
    return this.#add(this.#newId('entry'), cell)
  }

  /** Whether a cell answers with a state that has reached a position. */
  async reaches(cell: number, position: string): Promise<boolean> {
    const { url, key } = at(this.#options.cells, cell)
    const reply = await ask({ url, key, path: '/api/authorize', body: mayRead(entryReader, 'none'), position, timeoutMs: READ_MS })
    return reply.status === 200
  }

  #newId(kind: string): string {
    return `${kind}${this.#options.names ?? ''}-${this.#ids++}`
  }

  #isEnded(): boolean {
    return this.#ended
  }

  async #moves(first: number): Promise<void> {
    const { oracle, cells } = this.#options
    let cell = first
    let register = oracle.open(this.#newId('register'))
    while (!this.#isEnded()) {
      if (register.isRetired) register = oracle.open(this.#newId('register'))
      if (!(await this.#move(register, cell))) {
        cell = (cell + 1) % cells.length
        await pause(REFUSED_PAUSE_MS)
      }
      await this.#rest(WRITE_PAUSE_MS)
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
      if (isApplied(reply)) this.#positions.set(register.id, { position, revision, cell })
      return true
    }
    this.#failed(reply)
    if (mayHappen(reply)) register.lose()
    else register.refuse()
    oracle.settled(register)
    return false
  }

  /** Each entry is repeated until it is acknowledged, under the same request id. */
  async #adds(first: number): Promise<void> {
    const { cells, random } = this.#options
    let cell = first
    while (!this.#isEnded()) {
      const id = this.#newId('entry')
      while ((await this.#add(id, cell)) === null && !this.#isEnded()) {
        // At the same server a repetition has one effect; elsewhere the entry is added once more.
        if (random.chance(0.5)) cell = (cell + 1) % cells.length
        await pause(REFUSED_PAUSE_MS)
      }
      await this.#rest(WRITE_PAUSE_MS)
    }
  }

  async #add(id: string, cell: number): Promise<string | null> {
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
    this.counts.acknowledged++
    if (!isApplied(reply)) this.counts.later++
    const position = reply.headers.get('OsoOffset') ?? ''
    return { position, revision: this.#options.oracle.acknowledged(position, performance.now()) }
  }

  #failed(reply: Reply): void {
    if (mayHappen(reply)) this.counts.unknown++
    else this.counts.refused++
    this.#isExpected(reply)
  }

  /** Refusals that tell a client to come again, or no answer. */
  #isExpected({ status, said }: Reply): void {
    if (status !== 0 && status !== 503 && status !== 429) this.#options.unexpected(said)
  }

  async #asks(preferred: Target | null): Promise<void> {
    while (!this.#isEnded()) {
      await this.#read(preferred)
      await this.#rest(READ_PAUSE_MS)
    }
  }

  async #read(preferred: Target | null): Promise<void> {
    const { cells, random } = this.#options
    const question = this.#question()
    const written = question.kind !== 'entry' && preferred === null && random.chance(0.5) ? this.#positions.get(question.id) : undefined
    const first = random.below(cells.length)
    // Whoever hands on a position knows the cell that has it.
    const other =
      written !== undefined && written.cell !== first ? written.cell : (first + 1 + random.below(cells.length - 1)) % cells.length
    const servers = [...(preferred === null ? [] : [preferred]), at(cells, first), at(cells, other)]
    this.counts.reads++
    const said: string[] = []
    for (const server of servers) {
      const refused = await this.#ask(server, question, written ?? null)
      if (refused === null) return
      if (said.length === 0) this.counts.secondTried++
      said.push(`${server.name} ${refused}`)
    }
    this.#options.readFailed(`${JSON.stringify(question)} after ${written?.revision ?? 'nothing'}: ${said.join('; ')}`, written ?? null)
  }

  #question(): Question {
    const { oracle, random } = this.#options
    const kind = random.next()
    const registers = [...oracle.registers]
    if (kind < 0.7 && registers.length > 0) {
      // Most of the time one that is written to.
      const { id } = random.pick(random.chance(0.8) ? registers.slice(-2 * this.#running.length) : registers)
      return kind < 0.45 ? { kind: 'register', id } : { kind: 'side', id, side: random.chance(0.5) ? 1 : 0 }
    }
    const { acknowledged } = oracle.ledger
    if (acknowledged.length === 0 || random.chance(0.1)) return { kind: 'entry', id: `never${random.below(1000)}` }
    return { kind: 'entry', id: random.pick(random.chance(0.7) ? acknowledged.slice(-RECENT) : acknowledged) }
  }

  /** Null when it was answered, otherwise what it said. */
  async #ask(target: Target, question: Question, written: Written | null): Promise<string | null> {
    const { url, key, name, fenceMs } = target
    const sentAtMs = performance.now()
    const position = written?.position ?? null
    const reply = await ask({ url, key, position, timeoutMs: READ_MS, ...requestFor(question) })
    if (reply.status !== 200) {
      this.#isExpected(reply)
      return reply.said
    }
    const found = foundIn(reply.body, question)
    const staleness = reply.headers.get('Arctos-Staleness-Ms')
    if (found === null || staleness === null) {
      this.#options.unexpected(`${name} answered ${reply.said} for ${JSON.stringify(question)}`)
      return null
    }
    this.#options.oracle.answered({
      server: name,
      question,
      found,
      position: reply.headers.get('Arctos-Revision') ?? '',
      stalenessMs: staleness === 'unknown' ? null : Number(staleness),
      after: written?.revision ?? -1,
      sentAtMs,
      fenceMs,
    })
    return null
  }

  async #rest(ms: number): Promise<void> {
    await pause(ms * (0.5 + this.#options.random.next()))
  }
}

const isApplied = ({ headers }: Reply): boolean => headers.get('Arctos-Applied') !== 'false'

const requestFor = (question: Question): { readonly path: string; readonly body: unknown } => {
  if (question.kind === 'register') return { path: '/api/list', body: readable(question.id) }
  const [user, document] = question.kind === 'side' ? [question.id, documentOf(question.id, question.side)] : [entryReader, question.id]
  return { path: '/api/authorize', body: mayRead(user, document) }
}

/** What an answer says, null for what is none. */
const foundIn = (body: unknown, question: Question): readonly Side[] | boolean | null => {
  if (typeof body !== 'object' || body === null) return null
  if (question.kind !== 'register') return 'allowed' in body && typeof body.allowed === 'boolean' ? body.allowed : null
  if (!('results' in body) || !Array.isArray(body.results)) return null
  const sides: Side[] = []
  for (const id of body.results) {
    if (id === documentOf(question.id, 0)) sides.push(0)
    else if (id === documentOf(question.id, 1)) sides.push(1)
    else return null
  }
  return sides
}

/** The readers of a run: each tries a second server when the first one does not answer. */
import { setTimeout as pause } from 'node:timers/promises'
import { at } from '../../src/base/assert.ts'
import { ask } from './ask.ts'
import { isExpected, type LoadCounts, type LoadOptions, restMs, type Target, type Written } from './load-options.ts'
import type { Question } from './oracle.ts'
import type { Side } from './register.ts'
import { documentOf, entryReader, mayRead, readable } from './world.ts'

/** The longest answer takes the wait for a position. */
export const READ_MS = 4000
const READ_PAUSE_MS = 15
/** Registers and entries that most questions are about. */
const RECENT = 30

export class Reading {
  readonly #options: LoadOptions
  readonly #counts: LoadCounts
  readonly #positions: ReadonlyMap<string, Written>
  #ended = false

  constructor(options: LoadOptions, counts: LoadCounts, positions: ReadonlyMap<string, Written>) {
    this.#options = options
    this.#counts = counts
    this.#positions = positions
  }

  end(): void {
    this.#ended = true
  }

  /** A question after the other, until the end; first to that server, if there is one. */
  async asks(preferred: Target | null): Promise<void> {
    while (!this.#isEnded()) {
      await this.#read(preferred)
      await pause(restMs(this.#options.random, READ_PAUSE_MS))
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
    this.#counts.reads++
    const said: string[] = []
    for (const server of servers) {
      const refused = await this.#ask(server, question, written ?? null)
      if (refused === null) return
      if (said.length === 0) this.#counts.secondTried++
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
      const { id } = random.pick(random.chance(0.8) ? registers.slice(-RECENT) : registers)
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
      if (!isExpected(reply)) this.#options.unexpected(`${name} ${reply.said}`)
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

  #isEnded(): boolean {
    return this.#ended
  }
}

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

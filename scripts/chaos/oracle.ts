/** Judges every answer of a run against what was written: truth at a revision is known exactly, because writers work on facts of their own. */
import { Acknowledgements } from './acknowledgements.ts'
import { Ledger } from './ledger.ts'
import { Register, type Side } from './register.ts'

export type FindingKind =
  /** An answer that is not true at the revision that it names. */
  | 'wrong-decision'
  /** A state older than the position that was asked for. */
  | 'token-violated'
  /** An acknowledged write that is not there. */
  | 'lost-write'
  /** A revision that the log cannot have given, or another log. */
  | 'broken-order'
  /** A state that is older than the bound, beyond the staleness that it tells. */
  | 'unflagged-stale'
  /** An answer although the state is older than the server was told to answer from. */
  | 'fence-ignored'
  | 'unexpected-answer'
  | 'read-failed'
  | 'not-recovered'
  | 'process-ended'
  | 'bug-logged'
  | 'damaged-objects'
  | 'memory-grew'

export interface Finding {
  readonly kind: FindingKind
  readonly detail: string
}

export type Question =
  | { readonly kind: 'register'; readonly id: string }
  | { readonly kind: 'side'; readonly id: string; readonly side: Side }
  | { readonly kind: 'entry'; readonly id: string }

export interface Answer {
  readonly server: string
  readonly question: Question
  /** Sides that may be read; of an entry and of one side: whether. */
  readonly found: readonly Side[] | boolean
  /** `Arctos-Revision`. */
  readonly position: string
  /** `Arctos-Staleness-Ms`, null for `unknown`. */
  readonly stalenessMs: number | null
  /** What the state must not be older than: revision of the position that was sent, -1 for none. */
  readonly after: number
  readonly sentAtMs: number
  /** Oldest state that the server was told to answer from, null for any. */
  readonly fenceMs: number | null
}

export interface OracleOptions {
  /** Age up to which no answer has to be flagged, beyond its own staleness. */
  readonly boundMs: number
  readonly report: (finding: Finding) => void
}

/** From when a server looked at the age of its state until it wrote the header. */
const FENCE_SLACK_MS = 250

export class Oracle {
  readonly ledger = new Ledger()
  readonly acknowledgements = new Acknowledgements()
  readonly #options: OracleOptions
  readonly #registers = new Map<string, Register>()
  /** Answers that a move under way decides. */
  readonly #undecided = new Map<string, Answer[]>()
  #logId: string | null = null
  #oldestMs = 0
  judged = 0

  constructor(options: OracleOptions) {
    this.#options = options
  }

  get registers(): Iterable<Register> {
    return this.#registers.values()
  }

  /** The largest age of a state that answered. */
  get oldestAnswerMs(): number {
    return this.#oldestMs
  }

  open(id: string): Register {
    const register = new Register(id)
    this.#registers.set(id, register)
    return register
  }

  /** A write was answered; returns its revision. */
  acknowledged(position: string, atMs: number): number {
    const revision = this.#revisionOf(position)
    if (!this.acknowledgements.add(revision, atMs)) this.#find('broken-order', `two writes were given revision ${revision}`)
    return revision
  }

  /** The outcome of a register's move is there. */
  settled(register: Register): void {
    const waiting = this.#undecided.get(register.id) ?? []
    this.#undecided.delete(register.id)
    for (const answer of waiting) this.#judgeSides(answer, register)
  }

  moved(register: Register, revision: number): void {
    const before = register.last?.revision
    if (!register.acknowledge(revision)) this.#find('broken-order', `${register.id} moved at ${revision}, before that at ${before}`)
    this.settled(register)
  }

  /** Every answer with status 200 goes through here, in the order in which they arrive. */
  answered(answer: Answer): void {
    this.judged++
    const revision = this.#revisionOf(answer.position)
    if (revision < answer.after)
      this.#find(
        'token-violated',
        `${answer.server} answered at ${revision}, asked was ${answer.after}: ${JSON.stringify(answer.question)}`,
      )
    this.#judgeAge(answer, revision)
    const { question } = answer
    const register = this.#registers.get(question.id)
    if (question.kind === 'entry') this.#judgeEntry(answer, revision)
    else if (register !== undefined) this.#judgeSides(answer, register)
  }

  #judgeAge({ server, stalenessMs, sentAtMs, fenceMs }: Answer, revision: number): void {
    const ageMs = Math.round(this.acknowledgements.ageMs(revision, sentAtMs))
    this.#oldestMs = Math.max(this.#oldestMs, ageMs)
    if (fenceMs !== null && (stalenessMs === null || stalenessMs > fenceMs + FENCE_SLACK_MS))
      this.#find('fence-ignored', `${server} answered with staleness ${stalenessMs ?? 'unknown'}, at most ${fenceMs} ms are allowed`)
    if (stalenessMs === null || ageMs <= stalenessMs + this.#options.boundMs) return
    this.#find('unflagged-stale', `${server} answered at ${revision}, which is ${ageMs} ms old, and tells a staleness of ${stalenessMs} ms`)
  }

  #judgeEntry({ server, question, found }: Answer, revision: number): void {
    const expected = this.ledger.holds(question.id, revision)
    if (expected === null || expected === found) return
    this.#find(
      expected ? 'lost-write' : 'wrong-decision',
      `${server} answered ${String(found)} for entry ${question.id} at ${revision}, expected ${String(expected)}`,
    )
  }

  #judgeSides(answer: Answer, register: Register): void {
    const revision = this.#revisionOf(answer.position)
    const possible = register.possible(revision)
    if (possible === null) {
      this.#undecided.set(register.id, [...(this.#undecided.get(register.id) ?? []), answer])
      return
    }
    const { found, question, server } = answer
    const agrees = (sides: readonly Side[]): boolean =>
      typeof found === 'boolean'
        ? question.kind === 'side' && sides.includes(question.side) === found
        : sides.length === found.length && sides.every((side) => found.includes(side))
    if (possible.some(agrees)) return
    const expected = possible.map((sides) => JSON.stringify(sides)).join(' or ')
    this.#find(
      'wrong-decision',
      `${server} answered ${JSON.stringify(found)} for ${JSON.stringify(question)} at ${revision}, expected ${expected}`,
    )
  }

  /** -1 for what is no position. */
  #revisionOf(position: string): number {
    const [, logId, revision] = /^(.+):(\d+)$/.exec(position) ?? []
    if (logId === undefined || revision === undefined) {
      this.#find('unexpected-answer', `\`${position}\` is no position`)
      return -1
    }
    this.#logId ??= logId
    if (logId !== this.#logId) this.#find('broken-order', `a position of log ${logId}, all others are of ${this.#logId}`)
    return Number(revision)
  }

  #find(kind: FindingKind, detail: string): void {
    this.#options.report({ kind, detail })
  }
}

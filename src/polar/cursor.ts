/** The parser's place in the tokens of one file, and the rule that one mistake gives one diagnostic. */
import { at } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import type { Name } from './ast.ts'
import type { ErrorCode } from './codes.ts'
import type { Diagnostic } from './diagnostic.ts'
import { foreignOperator } from './foreign.ts'
import type { SourceFile, Span } from './source.ts'
import type { Token } from './token.ts'
import { quote } from './wording.ts'

export interface Problem {
  readonly code: ErrorCode
  readonly message: string
  readonly span: Span
  readonly hint?: string | null
  readonly labels?: Diagnostic['labels']
}

/**
 * After `fail` the cursor stands still and shows only the end of the file, so every loop of the grammar stops and what it
 * returns is thrown away; `recover` wakes it up behind the statement. `report` records a mistake that can be stepped over.
 */
export class Cursor {
  readonly file: number
  readonly text: string
  readonly tokens: readonly Token[]
  readonly diagnostics: Diagnostic[] = []
  /** Starts of tokens whose lexical error is a consequence of a mistake that is already reported. */
  readonly muted = new Set<number>()
  index = 0
  failed = false
  /** Parentheses, brackets and braces of maps that this statement has opened and not closed. */
  openParens = 0
  openBraces = 0
  /** Closing braces that were taken as missing where they may only come late. */
  guessedBraces = 0
  /** A mistake was stepped over that may have taken the closing brace of what surrounds it along. */
  unsureBraces = false
  #end: Token
  #statement = 0
  #nesting = 0
  #lastReported = -1
  #quoteMissing = false
  #broken = false
  #guessing = false

  constructor(source: SourceFile, file: number, tokens: readonly Token[]) {
    this.file = file
    this.text = source.text
    this.tokens = tokens
    this.#end = at(tokens, tokens.length - 1)
  }

  get token(): Token {
    return this.failed ? this.#end : at(this.tokens, this.index)
  }

  get atEnd(): boolean {
    return this.token.kind === 'end'
  }

  /** Whether the present token is the first of its statement. */
  get atStatement(): boolean {
    return this.index === this.#statement
  }

  /** The token `count` places ahead. */
  peek(count: number): Token {
    return this.failed ? this.#end : at(this.tokens, Math.min(this.index + count, this.tokens.length - 1))
  }

  /** Whether the present token is this punctuation. */
  is(text: string): boolean {
    return isMark(this.token, text)
  }

  /** Whether the present token is this reserved word. */
  isReserved(text: string): boolean {
    return this.token.kind === 'reserved' && this.token.text === text
  }

  /** Whether the present token is this word of no fixed meaning. */
  isWord(text: string): boolean {
    return this.token.kind === 'symbol' && this.token.text === text
  }

  advance(): Token {
    const token = this.token
    if (token.kind === 'end') return token
    if (token.broken) {
      if (this.#broken || this.#quoteMissing) this.muted.add(token.start)
      this.#broken = true
    }
    this.index += 1
    if (this.token.startsLine) this.#quoteMissing = false
    return token
  }

  /** Steps over this punctuation if it is there. */
  take(text: string): boolean {
    const there = this.is(text)
    if (there) this.advance()
    return there
  }

  /** Starts a statement at the present token. */
  begin(): void {
    this.#statement = this.index
    this.#nesting = 0
    this.#broken = false
    this.#guessing = false
    this.openParens = 0
    this.openBraces = 0
  }

  /** One level of parentheses or `not`; the recursion of the parser is as deep as these. */
  enter(): void {
    this.#nesting += 1
    if (this.#nesting <= limits.nesting) return
    const message = `parentheses and \`not\` are nested more than ${limits.nesting} levels deep`
    this.failWith({ code: 'nesting-too-deep', message, span: this.spanOf(this.token), hint: 'split the rule' })
  }

  leave(): void {
    this.#nesting -= 1
  }

  spanOf(token: Token): Span {
    return { file: this.file, start: token.start, end: token.end }
  }

  /** From `start` to the end of the last token that was taken. */
  spanFrom(start: number): Span {
    const last = this.index === 0 ? start : at(this.tokens, this.index - 1).end
    return { file: this.file, start, end: Math.max(start, last) }
  }

  /** The present token as a message names it. */
  found(): string {
    return this.describe(this.token)
  }

  describe(token: Token): string {
    // Nobody reads what is over the limit, and a megabyte of mistakes should cost no megabytes of messages.
    if (this.diagnostics.length >= limits.diagnostics) return ''
    return token.kind === 'end' ? 'end of file' : quote(this.text.slice(token.start, Math.min(token.end, token.start + 256)))
  }

  /** A symbol; anything else fails. */
  name(expected: string): Name {
    const token = this.token
    if (token.kind === 'symbol') this.advance()
    else this.fail(expected, token.kind === 'reserved' ? `${this.found()} is a reserved word` : null)
    return { text: token.text, span: this.spanOf(token) }
  }

  report(problem: Problem): void {
    if (this.failed) return
    const { code, message, span, labels = [] } = problem
    const guess = code === 'unexpected-token'
    // At a broken token, behind one, twice at one token, or behind a guess at what was meant: a consequence of what is reported already.
    const consequence =
      this.#broken || this.token.broken || this.#quoteMissing || this.#lastReported === this.index || (guess && this.#guessing)
    this.#lastReported = this.index
    if (consequence) return
    this.#guessing = guess
    if (this.diagnostics.length >= limits.diagnostics) return
    if (guess) this.#quoteMissing = this.#brokenAhead()
    const hint = this.#quoteMissing ? 'a quote is missing on this line' : (problem.hint ?? null)
    this.diagnostics.push({ code, severity: 'error', message, span, labels, hint })
  }

  /** Whether this line ends in an unclosed string: then the quotes before it pair up wrongly, and the first token between two strings is blamed. */
  #brokenAhead(): boolean {
    for (let ahead = 0; ahead < LINE_TOKENS; ahead += 1) {
      const token = this.peek(ahead)
      if (token.kind === 'end' || (token.startsLine && ahead > 0)) return false
      if (token.broken) return true
    }
    return false
  }

  /** Reports that the present token is not what stands here; punctuation that Polar does not have gets its own message. */
  unexpected(expected: string, hint: string | null = null, labels: Diagnostic['labels'] = []): void {
    const span = this.spanOf(this.token)
    const foreign = this.token.kind === 'foreign' ? foreignOperator(this.token.text) : null
    this.report(
      foreign
        ? { ...foreign, span }
        : { code: 'unexpected-token', message: `expected ${expected}, found ${this.found()}`, span, hint, labels },
    )
  }

  fail(expected: string, hint: string | null = null): void {
    this.unexpected(expected, hint)
    this.failed = true
  }

  failWith(problem: Problem): void {
    this.report(problem)
    this.failed = true
  }

  /** Makes an error at the present token a consequence of the last one. */
  excuse(): void {
    this.#lastReported = this.index
  }
}

/** How far along its line a mistake looks for the unclosed string that caused it. */
const LINE_TOKENS = 200

/** Whether a token is this punctuation. */
export const isMark = (token: Token, text: string): boolean => token.kind === 'punctuation' && token.text === text

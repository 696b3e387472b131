/** Text of one policy file → tokens. */

import { limits } from '../base/limits.ts'
import { hasLoneSurrogate } from '../base/text.ts'
import { canonicalId } from '../base/value.ts'
import { isDigit, isSymbolPart, isSymbolStart, isWhitespace } from './characters.ts'
import type { ErrorCode } from './codes.ts'
import type { Diagnostic } from './diagnostic.ts'
import { measureNumber } from './lex-number.ts'
import { scanString, scanUnclosed } from './lex-string.ts'
import { reservedWords, type Token, type TokenKind } from './token.ts'
import { quote } from './wording.ts'

export interface Lexed {
  /** Ends with one `end` token. */
  readonly tokens: readonly Token[]
  /** At most `limits.diagnostics`, in order of position. */
  readonly diagnostics: readonly Diagnostic[]
}

/** Linear in the text; never throws. `file` is the index that spans carry. */
export const lex = (text: string, file: number): Lexed => {
  const scanner: Scanner = { text, file, position: 0, startsLine: true, tokens: [], diagnostics: [] }
  reportLoneSurrogate(scanner)
  for (;;) {
    skipBlank(scanner)
    if (scanner.position >= text.length) break
    scanToken(scanner)
  }
  push(scanner, 'end', '', text.length)
  return { tokens: scanner.tokens, diagnostics: scanner.diagnostics }
}

interface Scanner {
  readonly text: string
  readonly file: number
  position: number
  startsLine: boolean
  readonly tokens: Token[]
  readonly diagnostics: Diagnostic[]
}

const LF = 0x0a
const QUOTE = 0x22
const HASH = 0x23
const APOSTROPHE = 0x27
const PLUS = 0x2b
const MINUS = 0x2d
const DOT = 0x2e
const SLASH = 0x2f
const QUESTION = 0x3f
const AT = 0x40

interface Mistake {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string | null
}

/** Reports the text from the present position to `end`. */
const report = (scanner: Scanner, end: number, mistake: Mistake): void => {
  if (scanner.diagnostics.length >= limits.diagnostics) return
  const span = { file: scanner.file, start: scanner.position, end }
  scanner.diagnostics.push({ ...mistake, severity: 'error', span, labels: [] })
}

/** Emits the token from the present position to `end` and moves there. */
const push = (scanner: Scanner, kind: TokenKind, text: string, end: number): void => {
  scanner.tokens.push({ kind, text, start: scanner.position, end, startsLine: scanner.startsLine, broken: false })
  scanner.position = end
  scanner.startsLine = false
}

/** A text that came as JSON can hold half a surrogate pair, which no UTF-8 file can. */
const reportLoneSurrogate = (scanner: Scanner): void => {
  if (!hasLoneSurrogate(scanner.text)) return
  scanner.position = scanner.text.search(/\p{Cs}/u)
  report(scanner, scanner.position + 1, { code: 'invalid-utf-8', message: 'half of a surrogate pair is not text', hint: null })
  scanner.position = 0
}

/** Skips whitespace and comments. */
const skipBlank = (scanner: Scanner): void => {
  const { text } = scanner
  for (;;) {
    const code = text.charCodeAt(scanner.position)
    if (code === LF) scanner.startsLine = true
    else if (code === HASH) {
      scanner.position = lineEnd(text, scanner.position)
      continue
    } else if (code === SLASH && text.charCodeAt(scanner.position + 1) === SLASH) {
      const message = 'found `//`, a comment starts with `#`'
      report(scanner, scanner.position + 2, { code: 'unexpected-token', message, hint: 'write `#` instead of `//`' })
      scanner.position = lineEnd(text, scanner.position)
      continue
    } else if (!isWhitespace(code)) return
    scanner.position += 1
  }
}

const lineEnd = (text: string, start: number): number => {
  const end = text.indexOf('\n', start)
  return end === -1 ? text.length : end
}

const scanToken = (scanner: Scanner): void => {
  const code = scanner.text.charCodeAt(scanner.position)
  const next = scanner.text.charCodeAt(scanner.position + 1)
  if (isSymbolStart(code)) scanSymbol(scanner)
  else if (isDigit(code) || ((code === PLUS || code === MINUS) && isDigit(next))) scanNumber(scanner)
  else if (code === QUOTE) scanQuoted(scanner)
  else if (code === APOSTROPHE) scanApostrophe(scanner)
  else if (code === DOT && isDigit(next) && !followsTerm(scanner)) scanNumber(scanner)
  else if (code === AT && isSymbolStart(next)) scanAt(scanner)
  else scanPunctuation(scanner)
}

/** End of the symbol that starts at `start`: segments joined by `::`, then one `?` unless `=` follows. */
const symbolEnd = (text: string, start: number): number => {
  let end = start
  for (;;) {
    while (isSymbolPart(text.charCodeAt(end))) end += 1
    if (!text.startsWith('::', end) || !isSymbolStart(text.charCodeAt(end + 2))) break
    end += 2
  }
  return text.charCodeAt(end) === QUESTION && text[end + 1] !== '=' ? end + 1 : end
}

const scanSymbol = (scanner: Scanner): void => {
  const { text, position } = scanner
  const end = symbolEnd(text, position)
  const word = text.slice(position, end)
  if (word === 'matches' && text[end] === '!' && text[end + 1] !== '=') push(scanner, 'reserved', 'matches!', end + 1)
  else push(scanner, reservedWords.has(word) ? 'reserved' : 'symbol', word, end)
}

const scanAt = (scanner: Scanner): void => {
  const end = symbolEnd(scanner.text, scanner.position + 1)
  push(scanner, 'at', scanner.text.slice(scanner.position + 1, end), end)
}

/** Whether the last token touches this position and could carry an attribute: `b.5` is one, `p(.5)` is a number. */
const followsTerm = (scanner: Scanner): boolean => {
  const last = scanner.tokens.at(-1)
  return last !== undefined && last.end === scanner.position && (last.kind === 'symbol' || last.kind === 'string')
}

const scanNumber = (scanner: Scanner): void => {
  const { end, whole } = measureNumber(scanner.text, scanner.position)
  const written = scanner.text.slice(scanner.position, end)
  const canonical = whole ? canonicalId('Integer', written) : undefined
  if (!whole) {
    const message = `decimal numbers are not supported, found ${quote(written)}`
    report(scanner, end, { code: 'unsupported-number', message, hint: 'use an Integer' })
  } else if (canonical === undefined) {
    const message = `the number ${quote(written)} does not fit 64 bits`
    report(scanner, end, { code: 'integer-out-of-range', message, hint: null })
  }
  push(scanner, 'integer', canonical ?? '0', end)
}

const scanQuoted = (scanner: Scanner): void => {
  const { text, position } = scanner
  const scanned = scanString(text, position)
  if (scanned.closed) {
    push(scanner, 'string', scanned.value, scanned.end)
    return
  }
  const end = scanUnclosed(text, position, scanned.end)
  const message = 'the string that starts here has no closing quote on this line'
  report(scanner, end, { code: 'unterminated-string', message, hint: 'add the quote, or write `\\n` for a newline' })
  scanner.tokens.push({
    kind: 'string',
    text: text.slice(position + 1, end),
    start: position,
    end,
    startsLine: scanner.startsLine,
    broken: true,
  })
  scanner.position = end
  scanner.startsLine = false
}

/** A string in single quotes is reported and then taken as a string, so that nothing after it is blamed. */
const scanApostrophe = (scanner: Scanner): void => {
  const { text, position } = scanner
  let last = position + 1
  while (last < text.length && text.charCodeAt(last) !== APOSTROPHE && text.charCodeAt(last) !== LF) last += 1
  if (text.charCodeAt(last) !== APOSTROPHE) {
    scanPunctuation(scanner)
    return
  }
  const end = last + 1
  const content = text.slice(position + 1, end - 1)
  const message = `strings are written in double quotes, found ${quote(text.slice(position, end))}`
  report(scanner, end, { code: 'unexpected-token', message, hint: `write ${quote(`"${content}"`)}` })
  push(scanner, 'string', content, end)
}

const PUNCTUATION: ReadonlySet<string> = new Set(['(', ')', '[', ']', '{', '}', ',', ';', ':', '=', '!=', '<', '<=', '>', '>='])
const PAIRS: ReadonlySet<string> = new Set(['==', ':=', '?=', '!=', '<=', '>=', '&&', '||'])

const scanPunctuation = (scanner: Scanner): void => {
  const { text, position } = scanner
  const pair = text.slice(position, position + 2)
  const end = PAIRS.has(pair) ? position + 2 : position + 1
  const written = text.slice(position, end)
  push(scanner, PUNCTUATION.has(written) ? 'punctuation' : 'foreign', written, end)
}

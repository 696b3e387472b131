/** The tokens of a policy file. */

/** `at` is `@word`; `foreign` is punctuation that Polar does not have; `end` closes every token list. */
export type TokenKind = 'symbol' | 'reserved' | 'string' | 'integer' | 'at' | 'punctuation' | 'foreign' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** The value of a string, the canonical form of an integer, the word after `@`; otherwise the text as written. */
  readonly text: string
  /** UTF-16 offsets, half-open. */
  readonly start: number
  readonly end: number
  /** No other token stands before it on its line. */
  readonly startsLine: boolean
  /** Its lexical error may have swallowed what follows, so errors after it in the same statement mean nothing. */
  readonly broken: boolean
}

/** Words that can never name a variable, predicate or type (polar.md 3). */
export const reservedWords: ReadonlySet<string> = new Set(['if', 'and', 'or', 'not', 'in', 'matches', 'matches!', 'true', 'false'])

/** The one constant that may stand as a term (polar.md 3). */
export const timeConstant = 'current_unix_time'

/** A string, integer or Boolean. */
export const isLiteral = ({ kind, text }: Token): boolean =>
  kind === 'string' || kind === 'integer' || (kind === 'reserved' && (text === 'true' || text === 'false'))

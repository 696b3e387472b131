/** Constructs of related languages that Polar does not have, each with its own message (polar.md 17.1). */
import type { ErrorCode } from './codes.ts'

export interface Foreign {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string | null
}

/** The operator's message, or null for punctuation that means nothing anywhere. */
export const foreignOperator = (text: string): Foreign | null => OPERATORS.get(text) ?? null

/** A word that is no reserved word, but stands where only the related languages have it. */
export const foreignWord = (text: ForeignWord): Foreign => WORDS[text]

export type ForeignWord = 'forall' | 'print' | 'debug' | 'cut' | 'new' | 'isa' | 'mod' | 'rem' | 'type'

const OTHER = 'not-part-of-polar-other'
const EQUALITY = 'not-part-of-polar-equality-or-assignment'
const ARITHMETIC = 'not-part-of-polar-arithmetic-loops-output'

const operator = (code: ErrorCode, text: string, why: string, hint: string | null): [string, Foreign] => [
  text,
  { code, message: `the operator \`${text}\` does not exist${why}`, hint },
]

const OPERATORS: ReadonlyMap<string, Foreign> = new Map([
  operator(EQUALITY, '==', '', 'use `=`'),
  operator(EQUALITY, ':=', '', 'use `=`'),
  ...['+', '-', '*', '/', '%', '^'].map((text) => operator(ARITHMETIC, text, ': Polar has no arithmetic', 'keep the result as a fact')),
  operator(OTHER, '!', '', 'use `not`'),
  operator(OTHER, '|', '', 'use `or`'),
  operator(OTHER, '||', '', 'use `or`'),
  operator(OTHER, '&', '', 'use `and`'),
  operator(OTHER, '&&', '', 'use `and`'),
  ['.', { code: 'not-part-of-polar-attributes', message: 'values have no attributes', hint: 'model the attribute as a fact' }],
  ['?=', { code: 'not-part-of-polar-inline-query', message: 'inline queries are not supported', hint: 'write a `test` block' }],
])

const WORDS: Readonly<Record<ForeignWord, Foreign>> = {
  forall: { code: ARITHMETIC, message: '`forall` does not exist', hint: 'use `not (… and not …)`' },
  print: { code: ARITHMETIC, message: '`print` does not exist: rules have no output', hint: 'remove it' },
  debug: { code: ARITHMETIC, message: '`debug` does not exist: rules have no output', hint: 'remove it' },
  cut: { code: ARITHMETIC, message: '`cut` does not exist: the order of rules never changes a result', hint: 'use `not` to exclude cases' },
  mod: { code: ARITHMETIC, message: 'the operator `mod` does not exist: Polar has no arithmetic', hint: 'keep the result as a fact' },
  rem: { code: ARITHMETIC, message: 'the operator `rem` does not exist: Polar has no arithmetic', hint: 'keep the result as a fact' },
  new: { code: OTHER, message: '`new` does not exist: rules make no objects', hint: 'write a value as `Type{"id"}`' },
  isa: { code: OTHER, message: 'the operator `isa` does not exist', hint: 'use `matches`' },
  type: { code: 'not-part-of-polar-rule-type', message: 'rule types are not supported', hint: 'use `declare` for fact types' },
}

/** `*rest` in a list. */
export const listRest: Foreign = { code: OTHER, message: 'list rest patterns do not exist', hint: 'write every element' }

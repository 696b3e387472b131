/** Policy text → the same text in the one layout: `arctos fmt`. */
import { at } from '../base/assert.ts'
import type { Item } from './ast.ts'
import { isMark } from './cursor.ts'
import type { Diagnostic, Outcome } from './diagnostic.ts'
import { formatStatement, type Source } from './format-statement.ts'
import { type Gap, joinGaps, moveBehindSeparators, readGaps } from './gaps.ts'
import { brokenGroup, hard, indent, type Layout, render, space } from './layout.ts'
import { lex } from './lex.ts'
import { parsePolicy } from './parse.ts'
import type { SourceFile } from './source.ts'
import type { Token } from './token.ts'

/** Lines are at most this wide where a line can end. */
const WIDTH = 100

/**
 * Every token and comment stays, in its order; what changes is the blanks and lines between them. Formatting what was formatted
 * changes nothing. The value is null for a file that does not parse.
 */
export const formatPolicy = (file: SourceFile): Outcome<string> => {
  const { value, diagnostics } = parsePolicy([file])
  if (value === null || diagnostics.length > 0) return { value: null, diagnostics }
  return { value: render(layoutOf(file.text, value.items), WIDTH), diagnostics: NONE }
}

const NONE: readonly Diagnostic[] = []

const layoutOf = (text: string, items: readonly Item[]): Layout => {
  const spans = items.flatMap(({ kind, span }) => (kind === 'rule' || kind === 'declare' ? [] : [span]))
  const starts = new Set(spans.map(({ start }) => start))
  const { tokens, gaps } = withoutEmptyStatements(text, new Set(spans.map(({ end }) => end)))
  const bodies = openingBraces(tokens, starts)
  const source: Source = { text, tokens, gaps: moveBehindSeparators(tokens, gaps, bodies) }
  return formatFile(source, starts)
}

interface Spaced {
  readonly tokens: readonly Token[]
  readonly gaps: readonly Gap[]
}

/** A `;` between items says nothing; the comments around it do. `ends` are those of items with a body. */
const withoutEmptyStatements = (text: string, ends: ReadonlySet<number>): Spaced => {
  const all = lex(text, 0).tokens
  const allGaps = readGaps(text, all)
  const tokens: Token[] = []
  const gaps: Gap[] = []
  let carried: Gap | null = null
  for (const [index, token] of all.entries()) {
    const gap: Gap = carried === null ? at(allGaps, index) : joinGaps(carried, at(allGaps, index))
    const last = tokens.at(-1)
    carried = isMark(token, ';') && (last === undefined || isMark(last, ';') || ends.has(last.end)) ? gap : null
    if (carried !== null) continue
    tokens.push(token)
    gaps.push(gap)
  }
  return { tokens, gaps }
}

/** The braces around the statements of blocks, fixtures, tests and setups. */
const openingBraces = (tokens: readonly Token[], starts: ReadonlySet<number>): ReadonlySet<number> => {
  const braces = new Set<number>()
  let waiting = false
  for (const [index, token] of tokens.entries()) {
    if (starts.has(token.start) || isSetup(tokens, index)) waiting = true
    if (!waiting || !isMark(token, '{')) continue
    braces.add(index)
    waiting = false
  }
  return braces
}

const isSetup = (tokens: readonly Token[], index: number): boolean => {
  const [token, next] = [at(tokens, index), tokens[index + 1]]
  return token.kind === 'symbol' && token.text === 'setup' && next !== undefined && isMark(next, '{')
}

const formatFile = (source: Source, starts: ReadonlySet<number>): Layout => {
  const { tokens, gaps } = source
  const end = tokens.length - 1
  const parts: Layout[] = []
  let index = 0
  let previousHasBody = false
  while (index < end) {
    const hasBody = starts.has(at(tokens, index).start)
    const apart = index > 0 && (hasBody || previousHasBody)
    const next = hasBody ? bodyEnd(source, index) : statementEnd(tokens, index)
    parts.push(gapLayout(at(gaps, index), apart), hasBody ? formatBody(source, index, next) : formatStatement(source, index, next))
    previousHasBody = hasBody
    index = next
  }
  return [...parts, gapLayout(at(gaps, end))]
}

/** Comments and at most one empty line before a statement; `apart`: one in any case. */
const gapLayout = ({ comments, blank }: Gap, apart = false): Layout => {
  const missing = apart && !blank && comments.every((comment) => !comment.blank)
  const first = comments.findIndex(({ ownLine }) => ownLine)
  const parts: Layout[] = comments.map((comment, position) =>
    comment.ownLine
      ? [{ kind: 'hard', blank: comment.blank || (missing && position === first) }, comment.text, hard]
      : { kind: 'comment', text: comment.text },
  )
  return [...parts, { kind: 'hard', blank: blank || (missing && first === -1) }]
}

/** Header, brace, statements, brace. */
const formatBody = (source: Source, start: number, end: number): Layout => {
  const { tokens, gaps } = source
  let open = start
  while (!isMark(at(tokens, open), '{')) open += 1
  const close = end - 1
  const parts: Layout[] = []
  let index = open + 1
  while (index < close) {
    const setup = isSetup(tokens, index)
    const next = setup ? bodyEnd(source, index) : statementEnd(tokens, index)
    const gap = at(gaps, index)
    parts.push(gapLayout(parts.length === 0 ? withoutFirstBlank(gap) : gap))
    parts.push(setup ? formatBody(source, index, next) : formatStatement(source, index, next))
    index = next
  }
  const header = [formatStatement(source, start, open), space, '{']
  const last = { ...at(gaps, close), blank: false }
  if (parts.length === 0 && last.comments.length === 0) return [header, '}']
  return brokenGroup([header, indent([parts, gapLayout(parts.length === 0 ? withoutFirstBlank(last) : last)]), hard, '}'])
}

/** No empty line follows an opening brace, unless behind a comment. */
const withoutFirstBlank = ({ comments, blank }: Gap): Gap => {
  const first = comments.findIndex(({ ownLine }) => ownLine)
  const kept = comments.map((comment, position) => (position === first ? { ...comment, blank: false } : comment))
  return { comments: kept, blank: blank && first !== -1 }
}

/** Behind the `;` that ends the statement. */
const statementEnd = (tokens: readonly Token[], start: number): number => {
  let index = start
  while (!isMark(at(tokens, index), ';')) index += 1
  return index + 1
}

/** Behind the brace that closes the body. */
const bodyEnd = ({ tokens }: Source, start: number): number => {
  let depth = 0
  for (let index = start; ; index += 1) {
    const token = at(tokens, index)
    if (isMark(token, '{')) depth += 1
    else if (isMark(token, '}')) depth -= 1
    if (depth === 0 && isMark(token, '}')) return index + 1
  }
}

/** Lists in brackets: one diagnostic for a missing comma, a wrong separator, a trailing comma or a missing closing mark. */
import { type Cursor, isMark } from './cursor.ts'
import { closesAhead } from './recover.ts'
import { endsHere } from './starts.ts'
import type { Token } from './token.ts'

export interface ListForm<T> {
  readonly open: '(' | '[' | '{'
  readonly close: ')' | ']' | '}'
  /** Parses one element; null drops it after a report. */
  readonly element: (c: Cursor) => T | null
  /** Whether an element can start at the cursor. */
  readonly starts: (c: Cursor) => boolean
  /** The element as a message names it, such as `a term`. */
  readonly what: string
  readonly trailingComma: boolean
  /** Whether the brackets may be empty. */
  readonly empty: boolean
}

/** Parses from the opening to the closing mark. */
export const parseList = <T>(c: Cursor, form: ListForm<T>): T[] => {
  const opening = c.token
  if (!c.take(form.open)) {
    c.fail(`\`${form.open}\``)
    return []
  }
  shift(c, form, 1)
  const items = parseElements(c, form)
  if (!c.failed) close(c, form, opening)
  return items
}

const parseElements = <T>(c: Cursor, form: ListForm<T>): T[] => {
  const items: T[] = []
  let wrongSeparator = false
  if (c.is(form.close) && !form.empty) c.unexpected(form.what)
  while (!c.is(form.close) && !c.failed) {
    if (c.is(',')) {
      c.unexpected(form.what, 'remove the comma')
      c.advance()
      continue
    }
    if (c.is(';') && !closesAhead(c) && items.length > 0) break
    const item = form.element(c)
    if (item !== null) items.push(item)
    if (isStrayMark(c, form.close)) {
      c.unexpected(`\`,\` or \`${form.close}\``, 'remove it')
      c.advance()
    }
    if (c.take(',')) {
      if (c.is(form.close) && !form.trailingComma) c.unexpected(form.what, 'remove the comma before it')
      continue
    }
    // Only the first wrong separator of a list is reported; whoever forgets one comma forgets them all.
    const semicolon = c.is(';') && (closesAhead(c) || (form.open === '{' && isMark(c.peek(2), ':')))
    if (!semicolon && (!form.starts(c) || c.isWord('iff'))) break
    if (!wrongSeparator) c.unexpected(`\`,\` or \`${form.close}\``, semicolon ? 'write `,`' : `insert \`,\` before ${c.found()}`)
    wrongSeparator = true
    if (semicolon) c.advance()
  }
  return items
}

/** Whether a closing mark of another kind stands before the next element or the mark of this list. */
const isStrayMark = (c: Cursor, closing: string): boolean =>
  (c.is(')') || c.is(']') || c.is('}')) && !c.is(closing) && (isMark(c.peek(1), ',') || isMark(c.peek(1), closing))

/** Takes the closing mark. A missing or wrong one is stepped over where the text plainly goes on behind the list. */
const close = <T>(c: Cursor, form: ListForm<T>, opening: Token): void => {
  if (c.is(form.close)) {
    c.advance()
    shift(c, form, -1)
    return
  }
  const expected = `\`,\` or \`${form.close}\``
  const labels = c.token.startsLine || c.atEnd ? [{ span: c.spanOf(opening), message: `this \`${form.open}\` is not closed` }] : []
  // Inside parentheses a `)` closes those rather than this list.
  const wrongMark = (c.is(')') && c.openParens < 2) || c.is(']')
  if (wrongMark || goesOnBehind(c)) {
    c.unexpected(
      expected,
      wrongMark ? `write \`${form.close}\`` : `insert \`${form.close}\` ${c.atEnd ? 'at the end' : `before ${c.found()}`}`,
      labels,
    )
    if (wrongMark) c.advance()
    shift(c, form, -1)
    return
  }
  c.unexpected(expected, null, labels)
  c.failed = true
}

const goesOnBehind = (c: Cursor): boolean =>
  c.atEnd || endsHere(c) || c.is(')') || c.isReserved('if') || c.isReserved('and') || c.isReserved('or') || c.isWord('iff')

const shift = <T>(c: Cursor, form: ListForm<T>, by: number): void => {
  if (form.open === '{') c.openBraces += by
  else c.openParens += by
}

/** Steps over a bracketed group that is reported already; fails where it is never closed. */
export const skipGroup = (c: Cursor): void => {
  let depth = 0
  while (!c.failed) {
    if (c.atEnd || c.is(';') || (depth === 0 && c.is('}'))) {
      c.failed = true
      return
    }
    if (c.is('(') || c.is('[') || c.is('{')) depth += 1
    else if (c.is(')') || c.is(']') || c.is('}')) depth -= 1
    c.advance()
    if (depth === 0) return
  }
}

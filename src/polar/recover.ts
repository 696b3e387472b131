/** Where statements begin and end, so that parsing resumes behind a mistake (polar.md 17). */
import { type Cursor, isMark } from './cursor.ts'
import type { Token } from './token.ts'

/** What surrounds a statement: a file, a block, a test, or the facts of a setup or fixture. */
export type Context = 'file' | 'block' | 'test' | 'facts'

/** Whether a top-level item other than a rule starts here; none of these openings can stand inside another item. */
export const startsItem = (c: Cursor, ahead = 0): boolean => {
  const first = c.peek(ahead)
  const second = c.peek(ahead + 1)
  if (first.kind !== 'symbol') return false
  switch (first.text) {
    case 'actor':
    case 'resource':
      return second.kind === 'symbol' && (isMark(c.peek(ahead + 2), '{') || isSymbol(c.peek(ahead + 2), 'extends'))
    case 'global':
      return isMark(second, '{')
    case 'declare':
      return second.kind === 'symbol' && isMark(c.peek(ahead + 2), '(')
    case 'test':
      if (second.kind === 'string') return isMark(c.peek(ahead + 2), '{')
      return isSymbol(second, 'fixture') && c.peek(ahead + 2).kind === 'symbol' && isMark(c.peek(ahead + 3), '{')
    default:
      return false
  }
}

/** Whether a rule starts here at the left margin: bodies and blocks are indented, so a closing mark before it is missing. */
export const startsRuleAtMargin = (c: Cursor): boolean => {
  const rule = c.token.kind === 'at' || (c.token.kind === 'symbol' && isMark(c.peek(1), '('))
  return rule && (c.token.start === 0 || c.text[c.token.start - 1] === '\n')
}

/** Ends a statement. A missing `;` is stepped over where the next statement plainly begins. */
export const endStatement = (c: Cursor, context: Context, expected: string, hint: string | null = null): void => {
  if (c.take(';') || c.failed) return
  if (!startsStatement(c, context)) {
    c.fail(expected, c.is(')') || c.is(']') ? 'remove it' : hint)
    return
  }
  c.unexpected(expected, c.atEnd ? 'add `;` at the end' : `insert \`;\` before ${c.found()}`)
}

const startsStatement = (c: Cursor, context: Context): boolean => {
  if (c.atEnd || c.is('}') || startsItem(c)) return true
  const next = c.peek(1)
  switch (context) {
    case 'file':
      return startsRuleAtMargin(c)
    case 'block':
      if (c.token.kind === 'at') return true
      if (c.token.kind !== 'symbol' && c.token.kind !== 'string') return false
      return isMark(next, '=') || (next.kind === 'reserved' && next.text === 'if')
    case 'test':
      return (c.isWord('setup') && isMark(next, '{')) || ((c.isWord('assert') || c.isWord('assert_not')) && next.kind === 'symbol')
    case 'facts':
      return c.token.kind === 'symbol' && (isMark(next, '(') || (c.isWord('fixture') && next.kind === 'symbol'))
  }
}

const isSymbol = (token: Token, text: string): boolean => token.kind === 'symbol' && token.text === text

/** Wakes a failed cursor up: behind the next `;` or closing brace, before the brace that ends what surrounds it, or before the next item. */
export const recover = (c: Cursor, context: Context): void => {
  if (!c.failed) return
  c.failed = false
  for (;;) {
    const fresh = !c.atStatement && (startsItem(c) || (context === 'file' && startsRuleAtMargin(c)))
    if (c.atEnd || fresh) {
      // Whatever swallowed a closing brace on the way is reported already.
      c.excuse()
      return
    }
    if (c.is('}') && c.openBraces === 0) {
      if (context === 'file') c.advance()
      return
    }
    if (skipToken(c)) return
  }
}

/** Steps over one token, object literal or braced group; true when the statement ended with it. */
const skipToken = (c: Cursor): boolean => {
  if (c.is('{')) return skipBraces(c)
  const mark = c.token.kind === 'punctuation' ? c.token.text : ''
  const inside = mark === ';' && closesAhead(c)
  c.advance()
  switch (mark) {
    case ';':
      return !inside
    case '(':
    case '[':
      c.openParens += 1
      return false
    case ')':
    case ']':
      c.openParens = Math.max(0, c.openParens - 1)
      return false
    case '}':
      c.openBraces -= 1
      if (c.openBraces === 0) c.take(';')
      return c.openBraces === 0
    default:
      return false
  }
}

/** Steps over `{ … }`; true unless it was an object literal. Stops before the next item when the brace is never closed. */
const skipBraces = (c: Cursor): boolean => {
  const object = isLiteral(c.peek(1)) && isMark(c.peek(2), '}')
  let depth = 0
  do {
    if (c.is('{')) depth += 1
    else if (c.is('}')) depth -= 1
    c.advance()
  } while (depth > 0 && !c.atEnd && !startsItem(c))
  if (object) return false
  if (depth === 0) c.take(';')
  else c.excuse()
  return true
}

const isLiteral = (token: Token): boolean =>
  token.kind === 'string' || token.kind === 'integer' || (token.kind === 'reserved' && (token.text === 'true' || token.text === 'false'))

/** Whether what is open closes before the next `;`: then the `;` at the cursor stands inside it, as in `["a"; "b"]`. Linear: each `;` looks as far as the next. */
export const closesAhead = (c: Cursor): boolean => {
  let parens = c.openParens
  let braces = c.openBraces
  if (parens + braces === 0) return false
  for (let ahead = 1; ; ahead += 1) {
    const token = c.peek(ahead)
    if (token.kind === 'end' || isMark(token, ';') || startsItem(c, ahead)) return false
    if (token.kind !== 'punctuation') continue
    if (token.text === '(' || token.text === '[') parens += 1
    else if (token.text === ')' || token.text === ']') parens = Math.max(0, parens - 1)
    else if (token.text === '{') braces += 1
    else if (token.text === '}') {
      if (braces === 0) return false
      braces -= 1
    }
    if (parens + braces === 0) return true
  }
}

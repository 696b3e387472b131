/** Where statements end, so that parsing resumes behind a mistake (polar.md 17). */
import { type Cursor, isMark } from './cursor.ts'
import { type Context, endsHere, isStrayBrace, startsItem, startsRuleAtMargin, startsStatement } from './starts.ts'
import { isLiteral } from './token.ts'

/** Ends a statement. A missing `;` is stepped over where the next statement plainly begins. */
export const endStatement = (c: Cursor, context: Context, expected: string, hint: string | null = null): void => {
  if (c.take(';') || c.failed) return
  if (context === 'block' && isMark(c.peek(1), ';') && c.is('}') && (isMark(c.peek(2), '}') || startsStatement(c, context, 2))) {
    c.unexpected(expected, 'remove it')
    c.advance()
    c.advance()
    return
  }
  if (!startsNext(c, context)) {
    c.fail(expected, c.is(')') || c.is(']') ? 'remove it' : hint)
    return
  }
  c.unexpected(expected, c.atEnd ? 'add `;` at the end' : `insert \`;\` before ${c.found()}`)
}

/** Whether the next statement, or the end of what surrounds them, plainly stands here. */
const startsNext = (c: Cursor, context: Context): boolean => c.atEnd || endsHere(c) || startsItem(c) || startsStatement(c, context)

/** Wakes a failed cursor up: behind the next `;` or closing brace, before the brace that ends what surrounds it, or before the next item. */
export const recover = (c: Cursor, context: Context): void => {
  if (!c.failed) return
  c.failed = false
  // A `;` or brace in the middle of a statement, rather than at its end.
  if ((c.is(';') || c.is('}')) && !endsHere(c)) c.advance()
  for (;;) {
    const fresh = !c.atStatement && (startsItem(c) || (context === 'file' && startsRuleAtMargin(c)))
    if (c.atEnd || fresh) {
      // Whatever swallowed a closing brace on the way is reported already.
      c.excuse()
      return
    }
    if (c.is('}') && c.openBraces === 0 && !isStrayBrace(c)) {
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
      if (c.openBraces === 0) return false
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
  c.unsureBraces = true
  return true
}

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
      // A map is followed by `;`, any other brace ends what surrounds it.
      if (braces === 0 || !isMark(c.peek(ahead + 1), ';')) return false
      braces -= 1
    }
    if (parens + braces === 0) return true
  }
}

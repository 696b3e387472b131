/** `{ … }` around the statements of a block, setup, fixture or test. */
import { assert } from '../base/assert.ts'
import { type Cursor, isMark } from './cursor.ts'
import { recover } from './recover.ts'
import { type Context, startsAssertion, startsItem, startsRuleAtMargin, startsStatement } from './starts.ts'

export interface BodyForm {
  readonly context: Exclude<Context, 'file'>
  /** What may stand at the opening brace, for messages; the brace itself by default. */
  readonly expected?: string
  readonly hint?: string | null
}

/** Parses from the opening to the closing brace; a broken statement is left out. Fails when there is no body. */
export const parseBody = <T>(c: Cursor, form: BodyForm, parseStatement: (c: Cursor) => T | null): T[] => {
  const opening = c.token
  if (!c.take('{') && !findBody(c, form)) return []
  if (c.is('{') && (isMark(c.peek(1), '}') || startsStatement(c, form.context, 1))) {
    c.unexpected('one `{`', 'remove it')
    while (c.take('{'));
  }
  const items = parseStatements(c, form.context, parseStatement)
  c.begin()
  if (!c.take('}')) {
    const labels = isMark(opening, '{') ? [{ span: c.spanOf(opening), message: 'this `{` is not closed' }] : []
    if (c.unsureBraces) c.excuse()
    c.unexpected('`}`', c.atEnd ? 'add `}` at the end' : `insert \`}\` before ${c.found()}`, labels)
    if (!c.atEnd) c.guessedBraces += 1
  }
  return items
}

/** Parses statements up to the brace that closes them, or to where it is plainly missing. */
export const parseStatements = <T>(c: Cursor, context: BodyForm['context'], parseStatement: (c: Cursor) => T | null): T[] => {
  const items: T[] = []
  while (!endsBody(c, context)) {
    const before = c.index
    c.begin()
    const item = parseStatement(c)
    if (c.failed) recover(c, context)
    else if (item !== null) items.push(item)
    assert(c.index > before, 'a statement takes at least one token')
  }
  return items
}

/** Reports what stands in place of the opening brace; true when a body follows all the same. */
const findBody = (c: Cursor, { context, expected = '`{`', hint = null }: BodyForm): boolean => {
  if (!c.failed && startsStatement(c, context)) {
    c.unexpected(expected, `insert \`{\` before ${c.found()}`)
    return true
  }
  c.fail(expected, hint)
  c.failed = false
  while (!c.take('{')) {
    const bodyNear = isMark(c.peek(1), '{') || isMark(c.peek(2), '{')
    if (c.atEnd || startsItem(c) || ((c.is(';') || c.is('}')) && (!bodyNear || startsItem(c, 1)))) {
      c.failed = true
      return false
    }
    c.advance()
  }
  return true
}

/** Whether the statements end here, with a closing brace or where one is plainly missing. */
const endsBody = (c: Cursor, context: Context): boolean => {
  if (c.is('}') || c.atEnd || startsItem(c)) return true
  // A `;` stands behind the brace of a block or test.
  if (c.is(';') && (c.peek(1).kind === 'end' || startsItem(c, 1))) return true
  return (context === 'block' && c.token.kind === 'symbol' && startsRuleAtMargin(c)) || (context === 'setup' && startsAssertion(c))
}

/** `{ … }` around the statements of a block, setup, fixture or test. */

import { assert } from '../base/assert.ts'
import type { Cursor } from './cursor.ts'
import { type Context, recover, startsItem, startsRuleAtMargin } from './recover.ts'

/** Parses statements up to the closing brace; a broken one is left out. Does nothing when the cursor has failed before the opening brace and none is near. */
export const parseBody = <T>(c: Cursor, context: Context, parseStatement: (c: Cursor) => T | null): T[] => {
  if (c.failed && !skipHeader(c)) return []
  const opening = c.advance()
  const items: T[] = []
  while (!c.is('}') && !c.atEnd && !startsItem(c) && !(context === 'block' && startsRuleAtMargin(c))) {
    const before = c.index
    c.begin()
    const item = parseStatement(c)
    if (c.failed) recover(c, context)
    else if (item !== null) items.push(item)
    assert(c.index > before, 'a statement takes at least one token')
  }
  if (!c.take('}')) {
    const labels = [{ span: c.spanOf(opening), message: 'this `{` is not closed' }]
    c.unexpected('`}`', c.atEnd ? 'add `}` at the end' : `insert \`}\` before ${c.found()}`, labels)
    if (!c.atEnd) c.guessedBraces += 1
  }
  return items
}

/** Resumes a failed header at its `{`, so that the body behind it is still read. */
const skipHeader = (c: Cursor): boolean => {
  c.failed = false
  while (!c.is('{')) {
    if (c.atEnd || c.is(';') || c.is('}') || (startsItem(c) && !c.atStatement)) {
      c.failed = true
      return false
    }
    c.advance()
  }
  return true
}

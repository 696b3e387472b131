/** The top level of a policy file. */
import { assert } from '../base/assert.ts'
import type { Item } from './ast.ts'
import { type Cursor, isMark } from './cursor.ts'
import { suggest } from './edit-distance.ts'
import { foreignWord } from './foreign.ts'
import { parseBlock } from './parse-block.ts'
import { parseDeclare, parseFlags, parseRule } from './parse-rule.ts'
import { parseFixture, parseTest } from './parse-test.ts'
import { recover } from './recover.ts'
import { quote } from './wording.ts'

/** Everything in the file that could be parsed. */
export const parseItems = (c: Cursor): Item[] => {
  const items: Item[] = []
  while (!c.atEnd) {
    const before = c.index
    c.begin()
    if (!c.take(';')) {
      const item = parseItem(c)
      if (c.failed) recover(c, 'file')
      else if (item !== null) items.push(item)
    }
    assert(c.index > before, 'an item takes at least one token')
  }
  return items
}

const parseItem = (c: Cursor): Item | null => {
  const { start, kind, text } = c.token
  const next = c.peek(1)
  const flags = parseFlags(c)
  if (flags.length > 0) {
    if (c.token.kind !== 'symbol' || !isMark(c.peek(1), '(')) c.fail('a rule', 'a flag stands before a rule')
    return parseRule(c, flags, start)
  }
  if (kind === 'symbol') {
    if (isMark(next, '(')) return parseRule(c, [], start)
    if ((text === 'actor' || text === 'resource') && next.kind === 'symbol') return parseBlock(c, text)
    if (text === 'global' && isMark(next, '{')) return parseBlock(c, text)
    if (text === 'declare' && next.kind === 'symbol') return parseDeclare(c)
    if (text === 'test' && next.kind === 'string') return parseTest(c)
    if (text === 'test' && next.kind === 'symbol' && next.text === 'fixture' && c.peek(2).kind === 'symbol') return parseFixture(c)
  }
  failItem(c)
  return null
}

const ITEM = 'a block, a rule, `declare` or `test`'
const OPENINGS = ['actor', 'resource', 'global', 'declare', 'test']

/** Says what is wrong with a beginning that starts nothing. */
const failItem = (c: Cursor): void => {
  const { kind, text } = c.token
  const next = c.peek(1)
  if (c.is('}') && c.guessedBraces > 0) {
    // The brace that was taken as missing further up.
    c.guessedBraces -= 1
    c.advance()
    return
  }
  if (kind !== 'symbol') {
    c.fail(ITEM, c.is('}') ? 'remove it' : kind === 'string' ? 'a shorthand rule stands inside a block' : null)
    return
  }
  if (text === 'type' && next.kind === 'symbol') {
    c.failWith({ ...foreignWord('type'), span: c.spanOf(c.token) })
    return
  }
  if (OPENINGS.includes(text)) {
    c.advance()
    if (text === 'test' && c.isWord('fixture')) {
      c.advance()
      c.fail('a fixture name')
    }
    c.fail(
      text === 'test' ? 'a name in quotes or `fixture`' : text === 'global' ? '`{`' : text === 'declare' ? 'a predicate' : 'a type name',
    )
    return
  }
  const meant = next.kind === 'symbol' || next.kind === 'string' || isMark(next, '{') ? suggest(text, OPENINGS) : null
  if (meant !== null) c.fail(ITEM, `did you mean ${quote(meant)}`)
  else if (isMark(next, '=')) c.fail(ITEM, 'a declaration stands inside a block')
  else {
    c.advance()
    c.fail(
      '`(`',
      text === 'fixture'
        ? 'write `test fixture`'
        : text === 'setup' || text === 'assert' || text === 'assert_not'
          ? 'it stands inside a test'
          : null,
    )
  }
}

/** The top level of a policy file. */
import { assert } from '../base/assert.ts'
import type { Item } from './ast.ts'
import { type Cursor, isMark } from './cursor.ts'
import { suggest } from './edit-distance.ts'
import { foreignWord } from './foreign.ts'
import { parseBlock, parseOrphanStatements } from './parse-block.ts'
import { parseDeclare, parseFlags, parseRule } from './parse-rule.ts'
import { parseFixture, parseOrphanAssertions, parseTest } from './parse-test.ts'
import { recover } from './recover.ts'
import { startsAssertion, startsStatement } from './starts.ts'
import type { Token } from './token.ts'
import { quote } from './wording.ts'

/** Everything in the file that could be parsed. */
export const parseItems = (c: Cursor): Item[] => {
  const items: Item[] = []
  while (!c.atEnd) {
    const before = c.index
    c.unsureBraces = false
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
    if (text === 'global' && (isMark(next, '{') || isMark(c.peek(2), '='))) return parseBlock(c, text)
    if (text === 'declare' && next.kind === 'symbol') return parseDeclare(c)
    if (text === 'test' && next.kind === 'string') return parseTest(c)
    if (text === 'test' && next.kind === 'symbol' && next.text === 'fixture' && c.peek(2).kind === 'symbol') return parseFixture(c)
  }
  if (!parseOrphans(c)) failItem(c)
  return null
}

const ITEM = 'a block, a rule, `declare` or `test`'
const OPENINGS: Readonly<Record<string, string>> = {
  actor: 'a type name',
  resource: 'a type name',
  global: '`{`',
  declare: 'a predicate',
  test: 'a name in quotes or `fixture`',
}

/** Statements of a block or test outside of one, as behind a closing brace too many: one report for all of them. */
const parseOrphans = (c: Cursor): boolean => {
  const assertion = startsAssertion(c)
  if (!assertion && (c.token.kind === 'at' || !startsStatement(c, 'block'))) return false
  c.unexpected(ITEM, assertion ? 'an assertion stands inside a test' : 'it stands inside a block')
  if (assertion) parseOrphanAssertions(c)
  else parseOrphanStatements(c)
  c.take('}')
  return true
}

/** Says what is wrong with a beginning that starts nothing. */
const failItem = (c: Cursor): void => {
  const { kind, text } = c.token
  const next = c.peek(1)
  const opening = OPENINGS[text]
  if (c.is('}') && c.guessedBraces > 0) {
    // The brace that was taken as missing further up.
    c.guessedBraces -= 1
    c.advance()
  } else if (kind !== 'symbol') c.fail(ITEM, c.is('}') ? 'remove it' : null)
  else if (text === 'type' && next.kind === 'symbol') c.failWith({ ...foreignWord('type'), span: c.spanOf(c.token) })
  else if (opening !== undefined) failOpening(c, opening)
  else failName(c, next)
}

/** A word that opens an item, without what belongs behind it. */
const failOpening = (c: Cursor, expected: string): void => {
  const fixture = c.advance().text === 'test' && c.isWord('fixture')
  if (fixture) c.advance()
  c.fail(fixture ? 'a fixture name' : expected)
}

/** A name that is neither a predicate with its arguments nor the beginning of anything. */
const failName = (c: Cursor, next: Token): void => {
  const { text } = c.token
  const opens = next.kind === 'symbol' || next.kind === 'string' || isMark(next, '{')
  const meant = opens ? suggest(text, Object.keys(OPENINGS)) : null
  if (meant !== null) {
    c.fail(ITEM, `did you mean ${quote(meant)}`)
    return
  }
  c.advance()
  c.fail('`(`', text === 'fixture' ? 'write `test fixture`' : text === 'setup' ? 'it stands inside a test' : null)
}

/** Policy tests and their fixtures (polar.md 14). */
import type { Assertion, Expression, Fixture, FixtureUse, Name, SetupFact, Test } from './ast.ts'
import { type Cursor, isMark } from './cursor.ts'
import { parseBody, parseStatements } from './parse-body.ts'
import { bodyEnd, parseExpression } from './parse-condition.ts'
import { parseHead } from './parse-rule.ts'
import { parseArguments, parseTermList } from './parse-term.ts'
import { endStatement } from './recover.ts'
import type { Span } from './source.ts'
import { startsAssertion } from './starts.ts'
import { quote } from './wording.ts'

/** With the cursor on `test`, before `fixture`. */
export const parseFixture = (c: Cursor): Fixture => {
  const start = c.advance().start
  c.advance()
  const name = c.name('a fixture')
  const facts = parseBody(c, { context: 'fixture' }, parseFixtureFact)
  return { kind: 'fixture', name, facts, span: c.spanFrom(start) }
}

/** With the cursor on `test`, before its name. */
export const parseTest = (c: Cursor): Test => {
  const start = c.advance().start
  const title = c.advance()
  const name: Name = { text: title.text, span: c.spanOf(title) }
  const content: Content = { setup: [], assertions: 0, firstSetup: null }
  const assertions = parseBody(c, { context: 'test' }, (cursor) => parseTestItem(cursor, content))
  // An extra brace before the assertions is reported there.
  if (!c.failed && content.assertions === 0 && !c.is('}') && !startsAssertion(c)) {
    const message = `the test ${quote(name.text)} needs at least one assertion`
    c.report({ code: 'empty-test', message, span: name.span, hint: 'add `assert …;`' })
  }
  return { kind: 'test', name, setup: content.setup, assertions, span: c.spanFrom(start) }
}

interface Content {
  readonly setup: (SetupFact | FixtureUse)[]
  /** Assertions seen, broken ones included. */
  assertions: number
  firstSetup: Span | null
}

/** With the cursor on an assertion that follows no test; there it is read like one of its own. */
export const parseOrphanAssertions = (c: Cursor): void => {
  const content: Content = { setup: [], assertions: 0, firstSetup: null }
  parseStatements(c, 'test', (cursor) => parseTestItem(cursor, content))
}

const parseTestItem = (c: Cursor, content: Content): Assertion | null => {
  const next = c.peek(1)
  if (c.isWord('setup') && !isMark(next, '(')) {
    parseSetup(c, content)
    return null
  }
  if ((c.isWord('assert') || c.isWord('assert_not')) && !isMark(next, '(')) {
    content.assertions += 1
    return parseAssertion(c)
  }
  const fact = c.token.kind === 'symbol' && isMark(next, '(')
  // Its author means it as an assertion or fact, so the test is not empty on top of it.
  content.assertions += 1
  c.fail(
    '`setup`, `assert` or `assert_not`',
    fact ? 'a fact stands in `setup { … }`, a goal after `assert`' : c.is(';') ? 'remove it' : null,
  )
  return null
}

const parseSetup = (c: Cursor, content: Content): void => {
  const span = c.spanOf(c.token)
  if (content.firstSetup !== null) {
    const labels = [{ span: content.firstSetup, message: 'the first `setup`' }]
    c.report({ code: 'misplaced-setup', message: 'a test has one `setup`', span, hint: 'merge the two', labels })
  } else if (content.assertions > 0) {
    c.report({ code: 'misplaced-setup', message: '`setup` comes before the assertions', span, hint: 'move it to the start of the test' })
  }
  content.firstSetup ??= span
  c.advance()
  for (const item of parseBody(c, { context: 'setup' }, parseSetupItem)) content.setup.push(item)
}

const parseSetupItem = (c: Cursor): SetupFact | FixtureUse => {
  if (!c.isWord('fixture') || c.peek(1).kind !== 'symbol') return parseFact(c)
  const start = c.advance().start
  const name = c.name('a fixture')
  endStatement(c, 'setup', '`;`')
  return { kind: 'use', name, span: c.spanFrom(start) }
}

const parseFixtureFact = (c: Cursor): SetupFact => {
  if (c.isWord('fixture') && c.peek(1).kind === 'symbol') c.fail('a fact', 'a fixture contains only facts')
  return parseFact(c)
}

const parseFact = (c: Cursor): SetupFact => {
  const assertion = startsAssertion(c)
  if (assertion || c.token.kind !== 'symbol')
    c.fail('a fact', assertion ? 'an assertion stands in a test, behind its setup' : c.is(';') ? 'remove it' : null)
  const predicate = c.name('a fact')
  const args = parseArguments(c, 'ignore')
  endStatement(c, 'setup', '`;`', c.isReserved('if') ? 'a fact has no conditions' : null)
  return { kind: 'fact', predicate, args, span: c.spanFrom(predicate.span.start) }
}

const parseAssertion = (c: Cursor): Assertion => {
  const keyword = c.advance()
  const negated = keyword.text === 'assert_not'
  if (c.isReserved('not')) c.fail('a goal', 'write `assert_not`')
  const goal = parseHead(c, 'a goal')
  const iff = c.isWord('iff') ? parseIff(c) : null
  endStatement(c, 'test', iff === null ? '`iff` or `;`' : bodyEnd, c.isReserved('if') ? 'write `iff`' : null)
  return { kind: 'assertion', negated, goal, iff, span: c.spanFrom(keyword.start) }
}

/** `iff v not in […]` was the form before 2026, with the opposite meaning. */
const parseIff = (c: Cursor): Expression | null => {
  c.advance()
  const [variable, not, operator] = [c.token, c.peek(1), c.peek(2)]
  const old =
    variable.kind === 'symbol' && not.kind === 'reserved' && not.text === 'not' && operator.kind === 'reserved' && operator.text === 'in'
  if (!old) return parseExpression(c)
  const span = { file: c.file, start: not.start, end: operator.end }
  const hint = `list the expected values, ${quote(`iff ${variable.text} in […]`)}`
  c.report({ code: 'bad-iff', message: '`iff` takes no `not in`', span, hint })
  c.advance()
  c.advance()
  c.advance()
  parseTermList(c)
  return null
}

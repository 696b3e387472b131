/** Long-hand rules, policy facts and `declare`. */
import type { Declare, Head, Name, Rule } from './ast.ts'
import type { Cursor } from './cursor.ts'
import { bodyEnd, parseExpression } from './parse-condition.ts'
import { parseList } from './parse-list.ts'
import { parseParameters } from './parse-term.ts'
import { endStatement } from './recover.ts'
import { timeConstant } from './token.ts'

/** With the cursor on the head, behind the flags. */
export const parseRule = (c: Cursor, flags: readonly Name[], start: number): Rule => {
  const head = parseHead(c, 'a predicate')
  if (!c.isReserved('if')) {
    endStatement(c, 'file', '`if` or `;`')
    return { kind: 'rule', flags, head, body: null, span: c.spanFrom(start) }
  }
  c.advance()
  const body = parseExpression(c)
  const joinable = c.token.kind === 'symbol' || c.isReserved('not') || c.is('(')
  endStatement(c, 'file', bodyEnd, joinable ? `insert \`and\` or \`or\` before ${c.found()}` : null)
  return { kind: 'rule', flags, head, body, span: c.spanFrom(start) }
}

/** The head of a rule or the goal of an assertion. */
export const parseHead = (c: Cursor, expected: string): Head => {
  const predicate = c.name(expected)
  const params = parseParameters(c)
  return { predicate, params, span: c.spanFrom(predicate.span.start) }
}

/** `@word …` before a rule; the texts are without the `@`, the spans with it. */
export const parseFlags = (c: Cursor): Name[] => {
  const flags: Name[] = []
  while (c.token.kind === 'at' && c.token.text !== timeConstant) {
    flags.push({ text: c.token.text, span: c.spanOf(c.token) })
    c.advance()
  }
  return flags
}

/** With the cursor on `declare`. */
export const parseDeclare = (c: Cursor): Declare => {
  const start = c.advance().start
  const predicate = c.name('a predicate')
  const types = parseList(c, {
    open: '(',
    close: ')',
    element: parseDeclaredType,
    starts: (cursor) => cursor.token.kind === 'symbol',
    what: 'a type name',
    trailingComma: false,
    empty: false,
  })
  endStatement(c, 'file', '`;`', c.isReserved('if') ? 'a rule is written without `declare`' : null)
  return { kind: 'declare', predicate, types, span: c.spanFrom(start) }
}

const parseDeclaredType = (c: Cursor): Name => {
  const name = c.name('a type name')
  if (!c.is(':')) return name
  c.unexpected('`,` or `)`', '`declare` takes the type names alone')
  c.advance()
  return c.name('a type name')
}

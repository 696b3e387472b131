/** How statements and items begin: what the parser goes by to tell a missing mark from a wrong one. */
import { type Cursor, isMark } from './cursor.ts'
import type { Token } from './token.ts'

/** What surrounds a statement. */
export type Context = 'file' | 'block' | 'test' | 'setup' | 'fixture'

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

/** Whether a statement of its context plainly starts here. */
export const startsStatement = (c: Cursor, context: Context, ahead = 0): boolean => {
  const first = c.peek(ahead)
  const next = c.peek(ahead + 1)
  switch (context) {
    case 'file':
      return startsRuleAtMargin(c)
    case 'block':
      if (first.kind === 'at') return true
      if (first.kind !== 'symbol' && first.kind !== 'string') return false
      return isMark(next, '=') || (next.kind === 'reserved' && next.text === 'if')
    case 'test':
      return (isSymbol(first, 'setup') && isMark(next, '{')) || isAssertion(first, next)
    case 'setup':
    case 'fixture':
      return first.kind === 'symbol' && (isMark(next, '(') || (first.text === 'fixture' && next.kind === 'symbol'))
  }
}

export const startsAssertion = (c: Cursor): boolean => isAssertion(c.token, c.peek(1))

const isAssertion = (first: Token, next: Token): boolean =>
  (isSymbol(first, 'assert') || isSymbol(first, 'assert_not')) && next.kind === 'symbol'

/** Whether the brace at the cursor belongs to an object literal whose opening is missing: no body is followed by these. */
export const isStrayBrace = (c: Cursor): boolean =>
  c.is('}') && (isMark(c.peek(1), ',') || isMark(c.peek(1), ')') || isMark(c.peek(1), ']'))

const isSymbol = (token: Token, text: string): boolean => token.kind === 'symbol' && token.text === text

/** Whether a `;` or brace stands at the cursor with something behind it that can follow a statement or body; otherwise the mark itself is out of place. */
export const endsHere = (c: Cursor): boolean => {
  if (!c.is(';') && !c.is('}')) return false
  const next = c.peek(1)
  if (next.startsLine || next.kind === 'end' || next.kind === 'symbol' || next.kind === 'at' || next.text === '?=') return true
  return isMark(next, ';') || isMark(next, '}') || startsStatement(c, 'block', 1)
}

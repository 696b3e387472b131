/** Shorthand rules of blocks, as in `"peek" if "seal" on "vault";`. */
import type { Name, Shorthand, ShorthandExpression, ShorthandTerm } from './ast.ts'
import { type Cursor, isMark } from './cursor.ts'
import { parseCall, skipForeignCondition } from './parse-condition.ts'
import { type LogicForm, parseLogic } from './parse-logic.ts'
import { endStatement } from './recover.ts'
import type { Token } from './token.ts'
import { quote } from './wording.ts'

/** With the cursor on the head, behind the flags. */
export const parseShorthand = (c: Cursor, flags: readonly Name[], start: number): Shorthand => {
  const head = parseShorthandTerm(c, 'a role or permission')
  if (c.isReserved('if')) c.advance()
  else c.fail('`if`', head.kind === 'quoted' ? `a shorthand rule reads ${quote(`"${head.text}" if …;`)}` : null)
  const body = parseLogic(c, form)
  endStatement(c, 'block', '`and`, `or` or `;`', comparisonHint(c))
  return { kind: 'shorthand', flags, head, body, span: c.spanFrom(start) }
}

const comparisonHint = (c: Cursor): string | null => {
  const { kind, text } = c.token
  const operator = kind === 'reserved' ? text === 'in' || text.startsWith('matches') : kind === 'punctuation' && '!=<=>='.includes(text)
  return operator ? 'comparisons stand in a long-hand rule outside the block' : null
}

const parseShorthandTerm = (c: Cursor, expected: string): ShorthandTerm => {
  const token = c.token
  const span = c.spanOf(token)
  if (!isShorthandTerm(token)) {
    c.fail(expected, token.kind === 'reserved' ? `${c.found()} is a reserved word` : null)
    return { kind: 'word', text: '', span }
  }
  c.advance()
  return { kind: token.kind === 'string' ? 'quoted' : 'word', text: token.text, span }
}

const isShorthandTerm = (token: Token): boolean => token.kind === 'string' || token.kind === 'symbol'

const parseAtom = (c: Cursor): ShorthandExpression => {
  const start = c.token.start
  if (skipForeignCondition(c))
    return { kind: 'condition', term: { kind: 'word', text: '', span: c.spanFrom(start) }, on: null, span: c.spanFrom(start) }
  if (c.token.kind === 'symbol' && isMark(c.peek(1), '(')) return parseCall(c)
  if (startsGlobal(c)) {
    c.advance()
    const term = parseShorthandTerm(c, 'a global role or permission')
    return { kind: 'global', term, span: c.spanFrom(start) }
  }
  const term = parseShorthandTerm(c, 'a condition')
  const on = c.isWord('on') ? parseOn(c, term) : null
  return { kind: 'condition', term, on, span: c.spanFrom(start) }
}

/** `global "x"`, but not the word `global` with a relation behind it, `global on "x"`. */
const startsGlobal = (c: Cursor): boolean => {
  const next = c.peek(1)
  if (!c.isWord('global') || !isShorthandTerm(next)) return false
  return next.kind === 'string' || next.text !== 'on' || !isShorthandTerm(c.peek(2))
}

const parseOn = (c: Cursor, term: ShorthandTerm): ShorthandTerm => {
  c.advance()
  const on = parseShorthandTerm(c, 'a relation')
  skipChain(c, term, on)
  return on
}

/** Reports the second `on` with the rest of its chain, and steps over it. */
const skipChain = (c: Cursor, term: ShorthandTerm, on: ShorthandTerm): void => {
  let steps = 0
  while (c.peek(steps).kind === 'symbol' && c.peek(steps).text === 'on') steps += isShorthandTerm(c.peek(steps + 1)) ? 2 : 1
  if (steps === 0) return
  const span = { file: c.file, start: c.token.start, end: c.peek(steps - 1).end }
  const hint = `give ${quote(on.text)} a rule of its own for ${quote(term.text)}, or write a long-hand rule`
  c.report({ code: 'chained-on', message: '`on` takes one step', span, hint })
  for (let step = 0; step < steps; step += 1) c.advance()
}

const form: LogicForm<ShorthandExpression> = { atom: parseAtom, logic: (node) => node }

/** Bodies of long-hand rules and conditions after `iff`. */
import type { Call, ComparisonOperator, Expression, Name, Term } from './ast.ts'
import { type Cursor, isMark } from './cursor.ts'
import { type ForeignWord, foreignWord } from './foreign.ts'
import { skipGroup } from './parse-list.ts'
import { type LogicForm, parseLogic } from './parse-logic.ts'
import { parseArguments, parseTerm, parseTermList } from './parse-term.ts'
import { quote } from './wording.ts'

export const parseExpression = (c: Cursor): Expression => parseLogic(c, form)

/** What may follow a complete condition, for messages. */
export const bodyEnd = '`and`, `or` or `;`'

/** `p(a, b)` with the cursor on the name. */
export const parseCall = (c: Cursor): Call => {
  const predicate = c.name('a predicate')
  const args = parseArguments(c, 'report')
  return { kind: 'call', predicate, args, span: c.spanFrom(predicate.span.start) }
}

/** Reports `forall(…)`, `print(…)`, `debug(…)` and a bare `cut` or `debug`, and steps over them. */
export const skipForeignCondition = (c: Cursor): boolean => {
  const word = FOREIGN.find((text) => c.isWord(text))
  if (word === undefined) return false
  const next = c.peek(1)
  const call = isMark(next, '(')
  const alone =
    isMark(next, ';') ||
    isMark(next, ')') ||
    next.kind === 'end' ||
    (next.kind === 'reserved' && (next.text === 'and' || next.text === 'or'))
  if (word === 'cut' ? !alone : !call && !(word === 'debug' && alone)) return false
  c.report({ ...foreignWord(word), span: c.spanOf(c.token) })
  c.advance()
  if (call) skipGroup(c)
  return true
}

const FOREIGN: readonly ForeignWord[] = ['forall', 'print', 'debug', 'cut']

const parseAtom = (c: Cursor): Expression => {
  const start = c.token.start
  const holds: Expression = { kind: 'constant', value: true, span: c.spanOf(c.token) }
  if (skipForeignCondition(c)) return { ...holds, span: c.spanFrom(start) }
  if (c.token.kind === 'symbol' && isMark(c.peek(1), '(')) return parseCall(c)
  if (c.token.kind === 'reserved' && isMark(c.peek(1), '(')) c.fail('a predicate', `${c.found()} is a reserved word`)
  if ((c.isReserved('true') || c.isReserved('false')) && !isOperator(c)) {
    const value = c.isReserved('true')
    c.advance()
    return { ...holds, value }
  }
  if (!startsCondition(c)) {
    c.fail('a condition', c.token.kind === 'reserved' ? `${c.found()} is a reserved word` : null)
    return holds
  }
  return parseComparison(c, start, parseTerm(c))
}

const startsCondition = (c: Cursor): boolean => {
  const { kind } = c.token
  return (
    kind === 'symbol' || kind === 'string' || kind === 'integer' || kind === 'at' || kind === 'foreign' || kind === 'reserved' || c.is('[')
  )
}

/** Whether an operator follows the present token. */
const isOperator = (c: Cursor): boolean => {
  const { kind, text } = c.peek(1)
  if (kind === 'reserved') return text === 'in' || text === 'matches' || text === 'matches!'
  return (kind === 'punctuation' || kind === 'foreign') && (text in COMPARISONS || text === '=' || text === '==' || text === ':=')
}

const COMPARISONS: Readonly<Record<string, ComparisonOperator>> = { '<': '<', '<=': '<=', '>': '>', '>=': '>=', '!=': '!=' }

/** The rest of `left = right` and its like. */
const parseComparison = (c: Cursor, start: number, left: Term): Expression => {
  const { kind, text } = c.token
  if (c.isReserved('in')) return parseIn(c, start, left)
  if (c.isReserved('matches') || c.isReserved('matches!') || c.isWord('isa')) return parseMatches(c, start, left)
  if (c.isReserved('not') && c.peek(1).text === 'in') {
    c.unexpected('an operator', `write ${quote(`not ${c.text.slice(left.span.start, left.span.end)} in […]`)}`)
    c.advance()
    return { kind: 'not', item: parseIn(c, start, left), span: c.spanFrom(start) }
  }
  const operator = kind === 'punctuation' ? COMPARISONS[text] : undefined
  const equality = c.is('=') || (kind === 'foreign' && (text === '==' || text === ':='))
  if (operator === undefined && !equality) {
    // `b.valid()` is reported as an attribute already and stands for a condition.
    const repaired = c.spanFrom(start)
    if (repaired.end > left.span.end) return { kind: 'constant', value: true, span: repaired }
    c.fail('an operator', operatorHint(left))
  }
  if (equality && kind === 'foreign') c.unexpected('an operator')
  c.advance()
  const right = parseTerm(c)
  const span = c.spanFrom(start)
  return operator === undefined ? { kind: 'equal', left, right, span } : { kind: 'comparison', operator, left, right, span }
}

const operatorHint = (left: Term): string => {
  if (left.kind === 'string') return 'a bare name is a condition only in shorthand rules, inside a block'
  return 'a condition is a call such as `p(x)` or a comparison such as `x = y`'
}

const parseIn = (c: Cursor, start: number, term: Term): Expression => {
  c.advance()
  if (!c.is('[')) c.fail('`[`', 'write the list out, as in `x in ["a", "b"]`')
  const list = parseTermList(c)
  return { kind: 'in', term, list, span: c.spanFrom(start) }
}

const parseMatches = (c: Cursor, start: number, left: Term): Expression => {
  const exact = c.isReserved('matches!')
  if (c.isWord('isa')) c.report({ ...foreignWord('isa'), span: c.spanOf(c.token) })
  else if (left.kind !== 'variable') {
    const message = `expected a variable left of \`matches\`, found ${quote(c.text.slice(left.span.start, left.span.end))}`
    c.report({ code: 'unexpected-token', message, span: left.span, hint: null })
  }
  c.advance()
  const type = c.name('a type name')
  const variable: Name = { text: left.kind === 'variable' ? left.name : '_', span: left.span }
  return { kind: 'matches', variable, type, exact, span: c.spanFrom(start) }
}

const form: LogicForm<Expression> = { atom: parseAtom, logic: (node) => node }

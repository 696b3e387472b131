/** Terms, and what authors write for a term that is none. */
import type { Literal, Name, Parameter, Term } from './ast.ts'
import { type Cursor, isMark } from './cursor.ts'
import { foreignOperator, foreignWord, listRest } from './foreign.ts'
import { type ListForm, parseList, skipGroup } from './parse-list.ts'
import { isLiteral, type Token, timeConstant } from './token.ts'
import { quote } from './wording.ts'

/** A term; attributes and arithmetic behind it are reported and stepped over. */
export const parseTerm = (c: Cursor): Term => {
  const start = c.token.start
  const term = parsePlainTerm(c)
  skipAttributes(c, start)
  skipArithmetic(c)
  return term
}

/** The arguments of a call or fact; `typed` tells what to do with `x: T`, which only heads have. */
export const parseArguments = (c: Cursor, typed: 'report' | 'ignore'): Term[] =>
  parseList(c, { ...argumentForm, element: typed === 'report' ? parseArgument : parseFactArgument, empty: typed === 'report' })

/** The parameters of a head, as in `(x: T, "a", _)`. */
export const parseParameters = (c: Cursor): Parameter[] => parseList(c, { ...argumentForm, element: parseParameter })

/** `[a, b]`; what an element may be is checked afterwards. */
export const parseTermList = (c: Cursor): Term[] =>
  parseList(c, { ...argumentForm, open: '[', close: ']', element: parseElement, trailingComma: true })

export const startsTerm = (c: Cursor): boolean => {
  const { kind } = c.token
  return kind === 'symbol' ? !isMark(c.peek(1), '(') : kind === 'at' || isLiteral(c.token)
}

const parsePlainTerm = (c: Cursor): Term => {
  if (isSign(c.token)) {
    reportArithmetic(c)
    while (isSign(c.token)) c.advance()
    c.excuse()
  }
  const token = c.token
  const literal = takeLiteral(c)
  if (literal !== null) return literal
  if (token.kind === 'symbol') return parseSymbol(c, token)
  const now: Term = { kind: 'now', span: c.spanOf(token) }
  if (token.kind === 'at') {
    if (token.text !== timeConstant) c.unexpected('a term', `the only constant is \`@${timeConstant}\``)
    c.advance()
  } else if (c.is('[')) {
    c.unexpected('a term', 'a list stands only right of `in`')
    skipGroup(c)
  } else c.fail('a term', token.kind === 'reserved' ? `${c.found()} is a reserved word` : null)
  return now
}

const takeLiteral = (c: Cursor): Literal | null => {
  const token = c.token
  const span = c.spanOf(token)
  if (token.kind === 'string' || token.kind === 'integer') {
    c.advance()
    return { kind: token.kind, value: token.text, span }
  }
  if (!c.isReserved('true') && !c.isReserved('false')) return null
  c.advance()
  return { kind: 'boolean', value: token.text === 'true', span }
}

/** A variable or object literal; a nested call and `new` are reported. */
const parseSymbol = (c: Cursor, token: Token): Term => {
  const name: Name = { text: token.text, span: c.spanOf(token) }
  const variable: Term = { kind: 'variable', name: token.text, span: name.span }
  if (token.text === 'new' && c.peek(1).kind === 'symbol') {
    c.report({ ...foreignWord('new'), span: name.span })
    c.advance()
    c.advance()
    if (c.is('(') || c.is('{')) skipGroup(c)
    return variable
  }
  c.advance()
  if (c.take('{')) return parseObject(c, name)
  if (isMark(c.peek(1), '}') && isLiteral(c.token)) {
    c.unexpected('`{`', `an object is written ${quote(`${token.text}{"id"}`)}`)
    return parseObject(c, name)
  }
  if (c.is('(')) {
    const message = `expected a term, found the call ${quote(`${token.text}(…)`)}`
    c.report({
      code: 'unexpected-token',
      message,
      span: name.span,
      hint: 'give the result a variable and call the predicate as a condition',
    })
    skipGroup(c)
  }
  return variable
}

/** With the cursor behind the opening brace. */
const parseObject = (c: Cursor, type: Name): Term => {
  const token = c.token
  const id: Literal = takeLiteral(c) ?? { kind: 'string', value: '', span: c.spanOf(token) }
  if (c.token !== token && c.take('}')) return { kind: 'object', type, id, span: c.spanFrom(type.span.start) }
  const example = quote(`${type.text}{"id"}`)
  c.unexpected(c.token === token ? 'a string, an integer or a Boolean' : '`}`', `an object is written ${example}`)
  skipToBrace(c)
  return { kind: 'object', type, id, span: c.spanFrom(type.span.start) }
}

/** Steps behind the closing brace of a wrong object literal if it is near. */
const skipToBrace = (c: Cursor): void => {
  for (let ahead = 0; ahead < NEAR; ahead += 1) {
    const token = c.peek(ahead)
    const closing = (isMark(token, ')') || isMark(token, ']')) && isMark(c.peek(ahead + 1), '}')
    if (token.kind === 'end' || (token.kind === 'punctuation' && ';{()[]'.includes(token.text) && !closing)) return
    if (!isMark(token, '}')) continue
    while (!c.take('}')) c.advance()
    return
  }
}

const NEAR = 8

/** `b.owner` and `b.owner(x)`: one report for the whole chain. */
const skipAttributes = (c: Cursor, start: number): void => {
  if (!isForeign(c.token, '.')) return
  const base = c.text.slice(start, c.token.start).trim()
  const dot = c.token
  const attribute = c.peek(1)
  const span = { file: c.file, start: dot.start, end: attribute.kind === 'symbol' ? attribute.end : dot.end }
  const fact = `has_relation(${base}, "${attribute.kind === 'symbol' ? attribute.text : 'name'}", ${comparedWith(c)})`
  const problem = foreignOperator('.')
  if (problem) c.report({ ...problem, span, hint: `model it as a fact, ${quote(fact)}` })
  while (isForeign(c.token, '.')) {
    c.advance()
    if (c.token.kind === 'symbol' || c.token.kind === 'integer') c.advance()
    if (c.is('(') || c.is('[')) skipGroup(c)
  }
}

/** The variable or literal that an attribute is compared with, for the hint. */
const comparedWith = (c: Cursor): string => {
  const [operator, value] = [c.peek(2), c.peek(3)]
  const equality = isMark(operator, '=') || isForeign(operator, '==')
  const plain = value.kind === 'symbol' || value.kind === 'string' || value.kind === 'integer'
  return equality && plain ? c.text.slice(value.start, value.end) : 'other'
}

/** `+ 1`, `-1` behind a term, `mod n`: one report for the whole chain. */
const skipArithmetic = (c: Cursor): void => {
  let reported = false
  while (isSign(c.token) || c.isWord('mod') || c.isWord('rem') || isSignedInteger(c)) {
    if (!reported) reportArithmetic(c)
    reported = true
    const signed = c.token.kind === 'integer'
    c.advance()
    if (signed) continue
    c.excuse()
    if (c.is('(')) skipGroup(c)
    else parsePlainTerm(c)
  }
}

const reportArithmetic = (c: Cursor): void => {
  const word = c.isWord('mod') || c.isWord('rem')
  const problem = foreignOperator(word ? '%' : c.text.charAt(c.token.start))
  const message = word ? foreignWord(c.isWord('mod') ? 'mod' : 'rem').message : undefined
  if (problem) c.report({ ...problem, message: message ?? problem.message, span: c.spanOf(c.token) })
}

const isSign = (token: Token): boolean => token.kind === 'foreign' && '+-*/%^'.includes(token.text)

const isSignedInteger = (c: Cursor): boolean => c.token.kind === 'integer' && '+-'.includes(c.text.charAt(c.token.start))

const isForeign = (token: Token, text: string): boolean => token.kind === 'foreign' && token.text === text

const parseArgument = (c: Cursor): Term => {
  const term = parseTerm(c)
  if (c.is(':')) {
    c.unexpected('`,` or `)`', 'a type stands in a head; in a body write `x matches Type`')
    skipType(c)
  }
  return term
}

/** The checker refuses every variable in a fact, so the type of one needs no report of its own. */
const parseFactArgument = (c: Cursor): Term => {
  const term = parseTerm(c)
  if (term.kind === 'variable' && c.is(':')) skipType(c)
  return term
}

const skipType = (c: Cursor): void => {
  c.advance()
  c.name('a type name')
}

const parseParameter = (c: Cursor): Parameter => {
  const start = c.token.start
  const { kind } = c.token
  if (kind === 'symbol' && isMark(c.peek(1), ':')) {
    const name = c.name('a parameter')
    c.advance()
    const type = c.name('a type name')
    return { kind: 'typed', name, type, span: c.spanFrom(start) }
  }
  const term = parseTerm(c)
  return { kind: 'term', term, span: c.spanFrom(start) }
}

const parseElement = (c: Cursor): Term => {
  if (isForeign(c.token, '*') && c.peek(1).kind === 'symbol') {
    c.report({ ...listRest, span: c.spanOf(c.token) })
    c.advance()
  }
  return parseTerm(c)
}

const argumentForm: Omit<ListForm<never>, 'element'> = {
  open: '(',
  close: ')',
  starts: startsTerm,
  what: 'a term',
  trailingComma: false,
  empty: true,
}

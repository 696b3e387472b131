/** Reads the lines of a world: facts and questions. A line that does not read is a mistake in the world, thrown with its text. */
import type { Fact, Value, ValuePattern } from '../../src/base/value.ts'
import { canonicalId } from '../../src/base/value.ts'
import type { ConjunctiveQuery, Constraint } from '../../src/engine/engine.ts'
import type { Question } from './question.ts'

/** Steps through the tokens of a line. */
export interface Cursor {
  readonly line: string
  readonly tokens: readonly string[]
  next: number
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[(),{}]|(?:[^\s(),{}":]|::)+:"(?:[^"\\]|\\.)*"|[^\s(),{}"]+)/y

export const cursorOf = (line: string): Cursor => {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  for (let found = TOKEN.exec(line); found !== null; found = TOKEN.exec(line)) tokens.push(found[1] ?? '')
  if (tokens.join('').replaceAll(/\s/g, '') !== line.replaceAll(/\s/g, '')) throw new Error(`cannot read: ${line}`)
  return { line, tokens, next: 0 }
}

const peek = (cursor: Cursor): string => cursor.tokens[cursor.next] ?? ''

const take = (cursor: Cursor, wanted?: string): string => {
  const token = cursor.tokens[cursor.next++]
  if (token === undefined || (wanted !== undefined && token !== wanted)) {
    throw new Error(`expected ${wanted ?? 'more'}, found ${token ?? 'the end'}: ${cursor.line}`)
  }
  return token
}

const isAtEnd = (cursor: Cursor): boolean => cursor.next >= cursor.tokens.length

export const expectEnd = (cursor: Cursor): void => {
  if (!isAtEnd(cursor)) throw new Error(`unexpected ${peek(cursor)}: ${cursor.line}`)
}

const unquoted = (text: string): string => (text.startsWith('"') ? String(JSON.parse(text)) : text)

const TYPED = /^((?:[^:"]|::)+):(?!:)(.+)$/s

/** `User:ana`, `User:"two words"`, `reader`, `"a b"`, `3`, `true`. */
export const readValue = (cursor: Cursor): Value => {
  const value = toValue(take(cursor))
  const id = canonicalId(value.type, value.id)
  if (id === undefined) throw new Error(`no ${value.type}: ${value.id}: ${cursor.line}`)
  return { type: value.type, id }
}

const toValue = (token: string): Value => {
  const typed = TYPED.exec(token)
  if (typed) return { type: typed[1] ?? '', id: unquoted(typed[2] ?? '') }
  if (/^[+-]?\d+$/.test(token)) return { type: 'Integer', id: token }
  return { type: token === 'true' || token === 'false' ? 'Boolean' : 'String', id: unquoted(token) }
}

/** `Type:_`, `_`, or a value. */
const readPattern = (cursor: Cursor): ValuePattern => {
  if (peek(cursor) === '_') return { type: take(cursor) && null, id: null }
  const typed = /^(.+):_$/.exec(peek(cursor))
  if (!typed) return readValue(cursor)
  take(cursor)
  return { type: typed[1] ?? '', id: null }
}

const readItems = <T>(cursor: Cursor, open: string, close: string, item: (cursor: Cursor) => T): T[] => {
  const items: T[] = []
  take(cursor, open)
  while (peek(cursor) !== close) {
    if (items.length > 0) take(cursor, ',')
    items.push(item(cursor))
  }
  take(cursor, close)
  return items
}

export const readFact = (cursor: Cursor): Fact => ({ predicate: take(cursor), args: readItems(cursor, '(', ')', readValue) })

export const readQuestion = (cursor: Cursor): Question => {
  const kind = take(cursor)
  if (kind === 'query') return { kind, query: readQuery(cursor) }
  if (kind === 'match') return { kind, predicate: take(cursor), args: readItems(cursor, '(', ')', readPattern) }
  const actor = readValue(cursor)
  if (kind === 'actions') return { kind, actor, resource: readValue(cursor) }
  const action = unquoted(take(cursor))
  if (kind === 'authorize') return { kind, actor, action, resource: isAtEnd(cursor) ? null : readValue(cursor) }
  if (kind === 'list') return { kind, actor, action, type: take(cursor) }
  if (kind === 'resources') return { kind, actor, action, resources: readItems(cursor, '{', '}', readValue) }
  throw new Error(`unknown question ${kind}: ${cursor.line}`)
}

type Argument =
  | { readonly kind: 'declared'; readonly name: string; readonly constraint: Constraint }
  | { readonly kind: 'word'; readonly token: string; readonly value: Value }

/** `p(x: User, Repository:acme, r: Repository {a, b}) and q(r, x)`: a bare word is a variable when the query types it, else a String. */
const readQuery = (cursor: Cursor): ConjunctiveQuery => {
  const calls: { predicate: string; args: Argument[] }[] = []
  do {
    if (calls.length > 0) take(cursor, 'and')
    calls.push({ predicate: take(cursor), args: readItems(cursor, '(', ')', readArgument) })
  } while (peek(cursor) === 'and')
  const constraints = new Map<string, Constraint>()
  for (const argument of calls.flatMap(({ args }) => args))
    if (argument.kind === 'declared') constraints.set(argument.name, argument.constraint)
  const name = (argument: Argument): string => {
    if (argument.kind === 'declared') return argument.name
    if (constraints.has(argument.token)) return argument.token
    const constant = `#${constraints.size}`
    constraints.set(constant, { type: argument.value.type, ids: [argument.value.id] })
    return constant
  }
  const named = calls.map(({ predicate, args }) => ({ predicate, args: args.map(name) }))
  return { calls: named, constraints: Object.fromEntries(constraints) }
}

const readArgument = (cursor: Cursor): Argument => {
  const token = peek(cursor)
  if (!token.endsWith(':')) return { kind: 'word', token, value: readValue(cursor) }
  take(cursor)
  const type = take(cursor)
  const ids = peek(cursor) === '{' ? readItems(cursor, '{', '}', (inner) => unquoted(take(inner))) : null
  return { kind: 'declared', name: token.slice(0, -1), constraint: { type, ids } }
}

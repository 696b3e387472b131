/** Actor, resource and global blocks. */
import type { Block, Declaration, Name, Shorthand } from './ast.ts'
import { type Cursor, isMark } from './cursor.ts'
import { parseBody, parseStatements } from './parse-body.ts'
import { parseList } from './parse-list.ts'
import { parseFlags } from './parse-rule.ts'
import { parseShorthand } from './parse-shorthand.ts'
import { parseTermList } from './parse-term.ts'
import { endStatement } from './recover.ts'
import { quote } from './wording.ts'

/** With the cursor on `actor`, `resource` or `global`. */
export const parseBlock = (c: Cursor, block: Block['block']): Block => {
  const start = c.advance().start
  const type = block === 'global' ? null : c.name('a type name')
  const supertypes = c.isWord('extends') ? parseSupertypes(c) : []
  const hint = type !== null && c.is(';') ? `write ${quote(`${block} ${type.text} {}`)}` : null
  const expected = supertypes.length > 0 ? '`,` or `{`' : '`{`'
  const items = parseBody(c, { context: 'block', expected, hint }, parseBlockItem)
  return { kind: 'block', block, type, supertypes, items, span: c.spanFrom(start) }
}

const parseSupertypes = (c: Cursor): Name[] => {
  c.advance()
  const names = [c.name('a type name')]
  while (c.take(',') && !c.is('{') && !isMark(c.peek(1), '=')) names.push(c.name('a type name'))
  return names
}

/** Statements of a block that stand in none; they are read so that each is judged for itself. */
export const parseOrphanStatements = (c: Cursor): void => {
  parseStatements(c, 'block', parseBlockItem)
}

const parseBlockItem = (c: Cursor): Declaration | Shorthand => {
  const start = c.token.start
  const flags = parseFlags(c)
  if (flags.length === 0 && startsDeclaration(c)) return parseDeclaration(c)
  if (c.token.kind === 'symbol' && isMark(c.peek(1), '(')) c.fail(ITEM, 'a long-hand rule stands outside the block')
  if (c.token.kind !== 'symbol' && c.token.kind !== 'string')
    c.fail(flags.length > 0 ? 'a shorthand rule' : ITEM, c.is(';') ? 'remove it' : null)
  return parseShorthand(c, flags, start)
}

const ITEM = 'a declaration or a shorthand rule'

/** A name and then `=`, or what is easily written for it. */
const startsDeclaration = (c: Cursor): boolean => {
  const next = c.peek(1)
  if (c.token.kind !== 'symbol') return false
  return (
    (next.kind === 'punctuation' && '=:[{'.includes(next.text)) || (next.kind === 'foreign' && (next.text === ':=' || next.text === '=='))
  )
}

const parseDeclaration = (c: Cursor): Declaration => {
  const key = c.name('a declaration')
  if (!c.take('=')) {
    c.unexpected('`=`', `write ${quote(`${key.text} = `)}`)
    if (c.is(':') || c.token.kind === 'foreign') c.advance()
  }
  const value = parseValue(c)
  endStatement(c, 'block', '`;`')
  return { kind: 'declaration', key, value, span: c.spanFrom(key.span.start) }
}

const parseValue = (c: Cursor): Declaration['value'] => {
  const start = c.token.start
  if (c.is('[')) {
    const items = parseTermList(c)
    return { kind: 'list', items, span: c.spanFrom(start) }
  }
  // A map without its opening brace still has the closing one.
  if (isMark(c.peek(1), ':')) c.openBraces += 1
  if (!c.is('{')) c.fail('`[` or `{`', c.token.kind === 'string' ? `write ${quote(`[${c.text.slice(start, c.token.end)}]`)}` : null)
  const fields = parseList(c, {
    open: '{',
    close: '}',
    element: parseField,
    starts: (cursor) => isMark(cursor.peek(1), ':'),
    what: 'a relation',
    trailingComma: true,
    empty: true,
  })
  return { kind: 'map', fields, span: c.spanFrom(start) }
}

type Field = Extract<Declaration['value'], { kind: 'map' }>['fields'][number]

const parseField = (c: Cursor): Field | null => {
  const start = c.token.start
  const name = parseFieldName(c)
  if (c.is(',') || c.is('}')) {
    c.unexpected('`:` and a type name', `write ${quote(`${name.text}: Type`)}`)
    return null
  }
  if (!c.take(':')) {
    c.unexpected('`:`', `write ${quote(`${name.text}: Type`)}`)
    if (c.is('=')) c.advance()
  }
  const type = c.name('a type name')
  return { name, type, span: c.spanFrom(start) }
}

/** A quoted name is reported and taken. */
const parseFieldName = (c: Cursor): Name => {
  if (c.token.kind !== 'string') return c.name('a relation')
  const { text } = c.token
  c.unexpected('a relation', `write the name without quotes`)
  return { text, span: c.spanOf(c.advance()) }
}

/** `or`, `and`, `not` and parentheses, the same for rule bodies and shorthand bodies. */
import type { Cursor } from './cursor.ts'
import type { Span } from './source.ts'
import { endsHere } from './starts.ts'
import type { Token } from './token.ts'

export type Logic<E> =
  | { readonly kind: 'or' | 'and'; readonly items: readonly E[]; readonly span: Span }
  | { readonly kind: 'not'; readonly item: E; readonly span: Span }

export interface LogicForm<E> {
  /** Parses one condition without parentheses and `not`. */
  readonly atom: (c: Cursor) => E
  /** Takes a connective into the syntax. */
  readonly logic: (node: Logic<E>) => E
}

/** Loosest first: `or`, `and`, `not`. Recursion is bounded by the nesting limit of the cursor. */
export const parseLogic = <E extends { readonly span: Span }>(c: Cursor, form: LogicForm<E>): E =>
  parseChain(c, form, 'or', () => parseChain(c, form, 'and', () => parseUnary(c, form)))

const parseChain = <E extends { readonly span: Span }>(c: Cursor, form: LogicForm<E>, kind: 'or' | 'and', parseItem: () => E): E => {
  const start = c.token.start
  const first = parseItem()
  if (!isConnective(c, kind)) return first
  const items = [first]
  let reported = false
  while (isConnective(c, kind)) {
    // `||`, `&&` and a comma are reported and understood.
    if (c.token.kind !== 'reserved' && !reported) {
      c.unexpected('`and` or `or`', 'join conditions with `and`')
      reported = true
    }
    c.advance()
    items.push(parseItem())
  }
  return form.logic({ kind, items, span: c.spanFrom(start) })
}

const isConnective = (c: Cursor, kind: 'or' | 'and'): boolean => {
  if (c.isReserved(kind)) return true
  if (kind === 'and') return c.is(',') || isForeign(c.token, '&&') || isForeign(c.token, '&')
  return isForeign(c.token, '||') || isForeign(c.token, '|')
}

const isForeign = (token: Token, text: string): boolean => token.kind === 'foreign' && token.text === text

const parseUnary = <E extends { readonly span: Span }>(c: Cursor, form: LogicForm<E>): E => {
  const start = c.token.start
  const exclamation = isForeign(c.token, '!')
  if (c.isReserved('not') || exclamation) {
    if (exclamation) c.unexpected('a condition')
    c.enter()
    c.advance()
    // One report for `!!x`.
    if (exclamation) c.excuse()
    const item = parseUnary(c, form)
    c.leave()
    return form.logic({ kind: 'not', item, span: c.spanFrom(start) })
  }
  return c.is('(') ? parseGroup(c, form) : form.atom(c)
}

/** `( … )`; the span includes the parentheses. */
const parseGroup = <E extends { readonly span: Span }>(c: Cursor, form: LogicForm<E>): E => {
  const opening = c.token
  c.enter()
  c.advance()
  c.openParens += 1
  const inner = parseLogic(c, form)
  if (!c.take(')')) closeGroup(c, opening)
  else c.openParens -= 1
  c.leave()
  return { ...inner, span: c.spanFrom(opening.start) }
}

/** A missing `)` is stepped over where the statement ends. */
const closeGroup = (c: Cursor, opening: Token): void => {
  const soft = endsHere(c) || c.atEnd
  const labels = [{ span: c.spanOf(opening), message: 'this `(` is not closed' }]
  c.unexpected('`and`, `or` or `)`', soft ? `insert \`)\` before ${c.found()}` : null, labels)
  if (soft) c.openParens -= 1
  else c.failed = true
}

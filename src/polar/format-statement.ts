/** One statement of a policy as a layout. */
import { at } from '../base/assert.ts'
import { isMark } from './cursor.ts'
import type { Gap } from './gaps.ts'
import { group, hard, indent, type Layout, line, soft, space } from './layout.ts'
import type { Token } from './token.ts'

/** Tokens, and what stands before each. */
export interface Source {
  readonly text: string
  readonly tokens: readonly Token[]
  readonly gaps: readonly Gap[]
}

/** A token, or brackets with what stands in them. */
type Node =
  | { readonly kind: 'token'; readonly index: number }
  | { readonly kind: 'brackets'; readonly open: number; readonly close: number; readonly nodes: readonly Node[] }

/** The tokens from `start` to before `end`; what stands before the first is left to the caller. */
export const formatStatement = (source: Source, start: number, end: number): Layout => {
  const last = isMark(at(source.tokens, end - 1), ';') ? end - 1 : end
  const nodes = readNodes(source, { next: start, end: last })
  const tail = last === end ? [] : [indent(comments(source, last)), ';']
  const split = nodes.findIndex((node, position) => startsConditions(source, node, position))
  if (split === -1) return [sequence(source, nodes, 'before'), tail]
  const head = nodes.slice(0, split)
  const keyword = at(nodes, split)
  const body = nodes.slice(split + 1)
  // Conditions of long-hand rules stand one a line, those of shorthand rules and assertions do where they do not fit.
  const breaks = isLongHand(source, head) && isChain(source, body)
  const conditions = indent([line, breaks ? hard : [], chain(source, body, breaks)])
  return [sequence(source, head, 'before'), space, atom(source, keyword, 'indented'), group([conditions]), tail]
}

/** `if`, or the `iff` of an assertion, before which stand `assert`, a predicate and its arguments. */
const startsConditions = (source: Source, node: Node, position: number): boolean =>
  isWord(source, node, 'reserved', 'if') || (position > 2 && isWord(source, node, 'symbol', 'iff'))

const isLongHand = ({ tokens }: Source, head: readonly Node[]): boolean => {
  const last = head.at(-1)
  const first = head[0]
  return last?.kind === 'brackets' && !(first?.kind === 'token' && at(tokens, first.index).text.startsWith('assert') && head.length > 2)
}

const isChain = (source: Source, nodes: readonly Node[]): boolean =>
  nodes.some((node) => isWord(source, node, 'reserved', 'and') || isWord(source, node, 'reserved', 'or'))

const isWord = ({ tokens }: Source, node: Node, kind: Token['kind'], text: string): boolean => {
  if (node.kind !== 'token') return false
  const token = at(tokens, node.index)
  return token.kind === kind && token.text === text
}

interface Place {
  next: number
  readonly end: number
}

/** As deep as the parser allows brackets to be. */
const readNodes = (source: Source, place: Place): Node[] => {
  const nodes: Node[] = []
  while (place.next < place.end && !isClosing(at(source.tokens, place.next))) {
    const index = place.next
    place.next += 1
    if (isOpening(at(source.tokens, index))) {
      const inner = readNodes(source, place)
      nodes.push({ kind: 'brackets', open: index, close: place.next, nodes: inner })
      place.next += 1
    } else nodes.push({ kind: 'token', index })
  }
  return nodes
}

const isOpening = (token: Token): boolean => token.kind === 'punctuation' && '([{'.includes(token.text)
const isClosing = (token: Token): boolean => token.kind === 'punctuation' && ')]}'.includes(token.text)

/** Conditions joined by `and` and `or`; `and` binds tighter. */
const chain = (source: Source, nodes: readonly Node[], breaks: boolean): Layout => {
  const word = nodes.some((node) => isWord(source, node, 'reserved', 'or')) ? 'or' : 'and'
  const parts: Layout[] = []
  for (const { items, separator } of splitAt(nodes, (node) => isWord(source, node, 'reserved', word))) {
    const mixed = word === 'or' && isChain(source, items)
    parts.push(mixed ? group(indent(chain(source, items, false))) : sequence(source, items, 'lines'))
    if (separator !== null) parts.push(space, atom(source, separator, 'indented'), breaks ? hard : line)
  }
  return parts
}

interface Stretch {
  readonly items: readonly Node[]
  readonly separator: Node | null
}

const splitAt = (nodes: readonly Node[], separates: (node: Node) => boolean): Stretch[] => {
  const stretches: Stretch[] = []
  let items: Node[] = []
  for (const node of nodes) {
    if (separates(node)) {
      stretches.push({ items, separator: node })
      items = []
    } else items.push(node)
  }
  return [...stretches, { items, separator: null }]
}

/** Where comments before a node go: to what the caller wrote already, on lines of their own, or on such lines further in. */
type Comments = 'before' | 'lines' | 'indented'

/** Nodes side by side. */
const sequence = (source: Source, nodes: readonly Node[], first: Comments): Layout =>
  nodes.map((node, position) => {
    const before = nodes[position - 1]
    return before === undefined ? atom(source, node, first) : [isApart(source, before, node) ? space : [], atom(source, node, 'indented')]
  })

/** Whether a blank stands between two nodes. */
const isApart = ({ tokens }: Source, before: Node, node: Node): boolean => {
  const next = at(tokens, node.kind === 'token' ? node.index : node.open)
  if (isMark(next, ',') || isMark(next, ':')) return false
  if (before.kind === 'brackets' || node.kind === 'token') return true
  const last = at(tokens, before.index)
  // Arguments, and the id of a type; other brackets stand for themselves.
  return isMark(next, '[') || last.kind !== 'symbol'
}

const atom = (source: Source, node: Node, place: Comments): Layout => {
  const index = node.kind === 'token' ? node.index : node.open
  const text = node.kind === 'token' ? written(source, index) : brackets(source, node)
  if (place === 'before') return text
  return [place === 'lines' ? comments(source, index) : indent(comments(source, index)), text]
}

const written = ({ text, tokens }: Source, index: number): string => {
  const { start, end } = at(tokens, index)
  return text.slice(start, end)
}

const brackets = (source: Source, { open, close, nodes }: Extract<Node, { kind: 'brackets' }>): Layout => {
  const [opening, closing] = [written(source, open), written(source, close)]
  const last = comments(source, close)
  const edge = isMap(source, open) ? line : soft
  const parts: Layout[] = []
  for (const { items, separator } of splitAt(nodes, (node) => node.kind === 'token' && isMark(at(source.tokens, node.index), ','))) {
    if (separator === null) parts.push(chain(source, items, false))
    else {
      const trailing = separator === nodes.at(-1)
      parts.push(chain(source, items, false), comma(source, separator, trailing), trailing ? [] : line)
    }
  }
  if (nodes.length === 0 && last.length === 0) return `${opening}${closing}`
  return group([opening, indent([edge, parts, last]), edge, closing])
}

const comma = (source: Source, separator: Node, trailing: boolean): Layout =>
  trailing && separator.kind === 'token'
    ? [comments(source, separator.index), { kind: 'broken', text: ',' }]
    : atom(source, separator, 'indented')

/** `relations = { … }`, where `User{…}` holds an id. */
const isMap = ({ tokens }: Source, open: number): boolean => isMark(at(tokens, open), '{') && open > 0 && isMark(at(tokens, open - 1), '=')

const comments = ({ gaps }: Source, index: number): readonly Layout[] =>
  at(gaps, index).comments.map(({ text, ownLine }): Layout => (ownLine ? [hard, text, hard] : { kind: 'comment', text }))

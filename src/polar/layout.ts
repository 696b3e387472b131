/** Text with places where a line may end → lines of a bounded width. */
import { unreachable } from '../base/assert.ts'

/** A part of a text: `line` is a blank, `soft` nothing, and both a new line in a group that does not fit; `hard` is always a new line. */
export type Layout =
  | string
  | readonly Layout[]
  | { readonly kind: 'space' | 'line' | 'soft' }
  | { readonly kind: 'hard'; readonly blank: boolean }
  /** Ends its line, and stands behind what is on that line already. */
  | { readonly kind: 'comment'; readonly text: string }
  /** Only in a group that does not fit. */
  | { readonly kind: 'broken'; readonly text: string }
  | { readonly kind: 'indent'; readonly body: Layout }
  | { readonly kind: 'group'; readonly body: Layout; readonly broken: boolean }

export const space: Layout = { kind: 'space' }
export const line: Layout = { kind: 'line' }
export const soft: Layout = { kind: 'soft' }
export const hard: Layout = { kind: 'hard', blank: false }

export const indent = (body: Layout): Layout => ({ kind: 'indent', body })

/** On one line if it fits; what holds a new line never does. */
export const group = (body: Layout): Layout => ({ kind: 'group', body, broken: holdsBreak(body) })

/** Never on one line. */
export const brokenGroup = (body: Layout): Layout => ({ kind: 'group', body, broken: true })

const holdsBreak = (layout: Layout): boolean => {
  if (typeof layout === 'string') return false
  if (isList(layout)) return layout.some(holdsBreak)
  if (layout.kind === 'group') return layout.broken
  return layout.kind === 'hard' || layout.kind === 'comment' || (layout.kind === 'indent' && holdsBreak(layout.body))
}

const isList = (layout: Layout): layout is readonly Layout[] => Array.isArray(layout)

const STEP = 2

/** The text without blanks at ends of lines and without empty lines at its start; it ends with one newline unless it is empty. */
export const render = (layout: Layout, width: number): string => {
  const page: Page = { pieces: [], column: 0, pending: 'none', indent: 0, blank: false }
  const rest: Piece[] = [{ layout, indent: 0, broken: true }]
  for (let piece = rest.pop(); piece !== undefined; piece = rest.pop()) place(piece, rest, page, width)
  return page.pieces.length === 0 ? '' : `${page.pieces.join('')}\n`
}

interface Piece {
  readonly layout: Layout
  readonly indent: number
  readonly broken: boolean
}

/** A blank or new line is written only when text follows it; of several new lines the last decides where the next line begins. */
interface Page {
  readonly pieces: string[]
  column: number
  pending: 'none' | 'space' | 'newline'
  indent: number
  blank: boolean
}

const place = ({ layout, indent: depth, broken }: Piece, rest: Piece[], page: Page, width: number): void => {
  if (typeof layout === 'string') {
    write(layout, page)
    return
  }
  if (isList(layout)) {
    for (const item of layout.toReversed()) rest.push({ layout: item, indent: depth, broken })
    return
  }
  switch (layout.kind) {
    case 'indent':
      rest.push({ layout: layout.body, indent: depth + STEP, broken })
      return
    case 'group':
      rest.push({ layout: layout.body, indent: depth, broken: layout.broken || !fits(layout.body, rest, width - columnOf(page)) })
      return
    case 'comment':
      page.pieces.push(` ${layout.text}`)
      newLine(page, depth, false)
      return
    case 'broken':
      if (broken) write(layout.text, page)
      return
    case 'hard':
      newLine(page, depth, layout.blank)
      return
    case 'space':
      if (page.pending === 'none') page.pending = 'space'
      return
    case 'line':
      if (broken) newLine(page, depth, false)
      else if (page.pending === 'none') page.pending = 'space'
      return
    case 'soft':
      if (broken) newLine(page, depth, false)
      return
    default:
      unreachable(layout)
  }
}

const newLine = (page: Page, depth: number, blank: boolean): void => {
  page.blank = blank || (page.pending === 'newline' && page.blank)
  page.pending = 'newline'
  page.indent = depth
}

const columnOf = ({ pending, indent: depth, column }: Page): number =>
  pending === 'newline' ? depth : column + (pending === 'space' ? 1 : 0)

const write = (text: string, page: Page): void => {
  if (text === '') return
  page.column = columnOf(page) + text.length
  if (page.pieces.length === 0) page.column = text.length
  else if (page.pending === 'newline') page.pieces.push(page.blank ? '\n\n' : '\n', ' '.repeat(page.indent))
  else if (page.pending === 'space') page.pieces.push(' ')
  page.pieces.push(text)
  page.pending = 'none'
  page.blank = false
}

/** Whether the layout on one line, and what follows it up to the next possible new line, leaves no more than the room. */
const fits = (layout: Layout, rest: readonly Piece[], room: number): boolean => {
  const ahead: { readonly layout: Layout; readonly broken: boolean }[] = [{ layout, broken: false }]
  let left = room
  let next = rest.length - 1
  while (left >= 0) {
    const piece = ahead.pop() ?? rest[next--]
    if (piece === undefined) return true
    const { layout: part, broken } = piece
    if (typeof part === 'string') left -= part.length
    else if (isList(part)) for (const item of part.toReversed()) ahead.push({ layout: item, broken })
    else if (part.kind === 'indent') ahead.push({ layout: part.body, broken })
    else if (part.kind === 'group') ahead.push({ layout: part.body, broken: broken || part.broken })
    else if (part.kind === 'hard' || part.kind === 'comment') return true
    else if (broken && (part.kind === 'line' || part.kind === 'soft')) return true
    else if (part.kind === 'broken') left -= broken ? part.text.length : 0
    else left -= part.kind === 'soft' ? 0 : 1
  }
  return false
}

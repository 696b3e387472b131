/** What stands between the tokens of a file: comments and empty lines. */
import { at } from '../base/assert.ts'
import { isMark } from './cursor.ts'
import type { Token } from './token.ts'

export interface Comment {
  /** From `#` to the end of its line. */
  readonly text: string
  /** False: it stands behind a token on its line. */
  readonly ownLine: boolean
  /** Whether an empty line stands before it. */
  readonly blank: boolean
}

/** What stands before a token. */
export interface Gap {
  readonly comments: readonly Comment[]
  /** Whether an empty line stands before the token, behind the comments. */
  readonly blank: boolean
}

/** The gap before each token. */
export const readGaps = (text: string, tokens: readonly Token[]): Gap[] =>
  tokens.map(({ start }, index) => readGap(text.slice(index === 0 ? 0 : at(tokens, index - 1).end, start), index > 0))

const readGap = (text: string, followsToken: boolean): Gap => {
  const comments: Comment[] = []
  const lines = text.split('\n')
  let blank = false
  for (const [index, content] of lines.entries()) {
    const start = content.indexOf('#')
    // The first line is that of the token before, the last one that of the token behind.
    const whole = index < lines.length - 1 && (index > 0 || !followsToken)
    if (start === -1) blank ||= whole
    else {
      comments.push({ text: content.slice(start).trimEnd(), ownLine: index > 0 || !followsToken, blank })
      blank = false
    }
  }
  return { comments, blank }
}

/**
 * Comments before a separator as its author would have written them behind it, where lines end:
 * `a(x) # why` and then `and b(x)` becomes `a(x) and # why` and then `b(x)`.
 */
export const moveBehindSeparators = (tokens: readonly Token[], gaps: readonly Gap[], opensBody: ReadonlySet<number>): Gap[] => {
  const moved = [...gaps]
  for (let index = 0; index < tokens.length - 1; index += 1) {
    const gap = at(moved, index)
    if (gap.comments.length === 0 || !(opensBody.has(index) || movesBehind(at(tokens, index), gap))) continue
    moved[index] = { comments: [], blank: false }
    moved[index + 1] = joinGaps(gap, at(moved, index + 1))
  }
  return moved
}

/** Conditions that were commented out stand before the `;` on lines of their own, and stay there. */
const movesBehind = (token: Token, { comments }: Gap): boolean => {
  if (isMark(token, ';')) return comments.every(({ ownLine }) => !ownLine)
  return isMark(token, ',') || (token.kind === 'reserved' && SEPARATORS.has(token.text))
}

const SEPARATORS: ReadonlySet<string> = new Set(['and', 'or', 'if'])

/** Only the first comment of a gap can stand behind a token. */
export const joinGaps = (first: Gap, second: Gap): Gap => {
  if (first.comments.length === 0) return { ...second, blank: first.blank || second.blank }
  return { comments: [...first.comments, ...second.comments.map((comment) => ({ ...comment, ownLine: true }))], blank: second.blank }
}

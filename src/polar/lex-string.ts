/** Strings: escapes (polar.md 3), and where a string ends that was never closed. */

export interface ScannedString {
  readonly value: string
  /** After the closing quote, or where the text broke off: at a newline or the end of the file. */
  readonly end: number
  readonly closed: boolean
}

/** Scans the string whose opening quote is at `start`. */
export const scanString = (text: string, start: number): ScannedString => {
  const pieces: string[] = []
  let piece = start + 1
  let position = piece
  for (;;) {
    const character = text[position]
    if (character === '"') {
      pieces.push(text.slice(piece, position))
      return { value: pieces.join(''), end: position + 1, closed: true }
    }
    if (character === undefined || character === '\n') return { value: '', end: position, closed: false }
    position += 1
    if (character !== '\\') continue
    const end = escapeEnd(text, position)
    pieces.push(text.slice(piece, position - 1), unescape(text.slice(position, end)))
    piece = end
    position = end
  }
}

/** An escape takes one character; a line break of two characters counts as one. */
const escapeEnd = (text: string, start: number): number => (text.startsWith('\r\n', start) ? start + 2 : Math.min(start + 1, text.length))

const unescape = (escaped: string): string => ESCAPES.get(escaped) ?? escaped

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['0', '\0'],
])

/**
 * End of an unclosed string that broke off at `end`: the punctuation that closes the line was surely not meant as text,
 * so it stays outside and the statement still ends where its author ended it.
 */
export const scanUnclosed = (text: string, start: number, end: number): number => {
  const written = text.slice(start, end)
  // Over several lines a cut at `#` would scan the rest again for every quote in it.
  const comment = written.includes('\n') ? -1 : written.indexOf('#')
  let last = comment === -1 ? end : start + comment
  const stop = last
  while (last > start + 1 && CLOSING.has(text.charAt(last - 1))) last -= 1
  return afterOwnBraces(text, { start, last, stop })
}

/** Moves `last` behind those closing braces before `stop` whose opening ones are text of the string now. */
const afterOwnBraces = (text: string, { start, last, stop }: Readonly<Record<'start' | 'last' | 'stop', number>>): number => {
  let open = 0
  let end = last
  for (let position = start; position < stop; position += 1) {
    const character = text[position]
    if (character === '{' && position < last) open += 1
    if (character !== '}' || open === 0) continue
    open -= 1
    end = Math.max(last, position + 1)
  }
  return end
}

const CLOSING: ReadonlySet<string> = new Set([';', ')', ']', '}', '{', ',', ' ', '\t', '\r'])

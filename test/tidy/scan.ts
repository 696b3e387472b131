/** Tells code, comments and text literals of a TypeScript file apart, well enough for rules about words. */

export interface Piece {
  readonly kind: 'code' | 'comment' | 'literal'
  readonly text: string
  readonly line: number
}

const START = /\/\/|\/\*|['"`]|\/|[{}]/g
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const QUOTED = /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y
// Up to the end of the template or to its next hole.
const TEMPLATE = /(?:\\[\s\S]|\$(?!\{)|[^\\`$])*(?:`|\$\{)/y
const REGEXP = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y
// After a value a slash divides; after anything else it opens a regular expression.
const VALUE_BEFORE = /(?:[\w$)\]'"`]|\+\+|--)\s*$/
const KEYWORD_BEFORE = /\b(?:return|typeof|case|of|in|delete|void|throw|await|yield)\s*$/

export const scan = (source: string): Piece[] => {
  const pieces: Piece[] = []
  // Depth of braces inside each open template hole.
  const holes: number[] = []
  let done = 0
  let line = 1
  const take = (kind: Piece['kind'], end: number): void => {
    if (end === done) return
    const text = source.slice(done, end)
    pieces.push({ kind, text, line })
    line += text.split('\n').length - 1
    done = end
  }
  const literal = (pattern: RegExp, kind: Piece['kind'], start: number): string => {
    take('code', start)
    pattern.lastIndex = start
    const match = pattern.exec(source)
    take(kind, match === null ? start + 1 : pattern.lastIndex)
    return match?.[0] ?? ''
  }
  const template = (start: number): void => {
    take('code', start)
    TEMPLATE.lastIndex = start + 1
    const match = TEMPLATE.exec(source)
    take('literal', match === null ? source.length : TEMPLATE.lastIndex)
    if (match?.[0].endsWith('${') === true) holes.push(0)
  }
  const slash = (start: number): void => {
    const before = source.slice(Math.max(0, start - 40), start)
    if (VALUE_BEFORE.test(before) && !KEYWORD_BEFORE.test(before)) take('code', start + 1)
    else literal(REGEXP, 'literal', start)
  }
  const brace = (start: number, opens: boolean): void => {
    const depth = holes.pop()
    if (depth === undefined) take('code', start + 1)
    else if (!opens && depth === 0) template(start)
    else {
      holes.push(depth + (opens ? 1 : -1))
      take('code', start + 1)
    }
  }
  for (;;) {
    START.lastIndex = done
    const found = START.exec(source)
    if (found === null) break
    const [mark] = found
    if (mark === '//' || mark === '/*') literal(COMMENT, 'comment', found.index)
    else if (mark === '/') slash(found.index)
    else if (mark === '`') template(found.index)
    else if (mark === '{' || mark === '}') brace(found.index, mark === '{')
    else literal(QUOTED, 'literal', found.index)
  }
  take('code', source.length)
  return pieces
}

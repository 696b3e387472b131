/** A file as the rules see it, and what they say about it. */
import { type Piece, scan } from './scan.ts'

export interface Source {
  /** From the project root, with `/`. */
  readonly path: string
  readonly text: string
}

export interface Violation {
  readonly line: number
  readonly message: string
}

export interface Rule {
  readonly name: string
  readonly applies: (path: string) => boolean
  readonly check: (source: Source) => Violation[]
}

export const isTypeScript = (path: string): boolean => path.endsWith('.ts')

export const within = (path: string, ...folders: readonly string[]): boolean =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`))

/** `src` but its client, which has web globals and a clock of its own. */
export const isPure = (path: string): boolean => isTypeScript(path) && within(path, 'src') && !within(path, 'src/client')

const pieces = new WeakMap<Source, Piece[]>()

const piecesOf = (source: Source): Piece[] => {
  const known = pieces.get(source) ?? scan(source.text)
  pieces.set(source, known)
  return known
}

/** A violation for every match of `pattern` (global) in pieces of that kind. */
export const findIn = (source: Source, kind: Piece['kind'], pattern: RegExp, message: (match: RegExpExecArray) => string): Violation[] =>
  piecesOf(source)
    .filter((piece) => piece.kind === kind)
    .flatMap((piece) => find(piece.text, pattern, message).map((violation) => ({ ...violation, line: violation.line + piece.line - 1 })))

export const find = (text: string, pattern: RegExp, message: (match: RegExpExecArray) => string): Violation[] =>
  [...text.matchAll(pattern)].map((match) => ({ line: text.slice(0, match.index).split('\n').length, message: message(match) }))

export interface Import {
  readonly specifier: string
  readonly line: number
}

/** Every module that a file names: imports, re-exports, dynamic imports. */
export const importsOf = (source: Source): Import[] => {
  const all = piecesOf(source).filter((piece) => piece.kind !== 'comment')
  return all.flatMap((piece, index) => {
    const before = all[index - 1]
    if (piece.kind !== 'literal' || before?.kind !== 'code' || !/\b(?:from|import)\s*\(?\s*$/.test(before.text)) return []
    return [{ specifier: piece.text.slice(1, -1), line: piece.line }]
  })
}

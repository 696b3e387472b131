/** Spans → places for people. */
import type { Diagnostic, Locate, Place } from './diagnostic.ts'
import type { SourceFile, Span } from './source.ts'

/**
 * File, line and column of a span, 1-based, in code points; a leading byte-order mark has no column, and a span beyond its
 * file is drawn in. The first call for a file is linear in it, later ones are not. A span of no file (index -1) is at `:1:1`.
 */
export const locate: Locate = (files, span): Place => {
  const source = files[span.file]
  if (source === undefined) return { file: '', line: 1, column: 1, length: 0 }
  const index = indexOf(source)
  const start = clamp(span.start, index.first, source.text.length)
  const end = clamp(span.end, start, source.text.length)
  const line = lineAt(index, start)
  return {
    file: source.name,
    line: line + 1,
    column: codePoints(source, index, index.lines[line] ?? 0, start) + 1,
    length: codePoints(source, index, start, end),
  }
}

/** `file:line:column: message`, for the API. */
export const shortMessage = (files: readonly SourceFile[], diagnostic: Diagnostic, withHint: boolean): string => {
  const { file, line, column } = locate(files, diagnostic.span)
  const hint = withHint && diagnostic.hint !== null ? ` (hint: ${diagnostic.hint})` : ''
  return `${file}:${line}:${column}: ${diagnostic.message}${hint}`
}

/** The line in which a span starts, without its line break, and the part of the span inside it as offsets of that line. */
export const lineOf = (source: SourceFile, span: Span): { readonly text: string; readonly start: number; readonly end: number } => {
  const index = indexOf(source)
  const offset = clamp(span.start, index.first, source.text.length)
  const first = index.lines[lineAt(index, offset)] ?? 0
  const newline = source.text.indexOf('\n', offset)
  const last = newline === -1 ? source.text.length : newline
  const text = source.text.slice(first, last).replace(/\r$/, '')
  const start = Math.min(offset - first, text.length)
  return { text, start, end: clamp(span.end - first, start, text.length) }
}

interface LineIndex {
  /** Offset of the first character behind a byte-order mark. */
  readonly first: number
  /** Offset of every line. */
  readonly lines: readonly number[]
  /** Surrogate pairs before every `CHUNK`-th offset, so that a column in a line of megabytes costs no walk. */
  readonly pairs: readonly number[]
}

const CHUNK = 1024

/** Derived from the immutable text of a file; forgotten with it. */
const indexes = new WeakMap<SourceFile, LineIndex>()

const indexOf = (source: SourceFile): LineIndex => {
  const present = indexes.get(source)
  if (present !== undefined) return present
  const first = source.text.startsWith('\uFEFF') ? 1 : 0
  const lines = [first]
  const pairs: number[] = []
  let count = 0
  for (let offset = 0; offset < source.text.length; offset += 1) {
    if (offset % CHUNK === 0) pairs.push(count)
    const code = source.text.charCodeAt(offset)
    if (code === 0x0a) lines.push(offset + 1)
    else if (isPair(source.text, offset)) count += 1
  }
  const index = { first, lines, pairs }
  indexes.set(source, index)
  return index
}

/** Whether the second half of a surrogate pair is at `offset`. */
const isPair = (text: string, offset: number): boolean =>
  (text.charCodeAt(offset) & 0xfc00) === 0xdc00 && (text.charCodeAt(offset - 1) & 0xfc00) === 0xd800

/** The last line that starts at or before `offset`. */
const lineAt = (index: LineIndex, offset: number): number => {
  let low = 0
  let high = index.lines.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((index.lines[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return low
}

const codePoints = (source: SourceFile, index: LineIndex, start: number, end: number): number =>
  end - start - (pairsBefore(source, index, end) - pairsBefore(source, index, start))

const pairsBefore = (source: SourceFile, index: LineIndex, offset: number): number => {
  const chunk = Math.min(Math.floor(offset / CHUNK), index.pairs.length - 1)
  let count = index.pairs[chunk] ?? 0
  for (let position = Math.max(0, chunk) * CHUNK; position < offset; position += 1) if (isPair(source.text, position)) count += 1
  return count
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(value, high))

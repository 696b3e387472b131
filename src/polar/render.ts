/** Diagnostics for terminals: the message, the source line with the place underlined, further places, the hint. */
import type { Diagnostic } from './diagnostic.ts'
import { lineOf, locate } from './locate.ts'
import type { SourceFile, Span } from './source.ts'
import { visible } from './wording.ts'

/**
 * Several lines without a final newline:
 *
 *     box.polar:2:22: error[unexpected-token]: expected `;`, found `permissions`
 *       2 | roles = ["holder"] permissions = ["peek"];
 *         |                    ^^^^^^^^^^^
 *       hint: insert `;` before `permissions`
 */
export const renderDiagnostic = (files: readonly SourceFile[], diagnostic: Diagnostic): string => {
  const { code, severity, message, span, labels, hint } = diagnostic
  const lines = [`${placeOf(files, span)}: ${severity}[${code}]: ${message}`, ...excerpt(files, span, '^')]
  for (const label of labels) lines.push(`  ${placeOf(files, label.span)}: ${label.message}`, ...excerpt(files, label.span, '-'))
  if (hint !== null) lines.push(`  hint: ${hint}`)
  return lines.join('\n')
}

const placeOf = (files: readonly SourceFile[], span: Span): string => {
  const { file, line, column } = locate(files, span)
  return `${file}:${line}:${column}`
}

/** The source line and the underline below it; nothing for a span of no file. */
const excerpt = (files: readonly SourceFile[], span: Span, mark: '^' | '-'): string[] => {
  const source = files[span.file]
  if (source === undefined) return []
  const { text, start, end } = lineOf(source, span)
  const before = shown(text.slice(Math.max(0, start - MARGIN), start))
  const marked = shown(text.slice(start, Math.min(end, start + MARGIN))) + (end > start + MARGIN ? '…' : '')
  const after = shown(text.slice(end, end + MARGIN))
  const [head, tail] = [start > MARGIN ? '…' : '', text.length > end + MARGIN ? '…' : '']
  const number = String(locate(files, span).line)
  const indent = ' '.repeat(number.length)
  return [
    `  ${number} | ${head}${before}${marked}${after}${tail}`,
    `  ${indent} | ${' '.repeat(width(head + before))}${mark.repeat(Math.max(1, width(marked)))}`,
  ]
}

/** UTF-16 units of a line shown around the marked text: a policy on one line of megabytes must not fill the terminal. */
const MARGIN = 100

/** Tabs as two blanks, everything that a terminal would obey made visible. */
const shown = (text: string): string => visible(text.replaceAll('\t', '  '))

/** Columns of a terminal: East Asian and emoji characters take two. */
const width = (text: string): number => {
  let columns = 0
  for (const character of text) columns += WIDE.test(character) ? 2 : COMBINING.test(character) ? 0 : 1
  return columns
}

const WIDE = /\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Emoji_Presentation}|[\u3000-\u303e\uff01-\uff60]/u
const COMBINING = /\p{Mn}|\p{Me}/u

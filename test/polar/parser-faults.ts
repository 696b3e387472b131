/** What must hold of the parser whatever the text: it returns, with places inside the file, and with a diagnostic for everything it left out. */
import { decodeSource } from '../../src/polar/files.ts'
import { lex } from '../../src/polar/lex.ts'
import { shortMessage } from '../../src/polar/locate.ts'
import { parsePolicy } from '../../src/polar/parse.ts'
import { printPolicy } from '../../src/polar/print.ts'
import { renderDiagnostic } from '../../src/polar/render.ts'
import type { Span } from '../../src/polar/source.ts'

/** Diagnostics of one text that are rendered. */
const RENDERED = 5

/** What is wrong about how the text is parsed; empty when nothing is. Throws what the parser throws. */
export const textFaults = (text: string): string[] => {
  const files = [{ name: 'policy.polar', text }]
  const { value, diagnostics } = parsePolicy(files)
  const inside = ({ file, start, end }: Span): boolean => file === 0 && start >= 0 && start <= end && end <= text.length
  const outside = [...spansOf(value), ...spansOf(diagnostics)].filter((span) => !inside(span))
  const starts = diagnostics.map(({ span }) => span.start)
  const faults = outside.map((span) => `the place ${JSON.stringify(span)} is outside the text`)
  if (starts.some((start, index) => start < (starts[index - 1] ?? 0))) faults.push(`diagnostics are out of order: ${starts.join()}`)
  for (const diagnostic of diagnostics.slice(0, RENDERED)) {
    if (!/^(\p{Ll}|`)[^\n\r\0]*[^.]$/u.test(diagnostic.message)) faults.push(`message: ${diagnostic.message}`)
    if (renderDiagnostic(files, diagnostic).split('\n').length >= 12) faults.push(`rendered too long: ${diagnostic.message}`)
    const line = shortMessage(files, diagnostic, true)
    if (!/^policy\.polar:\d+:\d+: /.test(line)) faults.push(`short message: ${line}`)
  }
  if (value === null || diagnostics.length > 0) return faults
  // Nothing is left out silently: only an empty `setup {}` leaves no trace in the tree.
  if (words(printPolicy(value)) !== words(text)) faults.push('words are left out')
  const [round, roundEnd, square, squareEnd, curly, curlyEnd] = brackets(text)
  if (round !== roundEnd || square !== squareEnd || curly !== curlyEnd) faults.push('brackets do not pair')
  return faults
}

/** The same of bytes, which may be no text at all. */
export const byteFaults = (bytes: Uint8Array): string[] => {
  const { value, diagnostics } = decodeSource(bytes)
  const lossy = new TextDecoder().decode(bytes)
  const faults = (value === null) === diagnostics.length > 0 ? [] : ['refused without a diagnostic']
  for (const { span } of diagnostics) if (lossy.slice(span.start, span.end) !== '\uFFFD') faults.push('points at no invalid byte')
  return [...faults, ...textFaults(lossy)]
}

/** Every span of a tree. */
const spansOf = (node: unknown): Span[] => {
  if (Array.isArray(node)) return node.flatMap(spansOf)
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) => (key === 'span' ? [value as Span] : spansOf(value)))
}

/** Words, strings and numbers in their order; brackets, commas and semicolons may be written in several ways. */
const words = (text: string): string =>
  lex(text, 0)
    .tokens.filter((token) => !(token.kind === 'punctuation' && '()[]{},;'.includes(token.text)))
    .map((token) => `${token.kind} ${token.text}`)
    .filter((word) => word !== 'symbol setup')
    .join('\n')

/** How many of each bracket. */
const brackets = (text: string): number[] => {
  const marks = lex(text, 0).tokens.filter(({ kind }) => kind === 'punctuation')
  return ['(', ')', '[', ']', '{', '}'].map((bracket) => marks.filter((mark) => mark.text === bracket).length)
}

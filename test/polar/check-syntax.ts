/** How tests say what the parser must make of a text. */
import { expect } from 'vitest'
import type { PolicySyntax } from '../../src/polar/ast.ts'
import type { Diagnostic } from '../../src/polar/diagnostic.ts'
import { locate } from '../../src/polar/locate.ts'
import { parsePolicy } from '../../src/polar/parse.ts'
import type { SourceFile } from '../../src/polar/source.ts'

/** `line:column code [marked text] message`, then ` → hint` if there is one. */
const describeDiagnostic = (files: readonly SourceFile[], { code, message, span, hint }: Diagnostic): string => {
  const { line, column } = locate(files, span)
  const marked = files[span.file]?.text.slice(span.start, span.end) ?? ''
  return `${line}:${column} ${code} [${marked}] ${message}${hint === null ? '' : ` → ${hint}`}`
}

/** The text has exactly these diagnostics; none means it is valid. */
export const checkSyntax = (text: string, expected: readonly string[]): void => {
  const files = [{ name: 'policy.polar', text }]
  expect(parsePolicy(files).diagnostics.map((diagnostic) => describeDiagnostic(files, diagnostic))).toEqual(expected)
}

/** The tree of a valid text. */
export const valid = (text: string): PolicySyntax => {
  checkSyntax(text, [])
  const { value } = parsePolicy([{ name: 'policy.polar', text }])
  if (value === null) throw new Error('a parsed policy always has a tree')
  return value
}

/** A tree without its spans: what it says, not where. */
export const withoutSpans = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(withoutSpans)
  if (typeof node !== 'object' || node === null) return node
  return Object.fromEntries(Object.entries(node).flatMap(([key, value]) => (key === 'span' ? [] : [[key, withoutSpans(value)]])))
}

/** Two texts mean the same tree. */
export const checkSame = (text: string, other: string): void => {
  expect(withoutSpans(valid(text))).toEqual(withoutSpans(valid(other)))
}

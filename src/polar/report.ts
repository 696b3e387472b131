/** The diagnostics that a person gets to see. */
import { limits } from '../base/limits.ts'
import type { Diagnostic } from './diagnostic.ts'

/** By file, then position; those of one place keep their order. */
export const sortDiagnostics = (diagnostics: readonly Diagnostic[]): Diagnostic[] =>
  diagnostics.toSorted((a, b) => a.span.file - b.span.file || a.span.start - b.span.start || a.span.end - b.span.end)

export const hasErrors = (diagnostics: readonly Diagnostic[]): boolean => diagnostics.some(isError)

/** The first `limits.diagnostics`, sorted; warnings never push an error out. */
export const reportable = (diagnostics: readonly Diagnostic[]): Diagnostic[] => {
  const sorted = sortDiagnostics(diagnostics)
  const errors = sorted.filter(isError).slice(0, limits.diagnostics)
  const warnings = sorted.filter((diagnostic) => !isError(diagnostic)).slice(0, limits.diagnostics - errors.length)
  return sortDiagnostics([...errors, ...warnings])
}

const isError = (diagnostic: Diagnostic): boolean => diagnostic.severity === 'error'

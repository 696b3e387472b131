/** The diagnostics that a person gets to see. */
import { limits } from '../base/limits.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { Span } from './source.ts'

/** By file, then position; those of one place keep their order. */
export const sortDiagnostics = (diagnostics: readonly Diagnostic[]): Diagnostic[] =>
  diagnostics.toSorted((a, b) => a.span.file - b.span.file || a.span.start - b.span.start || a.span.end - b.span.end)

export const hasErrors = (diagnostics: readonly Diagnostic[]): boolean => diagnostics.some(isError)

/** The first `limits.diagnostics`, sorted, without echoes; warnings never push an error out. */
export const reportable = (diagnostics: readonly Diagnostic[]): Diagnostic[] => {
  const sorted = withoutEchoes(sortDiagnostics(diagnostics))
  const errors = sorted.filter(isError).slice(0, limits.diagnostics)
  const warnings = sorted.filter((diagnostic) => !isError(diagnostic)).slice(0, limits.diagnostics - errors.length)
  return sortDiagnostics([...errors, ...warnings])
}

const isError = (diagnostic: Diagnostic): boolean => diagnostic.severity === 'error'

/** Leaves out warnings inside the marked text of an error or a further place of it: they are about the same mistake. */
const withoutEchoes = (sorted: readonly Diagnostic[]): Diagnostic[] => {
  const marked = sorted
    .filter(isError)
    .flatMap(({ span, labels }) => [span, ...labels.map((label) => label.span)])
    .toSorted((a, b) => a.file - b.file || a.start - b.start)
  let next = 0
  let file = -1
  let end = -1
  return sorted.filter(({ severity, span }) => {
    if (severity === 'error') return true
    for (let place = marked[next]; place !== undefined && startsBefore(place, span); place = marked[next]) {
      end = place.file === file ? Math.max(end, place.end) : place.end
      file = place.file
      next++
    }
    return file !== span.file || end < span.end
  })
}

const startsBefore = (a: Span, b: Span): boolean => a.file < b.file || (a.file === b.file && a.start <= b.start)

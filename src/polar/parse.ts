/** Policy files → syntax tree and every syntax error in them. */
import { limits } from '../base/limits.ts'
import type { Item, PolicySyntax } from './ast.ts'
import { Cursor } from './cursor.ts'
import type { Diagnostic, Outcome } from './diagnostic.ts'
import { lex } from './lex.ts'
import { parseItems } from './parse-item.ts'
import { sortDiagnostics } from './report.ts'
import type { SourceFile } from './source.ts'

/**
 * Parses all files of one policy, in time linear in their length. The value is never null: it holds what could be parsed.
 * With any diagnostic the tree has gaps and repairs, so what it lacks must not be judged. Diagnostics are sorted by file and
 * position, at most `limits.diagnostics` of them, all errors.
 */
export const parsePolicy = (files: readonly SourceFile[]): Outcome<PolicySyntax> => {
  const items: Item[] = []
  const diagnostics: Diagnostic[] = []
  for (const [file, source] of files.entries()) {
    const parsed = parseFile(source, file)
    for (const item of parsed.items) items.push(item)
    // A policy of a million broken files must not collect a hundred errors for each.
    if (diagnostics.length < limits.diagnostics) diagnostics.push(...parsed.diagnostics)
  }
  return { value: { items }, diagnostics: sortDiagnostics(diagnostics).slice(0, limits.diagnostics) }
}

const parseFile = (source: SourceFile, file: number): { items: readonly Item[]; diagnostics: readonly Diagnostic[] } => {
  const lexed = lex(source.text, file)
  const cursor = new Cursor(source, file, lexed.tokens)
  const items = parseItems(cursor)
  const lexical = lexed.diagnostics.filter((diagnostic) => !cursor.muted.has(diagnostic.span.start))
  return { items, diagnostics: [...lexical, ...cursor.diagnostics] }
}

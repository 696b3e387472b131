/** From policy text to a checked policy that can be activated: parse, check, stratify. */
import { checkPolicy } from '../check/check.ts'
import type { CheckedPolicy } from '../check/core.ts'
import { checkStrata } from '../ir/strata.ts'
import type { Diagnostic, Outcome } from '../polar/diagnostic.ts'
import { parsePolicy } from '../polar/parse.ts'
import type { SourceFile } from '../polar/source.ts'

/** `value` is null when anything is an error; warnings come along. Never throws on user input. */
export const compilePolicy = (files: readonly SourceFile[]): Outcome<CheckedPolicy> => {
  const parsed = parsePolicy(files)
  if (parsed.value === null || parsed.diagnostics.some(isError)) return { value: null, diagnostics: parsed.diagnostics }
  const checked = checkPolicy(files, parsed.value)
  const diagnostics = [...parsed.diagnostics, ...checked.diagnostics]
  if (checked.value === null) return { value: null, diagnostics }
  const strata = checkStrata(checked.value)
  return { value: strata.length > 0 ? null : checked.value, diagnostics: [...diagnostics, ...strata] }
}

const isError = (diagnostic: Diagnostic): boolean => diagnostic.severity === 'error'

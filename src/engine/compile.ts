/** From policy text to a checked policy that can be activated: parse, check, stratify. */
import { checkPolicy } from '../check/check.ts'
import type { CheckedPolicy } from '../check/core.ts'
import { checkStrata } from '../ir/strata.ts'
import type { Outcome } from '../polar/diagnostic.ts'
import { parsePolicy } from '../polar/parse.ts'
import { hasErrors, reportable } from '../polar/report.ts'
import type { SourceFile } from '../polar/source.ts'

/** `value` is null when anything is an error; warnings come along. Never throws on user input. */
export const compilePolicy = (files: readonly SourceFile[]): Outcome<CheckedPolicy> => {
  const parsed = parsePolicy(files)
  if (parsed.value === null || hasErrors(parsed.diagnostics)) return { value: null, diagnostics: parsed.diagnostics }
  const checked = checkPolicy(files, parsed.value)
  if (checked.value === null) return { value: null, diagnostics: checked.diagnostics }
  const strata = checkStrata(checked.value)
  return { value: strata.length > 0 ? null : checked.value, diagnostics: reportable([...checked.diagnostics, ...strata]) }
}

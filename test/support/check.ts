/** Policy text → policy that could be activated, for tests that need a valid one. */
import type { CheckedPolicy } from '../../src/check/core.ts'
import { compilePolicy } from '../../src/engine/compile.ts'

/** The policy, or null when it has errors. */
export const checked = (text: string): CheckedPolicy | null => compilePolicy(fileOf(text)).value

/** The policy; throws with the diagnostics when it has errors. */
export const validPolicy = (text: string): CheckedPolicy => {
  const { value, diagnostics } = compilePolicy(fileOf(text))
  if (value === null) throw new Error(diagnostics.map(({ code, message }) => `${code}: ${message}`).join('\n'))
  return value
}

const fileOf = (text: string): { name: string; text: string }[] => [{ name: 'policy.polar', text }]

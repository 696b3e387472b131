/** Checks a policy text and runs its tests on a scratch database: what a policy checker does, on whatever thread it runs. */
import { limits } from '../src/base/limits.ts'
import { compilePolicy } from '../src/engine/compile.ts'
import { neededIndexes } from '../src/engine/indexes.ts'
import { runPolicyTests } from '../src/engine/policy-tests.ts'
import type { Diagnostic } from '../src/polar/diagnostic.ts'
import { splitFiles } from '../src/polar/files.ts'
import { locate, shortMessage } from '../src/polar/locate.ts'
import type { SourceFile } from '../src/polar/source.ts'
import type { Store } from '../src/store/facts.ts'
import type { PolicyTestResult } from '../src/wire/responses.ts'
import type { PolicyCheckRequest, PolicyMessage, PolicyReport } from './policy-checker.ts'

export interface PolicyCheckResources {
  /** An empty database, used again for every policy. */
  readonly store: Store
  readonly nowMs: () => number
  readonly monotonicMs: () => number
}

/** Never throws on a policy's own mistakes. */
export const checkPolicyText = (request: PolicyCheckRequest, { store, nowMs, monotonicMs }: PolicyCheckResources): PolicyReport => {
  const startedMs = monotonicMs()
  const files = splitFiles(request.source, request.filename)
  const { value: policy, diagnostics } = compilePolicy(files)
  const messagesOf = (severity: Diagnostic['severity']): readonly PolicyMessage[] =>
    diagnostics
      .filter((diagnostic) => diagnostic.severity === severity)
      .map((diagnostic) => ({ text: shortMessage(files, diagnostic, false), hint: diagnostic.hint }))
  const errors = messagesOf('error')
  const warnings = messagesOf('warning')
  if (policy === null || errors.length > 0) return { kind: 'refused', errors, warnings }
  if (!request.runTests) return { kind: 'checked', warnings, tests: null, policy, indexes: neededIndexes(policy) }
  const outcome = runPolicyTests({
    policy,
    store,
    failFast: request.failFast,
    unixSeconds: Math.floor(nowMs() / 1000),
    nowMs: monotonicMs,
    timeoutMs: limits.policyTestMs - (monotonicMs() - startedMs),
  })
  if (outcome.kind === 'over-budget') return { kind: 'over-budget', message: overBudget }
  const result: PolicyTestResult = {
    success: outcome.failures.length === 0,
    errors: outcome.failures.map(({ span, message }) => ({ error_type: 'AssertionFailed', message: placed(files, span, message) })),
    tests: outcome.tests.map(({ name, passed, total }) => ({ name, passed, total })),
  }
  return { kind: 'checked', warnings, tests: result, policy, indexes: neededIndexes(policy) }
}

export const overBudget = `checking the policy and running its tests took longer than ${limits.policyTestMs / 1000} s`

const placed = (files: readonly SourceFile[], span: Diagnostic['span'], message: string): string => {
  const { file, line, column } = locate(files, span)
  return `${file}:${line}:${column}: ${message}`
}

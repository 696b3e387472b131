/** Runs the tests of a policy and says which assertions failed. */
import type { CheckedPolicy } from '../../src/check/core.ts'
import { runPolicyTests } from '../../src/engine/policy-tests.ts'
import { locate } from '../../src/polar/locate.ts'
import { createStore } from '../../src/store/store.ts'
import { emptyDatabase } from './database.ts'

/** `code: place: message`, in order. */
export const failedAssertionsOf = (policy: CheckedPolicy): readonly string[] => {
  const store = createStore(emptyDatabase())
  try {
    const outcome = runPolicyTests({ policy, store, failFast: false, unixSeconds: 1_800_000_000, nowMs: () => 0, timeoutMs: 60_000 })
    if (outcome.kind !== 'finished') throw new Error('the tests did not finish')
    return outcome.failures.map(({ code, span, message }) => {
      const { file, line, column } = locate(policy.files, span)
      return `${code}: ${file}:${line}:${column}: ${message}`
    })
  } finally {
    store.database.close()
  }
}

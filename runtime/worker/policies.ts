/** Checks policies where a request asks for it: a Worker has no other thread, and no clock that goes on meanwhile. */
import type { StorePool } from '../../snapshots/store-pool.ts'
import { checkPolicyText } from '../policy-check.ts'
import type { PolicyChecker } from '../policy-checker.ts'

/** As much of a budget's time as passes between two looks at it, when steps are counted in its place. */
const TURN_MS = 0.4

export const inlinePolicies = (pool: StorePool, nowMs: () => number): PolicyChecker => ({
  check: async (request) => {
    const store = pool.create()
    try {
      return checkPolicyText(request, { store, nowMs, monotonicMs: steppedClock() })
    } finally {
      pool.release(store)
    }
  },
  close: () => Promise.resolve(),
})

/** A clock that goes on by being looked at. */
const steppedClock = (): (() => number) => {
  let ms = 0
  return () => {
    ms += TURN_MS
    return ms
  }
}

/** Builds the engine of one environment. */
import type { CheckedPolicy } from '../check/core.ts'
import type { Store } from '../store/facts.ts'
import type { Memory, PreparingEngine } from './engine.ts'
import { QueryEngine } from './query-engine.ts'

/** An engine that answers from the store's current state; it follows writes by itself, and is made anew for another policy.
 * `memory`: what is remembered of subjects: what is worth it, unless answers and times are to be compared with those of other engines. */
export const createEngine = (parts: { readonly store: Store; readonly policy: CheckedPolicy; readonly memory?: Memory }): PreparingEngine =>
  new QueryEngine(parts.store, parts.policy, parts.memory ?? 'worthwhile')

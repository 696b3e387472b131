/** Builds the engine of one environment. */
import type { CheckedPolicy } from '../check/core.ts'
import type { Store } from '../store/facts.ts'
import type { PreparingEngine } from './engine.ts'
import { QueryEngine } from './query-engine.ts'

/** An engine that answers from the store's current state; it follows writes by itself, and is made anew for another policy. */
export const createEngine = (parts: { readonly store: Store; readonly policy: CheckedPolicy }): PreparingEngine =>
  new QueryEngine(parts.store, parts.policy)

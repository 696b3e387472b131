/** A store and an engine with a policy and facts, in memory, on either runtime. */
import type { Fact, Value } from '../../src/base/value.ts'
import type { CheckedPolicy } from '../../src/check/core.ts'
import { createEngine } from '../../src/engine/create.ts'
import type { Engine, Memory } from '../../src/engine/engine.ts'
import type { Database } from '../../src/store/database.ts'
import type { Store } from '../../src/store/facts.ts'
import { createStore } from '../../src/store/store.ts'
import { writtenValues } from '../oracle/program.ts'

export interface Cell {
  readonly store: Store
  readonly engine: Engine
  close(): void
}

/** In an empty database, which closes with the cell. The caller closes it. */
export const openCell = (database: Database, policy: CheckedPolicy, facts: readonly Fact[], memory: Memory = 'worthwhile'): Cell => {
  const store = createStore(database)
  store.transaction(() => {
    store.intern(constants(policy))
    for (const fact of facts) store.insert(fact)
  })
  const engine = createEngine({ store, policy, memory })
  return {
    store,
    engine,
    close() {
      engine.close()
      store.database.close()
    },
  }
}

const constants = (policy: CheckedPolicy): Value[] => [
  ...new Map(writtenValues(policy).map((value) => [JSON.stringify(value), value])).values(),
]

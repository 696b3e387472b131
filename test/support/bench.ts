/** Loaded data sets of the bench, for tests. */
import { sqliteModule, trampolineModule } from '#wasm'
import type { DataSet } from '../../scripts/bench/data-set.ts'
import { load, type World, withReference } from '../../scripts/bench/world.ts'
import { instantiate, openDatabase } from '../../src/store/binding.ts'
import type { Store } from '../../src/store/facts.ts'
import { createStore } from '../../src/store/store.ts'

export const emptyStore = (): Store =>
  createStore(openDatabase(instantiate(sqliteModule, trampolineModule, { maxBytes: 2 ** 28, nowMs: () => Date.now() })))

export const worldOf = (set: DataSet): World => withReference(load(emptyStore(), 'small', set))

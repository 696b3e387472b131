/** One thread with a database whose callbacks come, are called until V8 makes a wrapper for them, and go, for two seconds. */
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { collectGarbage } from '../../../scripts/bench/collect-garbage.ts'
import { compileModules } from '../../../snapshots/node/stores.ts'
import type { WasmModules } from '../../../snapshots/pool.ts'
import { instantiate, openDatabase } from '../../../src/store/binding.ts'
import { trampolineFunctions } from '../../../src/store/exports.ts'

/** Behind 1000 calls there is a wrapper. */
const CALLS = 1100
/** What is replaced is freed together. */
const REPLACED = 20
const MS = 2000

const callAndReplace = ({ sqlite, trampoline }: WasmModules): void => {
  const instance = instantiate(sqlite, trampoline, { maxBytes: 2 ** 28, nowMs: () => 0 })
  const database = openDatabase(instance)
  const sum = database.prepare('with recursive n(x) as (select 1 union all select x + 1 from n where x < 200) select sum(x) from n')
  const table = instance.wasm.__indirect_function_table
  const until = performance.now() + MS
  for (let i = 1; performance.now() < until; i++) {
    if (i % REPLACED === 0) collectGarbage()
    let asked = 0
    const progress = (): number => {
      asked++
      return 0
    }
    table.set(instance.progressHandler, trampolineFunctions(trampoline, { progress, remembered: () => undefined }).progress)
    const work = (): void => {
      while (asked < CALLS) sum.all()
    }
    database.guarded(1, () => false, work)
  }
}

if (isMainThread) {
  const modules = await compileModules()
  new Worker(new URL(import.meta.url), { workerData: modules })
} else {
  // The one cast: the other thread sends exactly these modules.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  callAndReplace(workerData as WasmModules)
}

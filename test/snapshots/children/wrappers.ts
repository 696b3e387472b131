/** One database, whose callbacks come, are called until V8 makes a wrapper for them, and go. */
import { collectGarbage } from '../../../scripts/bench/collect-garbage.ts'
import { compileModules } from '../../../snapshots/node/stores.ts'
import { instantiate, openDatabase } from '../../../src/store/binding.ts'
import { trampolineFunctions } from '../../../src/store/exports.ts'

const TIMES = 200
/** Behind 1000 calls there is a wrapper. */
const CALLS = 1100
/** What is replaced is freed together. */
const REPLACED = 20

const { sqlite, trampoline } = await compileModules()
const instance = instantiate(sqlite, trampoline, { maxBytes: 2 ** 28, nowMs: () => 0 })
const database = openDatabase(instance)
const sum = database.prepare('with recursive n(x) as (select 1 union all select x + 1 from n where x < 200) select sum(x) from n')
const table = instance.wasm.__indirect_function_table
for (let i = 1; i <= TIMES; i++) {
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
  if (i % REPLACED === 0) collectGarbage()
}

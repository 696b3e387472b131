/** `npm run fuzz -- --minutes N [--seed S] [--count C]`: random programs against engine, oracle and ground model; prints each failure as a small world. */
import { parseArgs } from 'node:util'
import { instantiate, openDatabase } from '../src/store/binding.ts'
import type { Database } from '../src/store/database.ts'
import { runSeed } from '../test/random/random-case.ts'
import { sqliteModule, trampolineModule } from '../test/support/wasm.node.ts'

const USAGE = 'usage: npm run fuzz -- --minutes N [--seed S] [--count C]'
const MAX_BYTES = 256 * 1024 * 1024
/** Seeds that take longer are named: something in them is worth a look. */
const SLOW_MS = 10_000

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' }, count: { type: 'string' } } })

const number = (text: string | undefined, otherwise: number): number => {
  const value = text === undefined ? otherwise : Number(text)
  if (Number.isFinite(value) && value >= 0) return value
  console.error(USAGE)
  process.exit(2)
}

const emptyDatabase = (): Database => openDatabase(instantiate(sqliteModule, trampolineModule, { maxBytes: MAX_BYTES, nowMs: Date.now }))

const first = number(values.seed, Date.now() % 2 ** 31)
const end = first + number(values.count, Number.MAX_SAFE_INTEGER - 2 ** 32)
const until = values.count === undefined ? Date.now() + number(values.minutes, 1) * 60_000 : Number.POSITIVE_INFINITY
const total = { seeds: 0, cases: 0, positive: 0, refused: 0, proved: 0, unproved: 0, failures: 0 }

console.log(`first seed ${first}`)
for (let seed = first; seed < end && Date.now() < until; seed++) {
  const started = Date.now()
  const result = runSeed(seed, { emptyDatabase, proves: true })
  if (Date.now() - started > SLOW_MS) console.log(`seed ${seed} took ${Date.now() - started} ms`)
  total.seeds++
  total.cases += result.cases
  total.positive += result.positive
  total.refused += result.refused
  total.proved += result.proof?.proved ?? 0
  total.unproved += result.proof?.unproved ?? 0
  total.failures += result.failures.length
  for (const failure of result.failures) console.log(`\n${failure}`)
  if (total.seeds % 100 === 0) console.log(JSON.stringify(total))
}
console.log(JSON.stringify(total))
process.exitCode = total.failures > 0 ? 1 : 0

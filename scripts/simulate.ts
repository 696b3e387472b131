/** `npm run simulate -- --minutes N [--seed S] [--count C]`: histories of cells with faults; prints every violation with the end of its trace, all of it for one seed. */
import { parseArgs } from 'node:util'
import { simulate } from '../test/simulation/simulation.ts'
import { numberOption } from './number-option.ts'

const USAGE = 'usage: npm run simulate -- --minutes N [--seed S] [--count C]'
const SHOWN = 60

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' }, count: { type: 'string' } } })

const number = numberOption(USAGE)

const first = number(values.seed, Date.now() % 2 ** 31)
// One seed alone is looked at closely.
const alone = values.seed !== undefined && values.minutes === undefined && values.count === undefined
const end = first + (alone ? 1 : number(values.count, Number.MAX_SAFE_INTEGER - 2 ** 32))
const until = values.count === undefined && !alone ? Date.now() + number(values.minutes, 1) * 60_000 : Number.POSITIVE_INFINITY
const counts: Record<string, number> = {}
let seeds = 0
let violated = 0

console.log(`first seed ${first}`)
for (let seed = first; seed < end && Date.now() < until; seed++) {
  const { violations, trace, counts: found } = await simulate(seed)
  seeds++
  for (const [what, count] of Object.entries(found)) counts[what] = (counts[what] ?? 0) + count
  if (alone) console.log(trace.join('\n'))
  if (violations.length === 0) continue
  violated++
  if (!alone) console.log(trace.slice(-SHOWN).join('\n'))
  console.log(`seed ${seed}:\n  ${violations.join('\n  ')}`)
}
console.log(JSON.stringify({ seeds, violated, ...counts }))
process.exit(violated === 0 ? 0 : 1)

/** Random programs × facts × questions: the engine against the oracle, every kind of question against the others, and the oracle against the ground model. */
import { instantiate, openDatabase } from '../../src/store/binding.ts'
import type { Database } from '../../src/store/database.ts'
import { runSeed } from '../../test/random/random-case.ts'
import { addTally, emptyTally, shortfalls, type Tally } from '../../test/random/tally.ts'
import { sqliteModule, trampolineModule } from '../../test/support/wasm.node.ts'

export interface Progress {
  readonly seeds: number
  readonly cases: number
}

const MAX_BYTES = 256 * 1024 * 1024
/** Seeds that take longer are named: something in them is worth a look. */
const SLOW_MS = 10_000
/** Seeds between two lines of progress. */
const REPORT = 100
/** A run of fewer cases says nothing about what its cases cover. */
const ENOUGH_CASES = 2000

const emptyDatabase = (): Database => openDatabase(instantiate(sqliteModule, trampolineModule, { maxBytes: MAX_BYTES, nowMs: Date.now }))

/** Goes on from the first seed until `isEnd`; true when nothing failed and the cases covered what they are there for. */
export const fuzzPrograms = (first: number, isEnd: (done: Progress) => boolean): boolean => {
  const tally = emptyTally()
  const total = { seeds: 0, unjudged: 0, tooComplex: 0, proved: 0, unproved: 0, failures: 0 }
  const told = (): string => {
    const { cases, positive, refused, allowed, denied } = tally
    return JSON.stringify({ ...total, cases, positive, refused, allowed, denied })
  }
  while (!isEnd({ seeds: total.seeds, cases: tally.cases })) {
    const seed = first + total.seeds
    const started = Date.now()
    const result = runSeed(seed, { emptyDatabase, proves: true })
    if (Date.now() - started > SLOW_MS) console.log(`seed ${seed} took ${Date.now() - started} ms`)
    if (result.tally) addTally(tally, result.tally)
    total.seeds++
    total.unjudged += result.unjudged ? 1 : 0
    total.tooComplex += result.tooComplex
    total.proved += result.proof?.proved ?? 0
    total.unproved += result.proof?.unproved ?? 0
    total.failures += result.failures.length
    for (const failure of result.failures) console.log(`\n${failure}`)
    if (total.seeds % REPORT === 0) console.log(told())
  }
  const missed = tally.cases < ENOUGH_CASES ? [] : [...shortfalls(tally), ...givenUp({ ...total, cases: tally.cases })]
  console.log(coverage(tally))
  for (const line of missed) console.log(`too few: ${line}`)
  console.log(told())
  return total.failures === 0 && missed.length === 0
}

/** Share of the programs, a few predicates that call themselves with many open arguments, that may be more than the oracle takes. */
const MAX_UNJUDGED = 0.005
/** Share of the questions that may be more than the engine plans. */
const MAX_TOO_COMPLEX = 0.001

interface GivenUp extends Progress {
  readonly unjudged: number
  readonly tooComplex: number
}

const givenUp = ({ seeds, cases, unjudged, tooComplex }: GivenUp): string[] => [
  ...(unjudged > seeds * MAX_UNJUDGED ? [`judged programs: the oracle gave up on ${unjudged} of ${seeds}`] : []),
  ...(tooComplex > cases * MAX_TOO_COMPLEX ? [`planned questions: ${tooComplex} of ${cases} were too complex`] : []),
]

/** What the cases used, and how many of them had a positive answer. */
const coverage = ({ features, kinds }: Tally): string =>
  [
    ...Object.entries(kinds).map(([kind, count]) => `${kind.padEnd(22)} ${count}`),
    ...Object.entries(features).map(([name, { cases, positive }]) => `${name.padEnd(22)} ${cases}, ${positive} positive`),
  ].join('\n')

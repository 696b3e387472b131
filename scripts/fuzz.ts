/** `npm run fuzz -- [--cases N | --minutes N | --count C] [--seed S]`: random programs; `--parser N`: random input of the parser; `--http N`: requests. Failures are printed with their seed. */
import { parseArgs } from 'node:util'
import { fuzzHttp } from './fuzz/http.ts'
import { fuzzParser } from './fuzz/parser.ts'
import { fuzzPrograms, type Progress } from './fuzz/programs.ts'
import { numberOption } from './number-option.ts'

const USAGE = `usage: npm run fuzz -- [options]
  --cases N     random questions to random programs until there were N (20,000 at night)
  --minutes N   the same for so long (1 without any option)
  --count C     the same for C programs
  --parser N    N random inputs of the parser instead (1,000,000 at night)
  --http N      N requests made from the OpenAPI description instead, to a cell of their own (10,000 at night)
  --seed S      the first seed; \`--seed S --count 1\` and \`--seed S --parser 1\` repeat one`

const options = { type: 'string' } as const
const { values } = parseArgs({
  options: { minutes: options, cases: options, count: options, parser: options, http: options, seed: options },
})

const number = numberOption(USAGE)

const first = number(values.seed, Date.now() % 2 ** 31)
console.log(`first seed ${first}`)

if (values.http !== undefined) {
  const report = await fuzzHttp({ seed: first, requests: number(values.http, 0), say: console.log })
  if (report.findings !== null) console.error(report.findings)
  process.exitCode = report.findings === null && report.broken === 0 ? 0 : 1
} else if (values.parser !== undefined) process.exitCode = (await fuzzParser(first, number(values.parser, 0))) ? 0 : 1
else {
  const isBounded = values.count !== undefined || values.cases !== undefined
  const until = values.minutes !== undefined || !isBounded ? Date.now() + number(values.minutes, 1) * 60_000 : Number.POSITIVE_INFINITY
  const [seeds, cases] = [number(values.count, Number.MAX_SAFE_INTEGER), number(values.cases, Number.MAX_SAFE_INTEGER)]
  const isEnd = (done: Progress): boolean => done.seeds >= seeds || done.cases >= cases || Date.now() >= until
  process.exitCode = fuzzPrograms(first, isEnd) ? 0 : 1
}

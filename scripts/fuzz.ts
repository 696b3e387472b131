/** `npm run fuzz -- [--cases N | --minutes N | --count C] [--seed S]`: random programs; `--parser N`: random input of the parser; `--http N`: requests; `--night`: all of them. Failures are printed with their seed. */
import { parseArgs } from 'node:util'
import { fuzzHttp } from './fuzz/http.ts'
import { fuzzParser } from './fuzz/parser.ts'
import { fuzzPrograms, type Progress } from './fuzz/programs.ts'
import { type ProgramBounds, type Work, workOf } from './fuzz/work.ts'
import { numberOption } from './number-option.ts'

const USAGE = `usage: npm run fuzz -- [options]
  --night       20,000 programs, 1,000,000 inputs of the parser and 10,000 requests, one after the other
  --cases N     random questions to random programs until there were N
  --minutes N   the same for so long (1 without any option)
  --count C     the same for C programs
  --parser N    N random inputs of the parser instead
  --http N      N requests made from the OpenAPI description instead, to a cell of their own
  --seed S      the first seed; \`--seed S --count 1\` and \`--seed S --parser 1\` repeat one`

const options = { type: 'string' } as const
const { values } = parseArgs({
  options: { night: { type: 'boolean' }, minutes: options, cases: options, count: options, parser: options, http: options, seed: options },
})

const number = numberOption(USAGE)
const first = number(values.seed, Date.now() % 2 ** 31)

/** True when nothing was found. */
const run = async (work: Work): Promise<boolean> => {
  switch (work.kind) {
    case 'programs':
      return fuzzPrograms(first, endOf(work))
    case 'parser':
      return fuzzParser(first, work.inputs)
    case 'http': {
      const report = await fuzzHttp({ seed: first, requests: work.requests, say: console.log })
      if (report.findings !== null) console.error(report.findings)
      return report.findings === null && report.broken === 0
    }
  }
}

const endOf = ({ programs, questions, minutes }: ProgramBounds): ((done: Progress) => boolean) => {
  const until = Date.now() + minutes * 60_000
  return (done) => done.seeds >= programs || done.cases >= questions || Date.now() >= until
}

console.log(`first seed ${first}`)
// One after the other, and all of them: what fails first must not hide the rest.
for (const work of workOf(values, number)) if (!(await run(work))) process.exitCode = 1

/** `npm run chaos -- --minutes N [--seed S] [--only FAULT,… | --outage] [--keep]`: a cluster of real processes, faults of all kinds, and an oracle for every answer. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runOutage } from './chaos/outage.ts'
import { printReport } from './chaos/report.ts'
import { runChaos } from './chaos/run.ts'
import { randomSteps } from './chaos/schedule.ts'
import { numberOption } from './number-option.ts'

const USAGE = 'usage: npm run chaos -- --minutes N [--seed S] [--only FAULT,… | --outage] [--keep]'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    outage: { type: 'boolean' },
    keep: { type: 'boolean' },
  },
})

const number = numberOption(USAGE)

const seed = number(values.seed, Date.now() % 2 ** 31)
const lastsMs = number(values.minutes, 2) * 60_000
const directory = mkdtempSync(join(tmpdir(), 'arctos-chaos-'))
console.log(`seed ${seed}, data in ${directory}`)
// What was found so far is worth a report. Every process of the cluster ends with this one, however that ends.
let isEnding = false
const interrupt = (): void => {
  if (isEnding || values.outage === true) {
    console.log(`interrupted, data and logs are in ${directory}`)
    process.exit(130)
  }
  isEnding = true
  console.log('ends with this fault and the report; Ctrl-C once more ends at once')
}
process.on('SIGINT', interrupt)
process.on('SIGTERM', interrupt)

function* untilInterrupted<T>(steps: Iterable<T>): Iterable<T> {
  for (const step of steps) {
    if (isEnding) return
    yield step
  }
}

try {
  const say = (line: string): void => console.log(`${(performance.now() / 1000).toFixed(1).padStart(7)}  ${line}`)
  if (values.outage === true) {
    const report = await runOutage({ directory, seed, lastsMs, say })
    for (const { kind, detail } of report.findings) console.log(`${kind}: ${detail}`)
    console.log(JSON.stringify(report))
    process.exit(report.findings.length === 0 ? 0 : 1)
  }
  const report = await runChaos({
    directory,
    seed,
    lastsMs,
    steps: (cluster, random) => untilInterrupted(randomSteps(cluster, random, values.only?.split(',') ?? null)),
    say,
  })
  console.log(`\n${printReport(report)}`)
  process.exitCode = report.findings.length === 0 ? 0 : 1
} finally {
  if (values.keep === true || process.exitCode === 1) console.log(`data and logs are in ${directory}`)
  else rmSync(directory, { recursive: true, force: true })
}
// Connections that nobody uses any more must not hold it up.
process.exit()

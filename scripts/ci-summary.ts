/** Prints the closing line of `.ci/run` from vitest's JSON report, and fails unless every test that ran passed: `node scripts/ci-summary.ts <report>`. */
import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod/mini'

const Report = z.object({
  success: z.boolean(),
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) })),
})

export interface Summary {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Counts of a report; `undefined` (the tests never ended) is one failure. */
export const summarize = (text: string | undefined): Summary => {
  if (text === undefined) return { passed: 0, failed: 1, skipped: 0 }
  const report = Report.parse(JSON.parse(text))
  // A file that failed to load has no failed test of its own, and an unhandled error belongs to no file.
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
  ).length
  const failed = report.numFailedTests + brokenFiles
  const unexplained = (!report.success || report.numPassedTests === 0) && failed === 0 ? 1 : 0
  return { passed: report.numPassedTests, failed: failed + unexplained, skipped: report.numPendingTests + report.numTodoTests }
}

export const closingLine = ({ passed, failed, skipped }: Summary): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`

if (import.meta.main) {
  const path = process.argv[2] ?? ''
  const summary = summarize(existsSync(path) ? readFileSync(path, 'utf8') : undefined)
  process.stdout.write(`${closingLine(summary)}\n`)
  process.exitCode = summary.failed === 0 ? 0 : 1
}

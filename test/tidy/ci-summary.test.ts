/** The closing line of `.ci/run` never calls a failed run passed. */
import { expect, test } from 'vitest'
import { closingLine, summarize } from '../../scripts/ci-summary.ts'

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped?: number
  readonly success?: boolean
  readonly files?: readonly (readonly [status: string, assertions: readonly string[]])[]
}

const report = ({ passed, failed, skipped = 0, success = failed === 0, files = [] }: Counts): string =>
  JSON.stringify({
    success,
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: skipped,
    numTodoTests: 0,
    testResults: files.map(([status, assertions]) => ({ status, assertionResults: assertions.map((item) => ({ status: item })) })),
  })

const cases: readonly (readonly [why: string, text: string | undefined, line: string])[] = [
  ['all passed', report({ passed: 3, failed: 0 }), '3 passed, 0 failed'],
  ['some skipped', report({ passed: 3, failed: 0, skipped: 2 }), '3 passed, 0 failed, 2 skipped'],
  ['one failed', report({ passed: 3, failed: 1, files: [['failed', ['passed', 'failed']]] }), '3 passed, 1 failed'],
  ['a file did not load', report({ passed: 3, failed: 0, success: false, files: [['failed', []]] }), '3 passed, 1 failed'],
  ['an error belongs to no file', report({ passed: 3, failed: 0, success: false }), '3 passed, 1 failed'],
  ['nothing ran', report({ passed: 0, failed: 0 }), '0 passed, 1 failed'],
  ['the tests never ended', undefined, '0 passed, 1 failed'],
]

test.each(cases)('%s', (_why, text, line) => {
  expect(closingLine(summarize(text))).toBe(line)
})

/** Every line of the API's checklist is named by a test on the Node cell, on a fallback and on the Worker; where it has no meaning it says why. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readLines } from '../runtime/support/read-lines.ts'
import { writeLines } from '../runtime/support/write-lines.ts'
import { linesInTitles, linesOfTitle } from './checklist.ts'
import { scan } from './scan.ts'

const LINES = 100
const local = 'local authorization is not offered: every endpoint of it answers 400, on each host'
const ofFallbacks = 'it is about the metrics of a fallback, which this is not'
const ofDevelopment = 'it is about the process of a development server, which this is not'
const sharedFolder = 'runtime/support/'

interface Host {
  /** Files that run the lines that all hosts have in common. */
  readonly conformance: readonly (readonly [file: string, call: string])[]
  /** Files with tests of its own. */
  readonly own: readonly string[]
  /** Lines that cannot be asked of it, with the reason. */
  readonly without: Readonly<Record<number, string>>
}

const hosts: Readonly<Record<string, Host>> = {
  'the Node cell': {
    conformance: [
      ['runtime/http-reads.test.ts', 'testLines(cellPlace, readLines)'],
      ['runtime/http-writes.test.ts', 'testLines(cellPlace, writeLines)'],
    ],
    own: ['runtime/http-limits.test.ts', 'runtime/http-consistency.test.ts', 'runtime/process.test.ts', 'runtime/idle-connection.test.ts'],
    without: { 98: ofFallbacks },
  },
  'a fallback': {
    conformance: [
      ['runtime/fallback-conformance.test.ts', 'testLines(fallback, readLines)'],
      ['runtime/fallback-conformance.test.ts', 'testLines(refusedBy(fallback), writeLines)'],
    ],
    own: ['runtime/fallback.test.ts', 'runtime/edge-process.test.ts', 'runtime/idle-connection.test.ts'],
    without: {
      19: 'no write is acknowledged by a fallback: line 97 holds that each is refused',
      99: ofDevelopment,
    },
  },
  'the Worker': {
    conformance: [
      ['worker/http-conformance.test.ts', 'testLines(workerPlace(), readLines)'],
      ['worker/http-writes.test.ts', 'testLines(originPlace(), writeLines)'],
      ['worker/http-writes.test.ts', 'testLines(refusedBy(workerPlace()), writeLines)'],
    ],
    own: ['worker/worker.test.ts', 'worker/faults.test.ts', 'worker/oso-client.test.ts'],
    without: {
      16: 'connections to a Worker are kept by the platform, not by what runs in it',
      19: 'no write is acknowledged by a Worker: its origin does, and line 18 holds that its readers see it',
      98: ofFallbacks,
      99: ofDevelopment,
    },
  },
}

const textOf = (file: string): string => readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8')
const all = Array.from({ length: LINES }, (_, index) => index + 1)
const isLocal = (line: number): boolean => line >= 83 && line <= 91

const codeOf = (source: string): string =>
  scan(source)
    .filter(({ kind }) => kind === 'code')
    .map(({ text }) => text)
    .join('')

const named = ({ own }: Host): ReadonlySet<number> =>
  new Set([
    ...[readLines, writeLines].flatMap((lines) => Object.keys(lines).flatMap((title) => linesOfTitle('http', title))),
    ...own.flatMap((file) => linesInTitles('http', textOf(file))),
  ])

/** What is wrong about a host: lines that nothing names, and reasons for lines that are named. */
const problemsOf = (lines: ReadonlySet<number>, without: Readonly<Record<number, string>>): readonly string[] =>
  all.flatMap((line) => {
    const reason = isLocal(line) ? local : without[line]
    if (lines.has(line)) return reason === undefined ? [] : [`line ${line} is named, and has a reason not to be`]
    return reason === undefined ? [`line ${line} is named by no test`] : []
  })

describe.each(Object.entries(hosts))('%s', (_, host) => {
  const { conformance, without } = host

  test('runs all lines that hosts have in common', () => {
    for (const [file, call] of conformance) expect([file, codeOf(textOf(file))]).toEqual([file, expect.stringContaining(`${call}\n`)])
    expect(codeOf('// testLines(a, b)\nconst c = "testLines(a, b)"\n')).not.toContain('testLines')
  })

  test('each line is named by a test, or has a reason not to be', () => {
    const lines = named(host)
    expect(problemsOf(lines, without)).toEqual([])
    expect([...lines].filter((line) => line < 1 || line > LINES)).toEqual([])
    expect(problemsOf(new Set([...lines].filter((line) => line !== 44)), without)).toEqual(['line 44 is named by no test'])
    expect(problemsOf(lines, { ...without, 44: 'for nothing' })).toEqual(['line 44 is named, and has a reason not to be'])
  })
})

test('no line that hosts have in common is lost where the files of them are put together', () => {
  const folder = fileURLToPath(new URL(`../${sharedFolder}`, import.meta.url))
  const count = (lines: object): number => Object.keys(lines).length
  const titles = (prefix: string): number =>
    readdirSync(folder)
      .filter((name) => name.startsWith(prefix))
      .flatMap((name) => [...textOf(`${sharedFolder}${name}`).matchAll(/^ {2}(['"`]).+\1: async \(place\) => \{$/gm)]).length
  expect([count(readLines), count(writeLines)]).toEqual([titles('read-'), titles('write-')])
})

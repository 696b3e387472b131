/** A copy of the program in a folder of its own, where it can be broken and tested. */
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Mutation, mutated } from './mutation.ts'

/** What the tests said. `broken`: they could not be run at all, so they say nothing. */
export type Outcome =
  | { readonly kind: 'caught'; readonly by: string }
  | { readonly kind: 'survived' }
  | { readonly kind: 'broken'; readonly why: string }

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Folders of the program; of its own folder all files are copied, which are settings and documents. */
const COPIED = ['src', 'test', 'scripts', 'snapshots', 'replicator', 'runtime', 'docs']
/** Tests that take longer are caught by that: a program that does not end is not unnoticed. */
const TIMEOUT_MS = 900_000
/** What is kept of the output of a run. */
const OUTPUT_LENGTH = 20_000

/** On a busy machine a test that is slow would look like one that fails. */
const patience: Mutation = {
  name: 'patience',
  breaks: 'tests may take long',
  file: 'vitest.config.ts',
  find: 'testTimeout: 60_000',
  replace: `testTimeout: ${TIMEOUT_MS}`,
  tests: [],
}

export class Workshop {
  readonly #folder = mkdtempSync(join(tmpdir(), 'arctos-mutate-'))

  constructor() {
    const files = readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []))
    for (const name of [...COPIED, ...files]) cpSync(join(root, name), join(this.#folder, name), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'))
    const config = join(this.#folder, patience.file)
    writeFileSync(config, mutated(patience, readFileSync(config, 'utf8')))
  }

  /** Breaks the copy, runs the tests until one fails, and mends it. Throws PatchError. */
  async try(mutation: Mutation): Promise<Outcome> {
    const path = join(this.#folder, mutation.file)
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, mutated(mutation, text))
    try {
      // The fastest first: most are caught by it.
      for (const file of mutation.tests) {
        const outcome = await this.test([file])
        if (outcome.kind !== 'survived') return outcome
      }
      return { kind: 'survived' }
    } finally {
      writeFileSync(path, text)
    }
  }

  /** Runs test files until a test fails. */
  async test(files: readonly string[]): Promise<Outcome> {
    const report = join(this.#folder, 'report.json')
    rmSync(report, { force: true })
    const found = await ended(this.#folder, [...files, '--reporter=json', `--outputFile=${report}`])
    if (found.timedOut) return { kind: 'caught', by: `${files.join(', ')}: does not end` }
    if (!existsSync(report)) return { kind: 'broken', why: found.output }
    return judge(readFileSync(report, 'utf8'))
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly {
    /** Path of the file. */
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** A file that fails without a failed test could not even be loaded, which any slip of the pen would do. The report is trusted to have its shape. */
const judge = (text: string): Outcome => {
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(text) as Report
  const failed = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.flatMap(({ status, fullName }) => (status === 'failed' ? [`${basename(name)}: ${fullName}`] : [])),
  )[0]
  if (failed !== undefined) return { kind: 'caught', by: failed }
  const unloaded = testResults.find(({ status }) => status === 'failed')
  if (unloaded) return { kind: 'broken', why: unloaded.message }
  if (numFailedTests > 0 || numPassedTests === 0) return { kind: 'broken', why: `${numPassedTests} tests ran` }
  return { kind: 'survived' }
}

const ended = (folder: string, options: readonly string[]): Promise<{ readonly timedOut: boolean; readonly output: string }> =>
  new Promise((resolve, reject) => {
    const program = join(folder, 'node_modules/vitest/vitest.mjs')
    const child = spawn(process.execPath, [program, 'run', '--project', 'node', '--bail', '1', ...options], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, TIMEOUT_MS)
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (part: Buffer) => (output = (output + part.toString()).slice(-OUTPUT_LENGTH)))
    child.on('error', reject)
    child.on('close', () => {
      clearTimeout(timer)
      resolve({ timedOut, output })
    })
  })

/** Requests made from the OpenAPI description, to a cell of its own: none may be answered by a 500, or by what the description does not allow. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashKey } from '../../runtime/keys.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { Member } from '../cluster/member.ts'
import { freePorts } from '../servers/free-ports.ts'
import { pythonModules } from '../servers/python-modules.ts'

export interface HttpFuzzOptions {
  readonly seed: number
  /** Requests to reach. */
  readonly requests: number
  /** Random ones per endpoint and round; beside them come those that look at each bound of a schema. */
  readonly examples?: number
  readonly say: (text: string) => void
}

export interface HttpFuzzReport {
  readonly requests: number
  /** Answered with 500. */
  readonly broken: number
  /** What schemathesis printed about answers that are not as described; null when all were. */
  readonly findings: string | null
}

const STARTS_MS = 60_000
const MAX_ROUNDS = 100
const ADMIN_KEY = 'a_fuzzedadministration01'
const SECRET = 'fuzzedsecretofacell01'
const CHECKS = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance'
/** What only the admin key opens. */
const ADMINISTRATION = '^/v1/(admin/|status)'

/** Rejects when schemathesis cannot be had or the cell does not start. */
export const fuzzHttp = async ({ seed, requests, examples = 50, say }: HttpFuzzOptions): Promise<HttpFuzzReport> => {
  const modules = await pythonModules('schemathesis')
  const directory = mkdtempSync(join(tmpdir(), 'arctos-fuzz-'))
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const cell = new Member({
    name: 'cell',
    command: ['serve'],
    directory,
    settings: { OSO_PORT: String(port), OSO_DIRECTORY: directory, ARCTOS_ADMIN_KEY: adminHash(), ARCTOS_SECRET: SECRET },
  })
  try {
    await cell.start()
    await cell.serving(STARTS_MS)
    const findings: string[] = []
    let answers = await countAnswers(url)
    for (let round = 0; answers.all < requests && round < MAX_ROUNDS && findings.length === 0; round++) {
      for (const part of [
        [developmentKey, '--exclude-path-regex', ADMINISTRATION],
        [ADMIN_KEY, '--include-path-regex', ADMINISTRATION],
      ] as const) {
        const said = await run({ modules, directory, url, seed: seed + round, examples, part })
        if (said !== null) findings.push(said)
      }
      answers = await countAnswers(url)
      say(`seed ${seed + round}: ${answers.all} requests, ${answers.broken} answered with 500`)
    }
    // A cell that broke down answers nothing, which is no 500.
    if (!cell.isRunning) findings.push(`the cell ended: ${cell.output.slice(-3000)}`)
    return { requests: answers.all, broken: answers.broken, findings: findings.length === 0 ? null : findings.join('\n') }
  } finally {
    await cell.kill()
    rmSync(directory, { recursive: true, force: true })
  }
}

const adminHash = (): string => `sha256:${hashKey((text) => createHash('sha256').update(text, 'utf8').digest(), ADMIN_KEY)}`

interface Round {
  readonly modules: string
  readonly directory: string
  readonly url: string
  readonly seed: number
  readonly examples: number
  readonly part: readonly [key: string, ...filter: string[]]
}

/** What it printed when something was wrong, otherwise null. */
const run = async ({ modules, directory, url, seed, examples, part: [key, ...filter] }: Round): Promise<string | null> => {
  const options = ['--phases', 'coverage,fuzzing', '-n', String(examples), '--seed', String(seed), '--continue-on-failure', '--no-shrink']
  const bounds = ['--suppress-health-check', 'all', '--request-timeout', '30', '--generation-database', 'none']
  const process_ = spawn(
    'python3',
    ['-m', 'schemathesis.cli', 'run', `${url}/v1/openapi.json`, '-H', `Authorization: Bearer ${key}`, '-c', CHECKS]
      .concat(options, bounds, filter)
      .concat('--no-color'),
    { cwd: directory, env: { ...process.env, PYTHONPATH: modules }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  for (const stream of [process_.stdout, process_.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const status = await new Promise<number | null>((resolve, reject) => {
    process_.once('error', reject)
    process_.once('close', resolve)
  })
  return status === 0 ? null : output
}

const countAnswers = async (url: string): Promise<{ readonly all: number; readonly broken: number }> => {
  const text = await (await fetch(`${url}/metrics`)).text()
  let [all, broken] = [0, 0]
  for (const [, status, count] of text.matchAll(/^arctos_http_request_duration_seconds_count\{[^}]*status="(\d+)"[^}]*\} (\d+)$/gm)) {
    all += Number(count)
    if (status === '500') broken += Number(count)
  }
  return { all, broken }
}

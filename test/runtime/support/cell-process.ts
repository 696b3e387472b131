/** A cell of real processes: one replicator, and runtimes that connect to it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished, vi } from 'vitest'
import { developmentKey } from '../../../src/wire/api-key.ts'
import type { Body } from './bodies.ts'
import { asked } from './harness.ts'
import { basic } from './policies.ts'
import { post, type ServerProcess, startServer, temporaryDirectory } from './process.ts'
import { grantOf } from './roles.ts'

const main = fileURLToPath(new URL('../../../runtime/cli/main.ts', import.meta.url))

type Settings = Readonly<Record<string, string>>

export interface ReplicatorProcess {
  readonly child: ChildProcess
  readonly text: { out: string; err: string }
  /** What a runtime is told in ARCTOS_REPLICATOR. */
  readonly place: string
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/** A replicator that answers; ended with the test. */
export const startReplicator = async (directory: string, settings: Settings = {}): Promise<ReplicatorProcess> => {
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', OSO_DIRECTORY: directory, ...settings }
  const child = spawn(process.execPath, [main, 'replicate'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk) => void (text.out += String(chunk)))
  child.stderr.on('data', (chunk) => void (text.err += String(chunk)))
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    return ended
  }
  onTestFinished(async () => void (await end('SIGKILL')))
  const place = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', () => {
      const found = /ARCTOS_REPLICATOR=(\S+)\n/.exec(text.out)?.[1]
      if (found !== undefined) resolve(found)
    })
    void ended.then((code) => reject(new Error(`the replicator ended with ${code}: ${text.err}`)))
  })
  return { child, text, place, end }
}

/** A runtime that is alive and need not become ready; ended with the test. */
export const startUnready = async (settings: Settings): Promise<Pick<ServerProcess, 'url' | 'text'>> => {
  const probe = await startServer()
  const { port } = new URL(probe.url)
  await probe.end()
  const env = { PATH: process.env['PATH'] ?? '', OSO_DIRECTORY: await temporaryDirectory(), OSO_PORT: port, ...settings }
  const child = spawn(process.execPath, [main, 'serve', '--no-example'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { out: '', err: '' }
  child.stderr.on('data', (chunk) => void (text.err += String(chunk)))
  const ended = new Promise((resolve) => {
    child.once('close', resolve)
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const url = `http://127.0.0.1:${port}`
  await eventually(
    async () => (await fetch(`${url}/livez`)).status,
    (status) => status === 200,
  )
  return { url, text }
}

export interface CellProcesses {
  readonly directory: string
  replicator: ReplicatorProcess
  readonly runtimes: readonly ServerProcess[]
  /** Another replicator in place of one that has ended. */
  restart(more?: Settings): Promise<void>
  runtime(more?: Settings): Promise<ServerProcess>
}

/** A replicator with runtimes over a Unix socket, on the embedded log, with a policy. */
export const startCell = async (runtimes: number, settings: Settings = {}): Promise<CellProcesses> => {
  const directory = await temporaryDirectory()
  const replicator = await startReplicator(directory, settings)
  const { place } = replicator
  const runtime = (more: Settings = {}) => startServer({ directory, settings: { ...settings, ARCTOS_REPLICATOR: place, ...more } })
  const cell = {
    directory,
    replicator,
    runtimes: await Promise.all(Array.from({ length: runtimes }, () => runtime())),
    runtime,
    async restart(more: Settings = {}) {
      cell.replicator = await startReplicator(directory, { ...settings, ...more })
    },
  }
  const [first] = cell.runtimes
  if (first !== undefined) await post(first, '/api/policy', { src: basic })
  return cell
}

export const socketIn = (directory: string): string => join(directory, 'replicator.sock')

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

export const grant = (server: Pick<ServerProcess, 'url'>, repo: string): Promise<Answer> => post(server, '/api/batch', grantOf(repo))

/** Whether `ana` may read a repository; with a token, at that position. */
export const mayRead = async (server: Pick<ServerProcess, 'url'>, repo: string, token?: string | null): Promise<Answer> => {
  const response = await fetch(`${server.url}/api/authorize`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${developmentKey}`, ...(token != null && { OsoOffset: token }) },
    body: JSON.stringify(asked(`User:ana read Repo:${repo}`)),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Body }
}

/** Waits for a condition; what it throws on the way counts as not yet. */
export const eventually = async <T>(found: () => Promise<T>, holds: (value: T) => boolean, timeoutMs = 30_000): Promise<T> =>
  vi.waitFor(
    async () => {
      const value = await found()
      if (!holds(value)) throw new Error(`not yet: ${JSON.stringify(value)}`)
      return value
    },
    { timeout: timeoutMs, interval: 20 },
  )

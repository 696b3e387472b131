/** Real processes: servers on free ports, and the command line. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { developmentKey } from '../../../src/wire/api-key.ts'
import type { Body } from './bodies.ts'

const main = fileURLToPath(new URL('../../../runtime/cli/main.ts', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Only what a process needs: settings of the shell that runs the tests stay out. */
const environmentOf = (more: Readonly<Record<string, string>>) => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  ...more,
})

const collect = (child: ChildProcess): { readonly text: { out: string; err: string } } => {
  const text = { out: '', err: '' }
  child.stdout?.on('data', (chunk) => void (text.out += String(chunk)))
  child.stderr?.on('data', (chunk) => void (text.err += String(chunk)))
  return { text }
}

/** Runs the command line to its end. */
export const arctos = async (args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Finished> => {
  const child = spawn(process.execPath, [main, ...args], { env: environmentOf(environment), stdio: ['ignore', 'pipe', 'pipe'] })
  const { text } = collect(child)
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  return { code, ...text }
}

export interface ServerProcess {
  readonly url: string
  readonly directory: string
  readonly child: ChildProcess
  readonly text: { out: string; err: string }
  /** Sends a signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

export interface StartOptions {
  /** Of the command line: `serve`, or another one that serves. */
  readonly command?: string
  readonly directory?: string
  readonly args?: readonly string[]
  readonly settings?: Readonly<Record<string, string>>
  /** True outside of a test: the caller ends it. */
  readonly keep?: true
}

/** A server that is ready; ended with the test. */
export const startServer = async ({
  command = 'serve',
  directory,
  args = command === 'serve' ? ['--no-example'] : [],
  settings = {},
  keep,
}: StartOptions = {}): Promise<ServerProcess> => {
  const data = directory ?? (keep ? await mkdtemp(join(tmpdir(), 'arctos-test-')) : await temporaryDirectory())
  const env = environmentOf({ OSO_PORT: '0', OSO_DIRECTORY: data, ...settings })
  const child = spawn(process.execPath, [main, command, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const { text } = collect(child)
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    return ended
  }
  if (!keep) onTestFinished(async () => void (await end('SIGKILL')))
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const found = /serves (http:\/\/\S+)\/api/.exec(text.out)?.[1]
      if (found !== undefined) resolve(found)
    }
    child.stdout.on('data', look)
    void ended.then((code) => reject(new Error(`the server ended with ${code}: ${text.err}`)))
  })
  return { url, directory: data, child, text, end }
}

export const temporaryDirectory = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'arctos-test-'))
  onTestFinished(async () => rm(directory, { recursive: true, force: true }))
  return directory
}

export const post = async (
  server: Pick<ServerProcess, 'url'>,
  path: string,
  body?: unknown,
  key: string = developmentKey,
): Promise<{ status: number; headers: Headers; body: Body }> => {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Body }
}

export const get = async (
  server: Pick<ServerProcess, 'url'>,
  path: string,
  key: string = developmentKey,
): Promise<{ status: number; headers: Headers; body: Body }> => {
  const response = await fetch(`${server.url}${path}`, { headers: { Authorization: `Bearer ${key}` } })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Body }
}

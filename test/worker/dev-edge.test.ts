/** `npm run dev:edge`: one command from nothing to a Worker that answers, in front of a cell, with a local bucket. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import { makeDirectory, removeDirectory } from '../support/directory.ts'

const run = promisify(execFile)
const root = new URL('../../', import.meta.url).pathname

/** How a command is run, and how another one beside it. */
interface Network {
  command(args: readonly string[]): readonly string[]
  beside(pid: number, args: readonly string[]): readonly string[]
}

const thisNetwork: Network = { command: (args) => args, beside: (_, args) => args }

/** A namespace in which nothing but the loopback device is. */
const noNetwork: Network = {
  command: (args) => ['unshare', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...args],
  beside: (pid, args) => ['nsenter', '--target', `${pid}`, '--user', '--net', '--preserve-credentials', ...args],
}

const isolates = ((): boolean => {
  const [command = '', ...args] = noNetwork.command(['true'])
  const { error, status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (error === undefined && status === 0) return true
  console.warn(`SKIPPED: dev:edge without a network, as no namespace without one can be had here: ${error?.message ?? stderr}`)
  return false
})()

interface Started {
  readonly child: ChildProcess
  readonly output: () => string
  readonly ended: Promise<number | null>
  /** What a printed line answers, when a shell runs it. */
  readonly answerOf: (line: string) => Promise<string>
}

const start = async (network: Network): Promise<Started> => {
  const directory = makeDirectory()
  onTestFinished(() => removeDirectory(directory))
  const [command = '', ...args] = network.command([process.execPath, 'scripts/dev-edge.ts', '--directory', directory, '--port', '0'])
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  await expect.poll(() => output, { timeout: 180_000, interval: 100 }).toContain('Ctrl-C stops both')
  const answerOf = async (line: string): Promise<string> => {
    const [file = '', ...rest] = network.beside(known(child.pid, 'it was started'), ['sh', '-c', line])
    return (await run(file, rest)).stdout
  }
  return { child, output: () => output, ended, answerOf }
}

/** The lines to try, each with its answer, and the line that writes. */
const printedLines = (output: string): { readonly questions: readonly (readonly [string, string])[]; readonly write: string } => {
  const lines = output.split('\n').filter((line) => line.startsWith('  curl'))
  const questions = lines.flatMap((line) => {
    const [question = '', answer] = line.split('  # ')
    return answer === undefined ? [] : [[question, answer.trim()] as const]
  })
  return { questions, write: lines.find((line) => line.includes('/api/facts')) ?? '' }
}

test('its lines answer at once, writes through the Worker reach it again, and it stops clean', { timeout: 240_000 }, async () => {
  const { child, output, ended, answerOf } = await start(thisNetwork)
  const { questions, write } = printedLines(output())
  expect(questions).toHaveLength(3)
  for (const [line, answer] of questions) expect(await answerOf(line)).toBe(answer)

  const [denied = ''] = questions[1] ?? []
  const written = await answerOf(write)
  expect(written).toMatch(/^HTTP\/1.1 200/)
  const token = /^osooffset: (\S+)/im.exec(written)?.[1] ?? ''
  expect(await answerOf(`${denied} -H 'OsoOffset: ${token}'`)).toBe('{"allowed":true}')
  // By way of the bucket: without a token nobody else is asked.
  await expect.poll(() => answerOf(denied), { timeout: 60_000, interval: 200 }).toBe('{"allowed":true}')

  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(output()).toContain('stopping')
})

test.runIf(isolates)('without a network its lines answer, a write is read, and it stops clean', { timeout: 240_000 }, async () => {
  const { child, output, ended, answerOf } = await start(noNetwork)
  // There is none: not even a name server is reached.
  expect(await answerOf('ip -brief address')).toMatch(/^lo [^\n]*\n$/)
  const { questions, write } = printedLines(output())
  expect(questions).toHaveLength(3)
  for (const [line, answer] of questions) expect(await answerOf(line)).toBe(answer)
  expect(await answerOf(write)).toMatch(/^HTTP\/1.1 200/)
  const [denied = ''] = questions[1] ?? []
  await expect.poll(() => answerOf(denied), { timeout: 60_000, interval: 200 }).toBe('{"allowed":true}')
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})

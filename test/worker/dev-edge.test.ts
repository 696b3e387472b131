/** `npm run dev:edge`: one command from nothing to a Worker that answers, in front of a cell, with a local bucket; and again to what was written. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { exampleFacts } from '../../runtime/example.ts'
import { at, known } from '../../src/base/assert.ts'
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

/** As a user types it, and what that runs. */
const asTyped = ['npm', 'run', '-s', 'dev:edge', '--']
const program = [process.execPath, 'scripts/dev-edge.ts']

interface Started {
  readonly child: ChildProcess
  readonly output: () => string
  readonly ended: Promise<number | null>
  /** What a printed line answers, when a shell runs it. */
  readonly answerOf: (line: string) => Promise<string>
}

const ownDirectory = (): string => {
  const directory = makeDirectory()
  onTestFinished(() => removeDirectory(directory))
  return directory
}

const start = async (network: Network, directory: string, run_ = program): Promise<Started> => {
  const [command = '', ...args] = network.command([...run_, '--directory', directory, '--port', '0'])
  // A group of its own, as a terminal gives it: a signal of the keyboard reaches all of it.
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  onTestFinished(() => signalGroup(child, 'SIGKILL'))
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

/** Nothing where all of it has ended. */
const signalGroup = ({ pid }: ChildProcess, name: NodeJS.Signals): void => {
  try {
    process.kill(-known(pid, 'it was started'), name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
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

/** What a first run leaves behind: Ann may push, Bob lost the role that the example gave him, and there is one policy. */
const answersOf = (output: string) => {
  const { questions, write } = printedLines(output)
  const [allowed, denied] = [at(questions, 0)[0], at(questions, 1)[0]]
  // The same line with another person, method or path.
  return {
    questions,
    write,
    annPushes: denied,
    bobPushes: denied.replace('"actor_id":"ann"', '"actor_id":"bob"'),
    takeBobsRole: write.replace('curl', 'curl -X DELETE').replace('"id":"ann"', '"id":"bob"'),
    facts: allowed.replace('/api/authorize', '/api/facts').replace(/ -d '.*'/, ''),
    policies: allowed.replace('/api/authorize', '/v1/policy/history').replace(/ -d '.*'/, ''),
    key: /^key +(\S+)$/m.exec(output)?.[1] ?? '',
  }
}

const yes = '{"allowed":true}'
const no = '{"allowed":false}'
const arrival = { timeout: 60_000, interval: 200 }

test('its lines answer at once, writes through the Worker reach it again, it stops clean, and goes on where it was', {
  timeout: 420_000,
}, async () => {
  const directory = ownDirectory()
  const first = await start(thisNetwork, directory, asTyped)
  const { questions, write, annPushes, bobPushes, takeBobsRole, ...lines } = answersOf(first.output())
  expect(questions).toHaveLength(3)
  for (const [line, answer] of questions) expect(await first.answerOf(line)).toBe(answer)
  expect(await first.answerOf(bobPushes)).toBe(yes)

  const written = await first.answerOf(write)
  expect(written).toMatch(/^HTTP\/1.1 200/)
  const token = /^osooffset: (\S+)/im.exec(written)?.[1] ?? ''
  expect(await first.answerOf(`${annPushes} -H 'OsoOffset: ${token}'`)).toBe(yes)
  // By way of the bucket: without a token nobody else is asked.
  await expect.poll(() => first.answerOf(annPushes), arrival).toBe(yes)
  expect(await first.answerOf(takeBobsRole)).toMatch(/^HTTP\/1.1 200/)
  await expect.poll(() => first.answerOf(bobPushes), arrival).toBe(no)
  const facts = await first.answerOf(lines.facts)
  const policies = await first.answerOf(lines.policies)
  expect(JSON.parse(facts)).toHaveLength(exampleFacts.length)

  signalGroup(first.child, 'SIGINT')
  // A shell between npm and the command ends by the signal, so there may be no code.
  expect([0, null]).toContain(await first.ended)
  expect(first.output()).toMatch(/\nstopping …\n$/)
  for (const [url] of first.output().matchAll(/http:\/\/127\.0\.0\.1:\d+/g)) await expect(fetch(url)).rejects.toThrow('fetch failed')

  const second = await start(thisNetwork, directory)
  const again = answersOf(second.output())
  expect(again.key).toBe(lines.key)
  expect(again.questions.map(([, answer]) => answer)).toEqual(questions.map(([, answer]) => answer))
  // By the Worker itself.
  await expect.poll(() => second.answerOf(`${again.annPushes} -D -`), arrival).toMatch(/^HTTP\/1.1 200(?![^]*\narctos-served-by)/i)
  expect([await second.answerOf(again.annPushes), await second.answerOf(again.bobPushes)]).toEqual([yes, no])
  // The example would bring Bob's role and its policy again.
  expect([await second.answerOf(again.facts), await second.answerOf(again.policies)]).toEqual([facts, policies])
  second.child.kill('SIGTERM')
  expect(await second.ended).toBe(0)
  expect(second.output()).toContain('stopping')
})

test.runIf(isolates)('without a network its lines answer, a write is read, and it stops clean', { timeout: 240_000 }, async () => {
  const { child, output, ended, answerOf } = await start(noNetwork, ownDirectory())
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

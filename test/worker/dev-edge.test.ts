/** `npm run dev:edge`: one command from nothing to a Worker that answers, in front of a cell, with a local bucket. */
import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { makeDirectory, removeDirectory } from '../support/directory.ts'

const run = promisify(execFile)
const root = new URL('../../', import.meta.url).pathname

/** What a printed line answers, when a shell runs it. */
const answerOf = async (line: string): Promise<string> => (await run('sh', ['-c', line])).stdout

test('its lines answer at once, writes through the Worker reach it again, and it stops clean', { timeout: 240_000 }, async () => {
  const directory = makeDirectory()
  onTestFinished(() => removeDirectory(directory))
  const child = spawn(process.execPath, ['scripts/dev-edge.ts', '--directory', directory, '--port', '0'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  await expect.poll(() => output, { timeout: 180_000, interval: 100 }).toContain('Ctrl-C stops both')

  const lines = output.split('\n').filter((line) => line.startsWith('  curl'))
  const questions = lines.map((line) => line.split('  # ')).filter(([, answer]) => answer !== undefined)
  expect(questions).toHaveLength(3)
  for (const [line = '', answer = ''] of questions) expect(await answerOf(line)).toBe(answer.trim())

  const [denied = ''] = questions[1] ?? []
  const write = lines.find((line) => line.includes('/api/facts')) ?? ''
  const written = await answerOf(write)
  expect(written).toMatch(/^HTTP\/1.1 200/)
  const token = /^osooffset: (\S+)/im.exec(written)?.[1] ?? ''
  expect(await answerOf(`${denied} -H 'OsoOffset: ${token}'`)).toBe('{"allowed":true}')
  // By way of the bucket: without a token nobody else is asked.
  await expect.poll(() => answerOf(denied), { timeout: 60_000, interval: 200 }).toBe('{"allowed":true}')

  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(output).toContain('stopping')
})

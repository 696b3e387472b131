/** The code blocks of README.md, run as they are written: only the port is another one. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import { temporaryDirectory } from '../runtime/support/process.ts'
import { codeBlocks, documentAt, root } from './markdown.ts'

const blocks = codeBlocks(documentAt('README.md'))
const PORT = '8080'
const INSTALL = 'npm ci && '

const blockWith = (language: string, text: string): string =>
  known(
    blocks.find((block) => block.language === language && block.code.includes(text)),
    `a block in ${language} with ${text}`,
  ).code

/** Starts the product as README.md says, in a tree that is installed already; resolves with its port. */
const start = async (): Promise<string> => {
  const command = blockWith('sh', 'npm start').trim()
  expect(command.startsWith(INSTALL)).toBe(true)
  const env = { ...process.env, OSO_PORT: '0', OSO_DIRECTORY: await temporaryDirectory() }
  // A group of its own, because npm does not pass every signal on to what it started.
  const child = spawn('sh', ['-c', command.slice(INSTALL.length)], { cwd: root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
  })
  onTestFinished(async () => {
    endGroup(child)
    await ended
  })
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += String(chunk)
      const port = /serves http:\/\/127\.0\.0\.1:(\d+)\/api/.exec(text)?.[1]
      if (port !== undefined) resolve(port)
    })
    void ended.then(() => reject(new Error(`the server ended: ${text}`)))
  })
}

const endGroup = ({ pid, exitCode }: ChildProcess): void => {
  if (pid === undefined || exitCode !== null) return
  process.kill(-pid, 'SIGTERM')
}

/** Runs a program with a block on its standard input, and gives what it printed. */
const run = (command: readonly string[], block: string, port: string): string => {
  const [program = '', ...args] = command
  const input = block.replaceAll(PORT, port)
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: root, input, encoding: 'utf8', timeout: 30_000 })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}

/** What the comments at the end of lines promise. */
const promised = (block: string, comment: string): string[] =>
  block
    .split('\n')
    .flatMap((line) => (line.includes(` ${comment} `) ? [line.slice(line.lastIndexOf(` ${comment} `) + comment.length + 2)] : []))

test('the commands are scripts of the project', () => {
  const commands = blocks.flatMap(({ language, code }) => (language === 'sh' && code.startsWith(INSTALL) ? [code.trim()] : []))
  expect(commands).toEqual([`${INSTALL}npm start`, `${INSTALL}npm test`])
  const { scripts } = JSON.parse(documentAt('package.json').text)
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test']))
})

test('the example with the Node client', async () => {
  const port = await start()
  const block = blockWith('js', 'oso-cloud')
  const expected = promised(block, '//')
  expect(expected.length).toBeGreaterThan(1)
  expect(run([process.execPath, '--input-type=module'], block, port).trimEnd().split('\n')).toEqual(expected)
})

// A slim image may have Node and npm alone; the client's example asks the same there.
test.skipIf(spawnSync('curl', ['--version']).error !== undefined)('the example with curl', async () => {
  const port = await start()
  const block = blockWith('sh', 'curl')
  const expected = promised(block, '#')
  expect(expected.length).toBeGreaterThan(1)
  // Answers come without a newline, one after another.
  expect(run(['sh', '-eu'], block, port)).toBe(expected.join(''))
})

test('every block is one of these', () => {
  expect(blocks.map(({ language }) => language).toSorted()).toEqual(['js', 'sh', 'sh', 'sh'])
})

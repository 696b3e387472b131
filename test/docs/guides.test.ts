/** The code blocks of the guides, run as they are written: only ports and the data directory are others. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import { at } from '../../src/base/assert.ts'
import { startServer, temporaryDirectory } from '../runtime/support/process.ts'
import { codeBlocks, documentAt, root } from './markdown.ts'

const noCurl = spawnSync('curl', ['--version']).error !== undefined

/** Runs a block that does not end; resolves when it has printed what is wanted. Ended with the test. */
const started = async (code: string, wanted: RegExp): Promise<void> => {
  // A group of its own, because npx does not pass every signal on to what it started.
  const child = spawn('sh', ['-euc', code], { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
  })
  onTestFinished(async () => {
    endGroup(child)
    await ended
  })
  await new Promise<void>((resolve, reject) => {
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        text += String(chunk)
        if (wanted.test(text)) resolve()
      })
    }
    void ended.then(() => reject(new Error(`it ended: ${text}`)))
  })
}

const endGroup = ({ pid, exitCode }: ChildProcess): void => {
  if (pid !== undefined && exitCode === null) process.kill(-pid, 'SIGTERM')
}

/** What the comments at the end of lines promise. */
const promised = (block: string): string =>
  block
    .split('\n')
    .flatMap((line) => / # (.+)$/.exec(line)?.[1] ?? [])
    .join('')

const freePorts = async (count: number): Promise<readonly string[]> => {
  const servers = await Promise.all(Array.from({ length: count }, () => startServer()))
  for (const server of servers) await server.end()
  return servers.map(({ url }) => new URL(url).port)
}

test.skipIf(noCurl)('run-a-cell.md: a replicator, two runtimes, a write through one that is read on the other', async () => {
  const directory = await temporaryDirectory()
  const [first = '', second = ''] = await freePorts(2)
  const blocks = codeBlocks(documentAt('docs/guides/run-a-cell.md')).map(({ language, code }) => {
    expect(language).toBe('sh')
    return code.replaceAll('./cell', directory).replaceAll('8081', first).replaceAll('8082', second)
  })
  expect(blocks).toHaveLength(4)
  await started(at(blocks, 0), /start runtimes with ARCTOS_REPLICATOR=unix:/)
  await Promise.all([started(at(blocks, 1), /arctos serves/), started(at(blocks, 2), /arctos serves/)])
  const asked = at(blocks, 3)
  const { status, stdout, stderr } = spawnSync('sh', ['-eu'], { input: asked, encoding: 'utf8', timeout: 30_000 })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: promised(asked), stderr: '' })
})

/** `npm run cluster` as a user meets it: what it prints works as written, and nothing of it is left behind, however it ends. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { root } from '../docs/markdown.ts'
import { clusterDirectory, serversAreHere } from './support.ts'

const script = fileURLToPath(new URL('../../scripts/cluster.ts', import.meta.url))
const areHere = await serversAreHere()
const noCurl = spawnSync('curl', ['--version']).error !== undefined

interface Started {
  readonly child: ChildProcess
  readonly text: string
  /** Of every process that it tells of. */
  readonly pids: readonly number[]
}

const start = async (directory: string): Promise<Started> => {
  const child = spawn(process.execPath, [script, '--directory', directory, '--cells', '2'], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => void (text += String(chunk)))
  await vi.waitFor(() => expect(text).toContain('Ctrl-C stops everything'), { timeout: 120_000, interval: 50 })
  const pids = [...text.matchAll(/(?:\(|runtime |replicator )(\d+)[,)]/g)].map(([, pid]) => Number(pid))
  expect(pids).toHaveLength(7)
  expect(pids.filter(isAlive)).toEqual(pids)
  return { child, text, pids }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const allEnded = async (pids: readonly number[]): Promise<void> =>
  vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 60_000, interval: 50 })

/** Indented lines under those headings, with what their comments promise. */
const tries = (text: string): { readonly code: string; readonly promised: string } => {
  const lines = text.split('\n').filter((line) => /^ {2}(?:curl|token=)/.test(line) && !/\/metrics|v1\/status/.test(line))
  return { code: lines.join('\n'), promised: lines.flatMap((line) => / # (.+)$/.exec(line)?.[1] ?? []).join('') }
}

describe.skipIf(!areHere)('npm run cluster', { timeout: 300_000 }, () => {
  test.skipIf(noCurl)(
    'answers what it says it answers; killed, it takes its processes with it; started again, it goes on; Ctrl-C ends it',
    async () => {
      const directory = clusterDirectory()
      const first = await start(directory)
      const { code, promised } = tries(first.text)
      expect(code.split('\n').length).toBeGreaterThan(5)
      const { status, stdout } = spawnSync('sh', ['-eu'], { input: code, encoding: 'utf8', timeout: 60_000, cwd: root })
      expect({ status, stdout }).toEqual({ status: 0, stdout: promised })
      const status_ = / {2}(curl .*\/v1\/status .*)/.exec(first.text)?.[1] ?? ''
      expect(JSON.parse(spawnSync('sh', ['-euc', status_], { encoding: 'utf8' }).stdout)).toMatchObject({ unready: null })
      first.child.kill('SIGKILL')
      await allEnded(first.pids)

      const second = await start(directory)
      const again = tries(second.text).code.split('\n').at(-2) ?? ''
      expect(spawnSync('sh', ['-eu'], { input: `token=\n${again}`, encoding: 'utf8' }).stdout).toBe('{"allowed":true}')
      second.child.kill('SIGINT')
      expect(await once(second.child, 'exit')).toEqual([0, null])
      await allEnded(second.pids)
    },
  )
})

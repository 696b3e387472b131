/** A start that takes long: a log with much in it and no snapshot beside it. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openEmbeddedLog } from '../../replicator/embedded-log.ts'
import { limits } from '../../src/base/limits.ts'
import type { RecordBody } from '../../src/log/record.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { asked } from './support/harness.ts'
import { basic } from './support/policies.ts'
import { post, startServer, temporaryDirectory } from './support/process.ts'

const main = fileURLToPath(new URL('../../runtime/cli/main.ts', import.meta.url))

const RECORDS = 400
const FACTS = 1000

/** As many seconds of replay as it takes to append it. */
const filledDirectory = async (): Promise<string> => {
  const directory = await temporaryDirectory()
  const log = openEmbeddedLog({ directory, maxRecordBytes: limits.recordBytes })
  const append = (body: RecordBody, number: number): Promise<number> =>
    log.append(developmentEnvironment, { format: 1, logId: log.logId, writeId: `w${number}`, appendedAtMs: 0, body })
  await append({ kind: 'genesis' }, 0)
  await append({ kind: 'policy', source: basic, filename: 'policy.polar' }, 1)
  for (let record = 0; record < RECORDS; record += 1) {
    const changes = Array.from({ length: FACTS }, (_, fact) => ({
      kind: 'insert' as const,
      fact: {
        predicate: 'has_role',
        args: [
          { type: 'User', id: `u${record}` },
          { type: 'String', id: 'reader' },
          { type: 'Repo', id: `r${record}-${fact}` },
        ],
      },
    }))
    await append({ kind: 'facts', changes }, record + 2)
  }
  await log.close()
  return directory
}

test('SIGTERM during a long replay ends the process, and nothing is lost', async () => {
  const directory = await filledDirectory()
  const env = { PATH: process.env['PATH'] ?? '', OSO_DIRECTORY: directory, OSO_PORT: '0' }
  const child = spawn(process.execPath, [main, 'serve', '--no-example'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk) => void (text.out += String(chunk)))
  const lockTaken = new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk) => {
      text.err += String(chunk)
      if (text.err.includes('\n')) resolve()
    })
  })
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  await Promise.race([lockTaken, ended])
  child.kill('SIGTERM')
  expect(await ended).toEqual({ code: 0, signal: null })
  // It had not come as far as to serve.
  expect(text.out).not.toContain('arctos serves')
  const again = await startServer({ directory })
  const last = RECORDS - 1
  expect((await post(again, '/api/authorize', asked(`User:u${last} read Repo:r${last}-${FACTS - 1}`))).body).toEqual({ allowed: true })
})

/** The unmodified Python client of Oso Cloud against a real process, through every public method but local authorization. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { developmentKey } from '../../src/wire/api-key.ts'
import { startServer } from '../runtime/support/process.ts'
import { testPython } from '../support/python.ts'

const modules = await testPython('oso-cloud')
const script = fileURLToPath(new URL('every_method.py', import.meta.url))

test.skipIf(modules === null)('every public method of the Python client', { timeout: 120_000 }, async () => {
  const server = await startServer()
  const nobody = await startServer()
  await nobody.end('SIGKILL')
  const { stdout } = await promisify(execFile)('python3', [script, server.url, developmentKey, nobody.url], {
    env: { ...process.env, PYTHONPATH: modules ?? '' },
    timeout: 100_000,
  })
  expect(stdout).toMatch(/^all methods answered as expected: \d+ checks\n$/)
})

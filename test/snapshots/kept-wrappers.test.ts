/** Wrappers of functions that wasm calls, by V8's own log, with callbacks that come and go. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { testDirectory } from '../support/directory.ts'

test('a wrapper is made once for all databases of a process and stays: one that were freed might be freed twice', async () => {
  const log = join(testDirectory(), 'code.log')
  const child = fileURLToPath(new URL('children/wrappers.ts', import.meta.url))
  await promisify(execFile)(process.execPath, ['--log-code', `--logfile=${log}`, '--no-logfile-per-isolate', child])
  const wrappers = (await readFile(log, 'utf8')).match(/wasm-to-js/g) ?? []
  // Three that are kept and what Node has of its own. Otherwise each of 200 callbacks gets one.
  expect(wrappers.length).toBeGreaterThanOrEqual(3)
  expect(wrappers.length).toBeLessThan(10)
})

/** What `npx wrangler deploy` would upload, by the configuration of this repository, without an account and without a network. */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../runtime/support/process.ts'

const KIB = 1024
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
/** Beside the modules: they are not uploaded. */
const NOTES = /\.(map|md)$/
/** Nobody listens there: whatever would ask the network fails. */
const NOBODY = 'http://127.0.0.1:9'

test('it has at most 500 KiB, compressed', async () => {
  const directory = await temporaryDirectory()
  const output = join(directory, 'output')
  const env = {
    PATH: `${path('../../node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
    HOME: directory,
    CI: '1',
    WRANGLER_SEND_METRICS: 'false',
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    NO_UPDATE_NOTIFIER: '1',
    HTTP_PROXY: NOBODY,
    HTTPS_PROXY: NOBODY,
  }
  const command = ['deploy', '--dry-run', '--outdir', output, '--config', path('../../wrangler.toml')]
  // Rejects for any exit code but 0.
  const { stdout } = await promisify(execFile)(process.execPath, [path('../../node_modules/wrangler/bin/wrangler.js'), ...command], {
    cwd: path('../..'),
    env,
  })
  const names = (await readdir(output)).filter((name) => !NOTES.test(name))
  expect(names.map((name) => name.replace(/^[0-9a-f]+-/, '')).toSorted()).toEqual(['sqlite3.wasm', 'trampoline.wasm', 'worker.js'])
  const files = await Promise.all(names.map((name) => readFile(join(output, name))))
  expect(files.reduce((sum, bytes) => sum + gzipSync(bytes).length, 0)).toBeLessThanOrEqual(500 * KIB)
  // As wrangler counts it, which compresses all in one.
  expect(Number(/gzip: ([\d.]+) KiB/.exec(stdout)?.[1])).toBeLessThanOrEqual(500)
})

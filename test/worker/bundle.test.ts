/** The Worker as it is deployed: how large it is, what is in it, and that nothing is missing in what was taken out of SQLite. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { bundleWorker } from '../../scripts/worker/bundle.ts'
import { deployedSqlite } from '../../scripts/worker/sqlite.ts'
import { trimWasm } from '../../scripts/worker/trim-wasm.ts'
import { instantiate, openDatabase } from '../../src/store/binding.ts'
import { databaseConformance } from '../portable/database-conformance.ts'
import { temporaryDirectory } from '../runtime/support/process.ts'
import { anaReads, anaRole, startTestWorker, startWorkerEdge } from './support.ts'

const KIB = 1024
const modules: { sqlite?: WebAssembly.Module; trampoline?: WebAssembly.Module } = {}

beforeAll(async () => {
  modules.sqlite = await WebAssembly.compile(new Uint8Array(await deployedSqlite()))
  modules.trampoline = await WebAssembly.compile(await readFile(new URL('../../src/store/trampoline.wasm', import.meta.url)))
})

test('it has at most 500 KiB, compressed, and no package of Node', async () => {
  const directory = await temporaryDirectory()
  await bundleWorker(directory)
  const files = await Promise.all(['worker.js', 'sqlite3.wasm', 'trampoline.wasm'].map((name) => readFile(join(directory, name))))
  const sizeBytes = files.reduce((sum, bytes) => sum + gzipSync(bytes).length, 0)
  expect(sizeBytes).toBeLessThanOrEqual(500 * KIB)
  const [script, sqlite] = files
  // What all tests on workerd run.
  expect(sqlite?.equals(await readFile(new URL('../../.wrangler/test/sqlite3.wasm', import.meta.url)))).toBe(true)
  const imports = [...(script?.toString() ?? '').matchAll(/(?:from|import)\s*\(?["']([\w@./:-]{1,80})["']/g)].map(([, name]) => name)
  expect(new Set(imports)).toEqual(new Set(['./sqlite3.wasm', './trampoline.wasm']))
  // Of Hono's `mount`, which nothing calls.
  expect(script?.includes('Invalid mounted path')).toBe(false)
})

test('it answers as the one that is not bundled', async () => {
  const fed = await startWorkerEdge()
  await fed.cell.facts(anaRole)
  await fed.publish()
  const directory = await temporaryDirectory()
  await bundleWorker(directory)
  const { ask } = await startTestWorker({
    entry: join(directory, 'worker.js'),
    settings: { ARCTOS_STORE: `${fed.worker.url}/__test/served` },
  })
  const { status, body } = await ask.authorize(anaReads)
  expect([status, body]).toEqual([200, { allowed: true }])
})

describe('SQLite without what nothing calls', () => {
  databaseConformance((maxBytes) => {
    const { sqlite, trampoline } = modules
    if (sqlite === undefined || trampoline === undefined) throw new Error('the modules are compiled first')
    return openDatabase(instantiate(sqlite, trampoline, { maxBytes, nowMs: () => 1_700_000_000_000 }))
  })

  test('a module that it was not written for is refused', () => {
    expect(() => trimWasm(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), { exports: new Set(), memoryBytes: 0 })).toThrow('index 0')
  })
})

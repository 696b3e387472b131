/** Both runtimes hand the database binding its two compiled modules. */

import { expect, test } from 'vitest'
import { sqliteModule, trampolineModule } from '#wasm'
import { exportNames } from '../../src/store/exports.ts'

test('the SQLite module exports the C interface', () => {
  expect(sqliteModule).toBeInstanceOf(WebAssembly.Module)
  const names = WebAssembly.Module.exports(sqliteModule).map((item) => item.name)
  expect(names).toEqual(
    expect.arrayContaining([
      'sqlite3_open_v2',
      'sqlite3_prepare_v3',
      'sqlite3_step',
      'sqlite3_progress_handler',
      '__indirect_function_table',
    ]),
  )
})

test('on workerd it is the one that is deployed, without what nothing calls', () => {
  const names = WebAssembly.Module.exports(sqliteModule).map(({ name }) => name)
  const isTrimmed = names.length === exportNames.length
  expect(isTrimmed).toBe(navigator.userAgent === 'Cloudflare-Workers')
  expect(names).toEqual(expect.arrayContaining([...exportNames]))
})

test('the trampoline re-exports a JavaScript function as a wasm function', () => {
  const { exports } = new WebAssembly.Instance(trampolineModule, { e: { f: (argument: number) => argument + 1, g: () => {} } })
  expect(exports['f']).toBeInstanceOf(Function)
  expect(Reflect.apply(exports['f'] as CallableFunction, undefined, [41])).toBe(42)
})

/** SQLite as Workers get it: the package's wasm without what nothing here calls, and with less memory to begin with. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { workerFirstBytes } from '../../snapshots/worker-memory.ts'
import { exportNames } from '../../src/store/exports.ts'
import { trimWasm } from './trim-wasm.ts'

/** Found by `require`, as what runs before all tests knows no `import.meta.resolve`. */
export const deployedSqlite = async (): Promise<Uint8Array> => {
  const path = createRequire(import.meta.url).resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm')
  return trimWasm(await readFile(path), { exports: new Set(exportNames), memoryBytes: workerFirstBytes })
}

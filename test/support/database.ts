/** An empty database for tests, on either runtime. */
import { sqliteModule, trampolineModule } from '#wasm'
import { instantiate, openDatabase } from '../../src/store/binding.ts'
import type { Database } from '../../src/store/database.ts'

const DEFAULT_BYTES = 512 * 1024 * 1024

export const emptyDatabase = (maxBytes = DEFAULT_BYTES): Database =>
  openDatabase(instantiate(sqliteModule, trampolineModule, { maxBytes, nowMs: () => 1_700_000_000_000 }))

/** Before any test: makes the SQLite of Workers, by what makes the one that is deployed, where `deployed-sqlite.ts` expects it. */
import { fileURLToPath } from 'node:url'
import { placeFile } from '../../scripts/worker/place-file.ts'
import { deployedSqlite } from '../../scripts/worker/sqlite.ts'

export default async (): Promise<void> =>
  placeFile(fileURLToPath(new URL('../../.wrangler/test/sqlite3.wasm', import.meta.url)), await deployedSqlite())

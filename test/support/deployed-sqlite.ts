/** SQLite as Workers get it, for the tests that run on workerd; `place-sqlite.ts` has put it there. */
export { default } from '../../.wrangler/test/sqlite3.wasm'

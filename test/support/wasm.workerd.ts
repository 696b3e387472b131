/** The compiled modules of the database binding, as tests on workerd get them through `#wasm`: it refuses to compile, so they are imported. */
import sqlite from '@sqlite.org/sqlite-wasm/sqlite3.wasm'
import trampoline from '../../src/store/trampoline.wasm'

export const sqliteModule = sqlite
export const trampolineModule = trampoline

/** The compiled modules of the database binding, as tests on workerd get them through `#wasm`: it refuses to compile, so they are imported. */
import trampoline from '../../src/store/trampoline.wasm'
import sqlite from './deployed-sqlite.ts'

export const sqliteModule = sqlite
export const trampolineModule = trampoline

/** The compiled modules of the database binding, as tests on Node get them through `#wasm`. */
import { readFile } from 'node:fs/promises'

const compile = async (url: string): Promise<WebAssembly.Module> => WebAssembly.compile(await readFile(new URL(url)))

export const sqliteModule = await compile(import.meta.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm'))
export const trampolineModule = await compile(new URL('../../src/store/trampoline.wasm', import.meta.url).href)

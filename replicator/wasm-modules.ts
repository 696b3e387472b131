/** The compiled wasm modules of a process, and the pool of databases made of them. */
import { readFile } from 'node:fs/promises'
import { createStorePool, type MeasuredStorePool } from '../snapshots/pool.ts'

export interface WasmModules {
  readonly sqlite: WebAssembly.Module
  readonly trampoline: WebAssembly.Module
}

/** Ceiling of one environment's memory: the most that wasm addresses here. */
const MAX_BYTES = 2 * 1024 ** 3

export const compileWasm = async (): Promise<WasmModules> => {
  const [sqlite, trampoline] = await Promise.all([
    compile(import.meta.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm')),
    compile(new URL('../src/store/trampoline.wasm', import.meta.url).href),
  ])
  return { sqlite, trampoline }
}

export const replicaPool = ({ sqlite, trampoline }: WasmModules): MeasuredStorePool =>
  createStorePool({ sqlite, trampoline, maxBytes: MAX_BYTES, nowMs: Date.now })

const compile = async (url: string): Promise<WebAssembly.Module> => WebAssembly.compile(await readFile(new URL(url)))

/** The compiled wasm modules of a process on Node, and stores over databases made of them. */
import { readFile } from 'node:fs/promises'
import { instantiate, openDatabase } from '../../src/store/binding.ts'
import type { Store } from '../../src/store/facts.ts'
import { createStore } from '../../src/store/store.ts'
import { createStorePool, type MeasuredStorePool, type WasmModules } from '../pool.ts'
import { keepWrappers } from './kept-wrappers.ts'

/** Ceiling of one environment's memory: the most that wasm addresses here. */
const MAX_BYTES = 2 * 1024 ** 3

/** Compiles both modules; other threads get them as they are. */
export const compileModules = async (): Promise<WasmModules> => {
  keepWrappers()
  const [sqlite, trampoline] = await Promise.all([
    compile(import.meta.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm')),
    compile(new URL('../../src/store/trampoline.wasm', import.meta.url).href),
  ])
  return { sqlite, trampoline }
}

/** Makes stores over empty databases, each in an instance of its own. */
export const storeFactory =
  ({ sqlite, trampoline }: WasmModules): (() => Store) =>
  () =>
    createStore(openDatabase(instantiate(sqlite, trampoline, { maxBytes: MAX_BYTES, nowMs: () => Date.now() })))

/** A pool of databases, each in an instance of its own. */
export const storePool = ({ sqlite, trampoline }: WasmModules): MeasuredStorePool =>
  createStorePool({ sqlite, trampoline, maxBytes: MAX_BYTES, nowMs: () => Date.now() })

const compile = async (url: string): Promise<WebAssembly.Module> => WebAssembly.compile(await readFile(new URL(url)))

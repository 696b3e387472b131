/** SQLite through the exports of sqlite3.wasm alone: the entry to the binding. */
import { Connection } from './connection.ts'
import type { Database } from './database.ts'
import { Instance, type InstanceOptions } from './instance.ts'

export type { Instance, InstanceOptions }

/**
 * A fresh instance with its own memory (1–2 ms, about 8 MiB). The modules are compiled by the entry file: `sqlite` is the package's sqlite3.wasm,
 * `trampoline` the 48 bytes of trampoline.wasm. One database per instance, because memory is capped and freed per instance.
 */
export const instantiate = (sqlite: WebAssembly.Module, trampoline: WebAssembly.Module, options: InstanceOptions): Instance =>
  new Instance(sqlite, trampoline, options)

/** An empty in-memory database. Every failure of SQLite is thrown as SqlError; wrong use of this interface is a Bug. */
export const openDatabase = (instance: Instance): Database => new Connection(instance)

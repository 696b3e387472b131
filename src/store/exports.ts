/** The exports of sqlite3.wasm that the binding calls; names and meaning are those of the C interface. Pointers and result codes are numbers. */
import { assert } from '../base/assert.ts'

export interface SqliteExports {
  readonly __indirect_function_table: WebAssembly.Table
  __wasm_call_ctors(): void
  malloc(bytes: number): number
  free(pointer: number): void
  sqlite3_initialize(): number
  sqlite3_malloc64(bytes: bigint): number
  sqlite3_free(pointer: number): void
  sqlite3_open_v2(name: number, out: number, flags: number, vfs: number): number
  sqlite3_close_v2(db: number): number
  sqlite3_exec(db: number, sql: number, callback: number, argument: number, error: number): number
  sqlite3_errmsg(db: number): number
  sqlite3_errstr(code: number): number
  sqlite3_errcode(db: number): number
  sqlite3_total_changes(db: number): number
  sqlite3_get_autocommit(db: number): number
  sqlite3_progress_handler(db: number, steps: number, callback: number, argument: number): void
  sqlite3_create_function_v2(
    db: number,
    name: number,
    argumentCount: number,
    flags: number,
    data: number,
    call: number,
    step: number,
    final: number,
    destroy: number,
  ): number
  sqlite3_value_type(value: number): number
  sqlite3_value_int(value: number): number
  sqlite3_value_double(value: number): number
  sqlite3_result_int(context: number, value: number): void
  sqlite3_result_error_code(context: number, code: number): void
  sqlite3_prepare_v3(db: number, sql: number, bytes: number, flags: number, statement: number, tail: number): number
  sqlite3_bind_int(statement: number, index: number, value: number): number
  sqlite3_bind_int64(statement: number, index: number, value: bigint): number
  sqlite3_bind_text(statement: number, index: number, text: number, bytes: number, destructor: number): number
  sqlite3_bind_null(statement: number, index: number): number
  sqlite3_step(statement: number): number
  sqlite3_reset(statement: number): number
  sqlite3_finalize(statement: number): number
  sqlite3_column_count(statement: number): number
  sqlite3_column_type(statement: number, column: number): number
  sqlite3_column_int(statement: number, column: number): number
  sqlite3_column_double(statement: number, column: number): number
  sqlite3_column_int64(statement: number, column: number): bigint
  sqlite3_column_text(statement: number, column: number): number
  sqlite3_column_bytes(statement: number, column: number): number
  sqlite3_serialize(db: number, schema: number, size: number, flags: number): number
  sqlite3_deserialize(db: number, schema: number, image: number, bytes: bigint, capacity: bigint, flags: number): number
}

/** All that has to be in the module. */
export const exportNames: readonly (keyof SqliteExports)[] = [
  '__indirect_function_table',
  '__wasm_call_ctors',
  'malloc',
  'free',
  'sqlite3_initialize',
  'sqlite3_malloc64',
  'sqlite3_free',
  'sqlite3_open_v2',
  'sqlite3_close_v2',
  'sqlite3_exec',
  'sqlite3_errmsg',
  'sqlite3_errstr',
  'sqlite3_errcode',
  'sqlite3_total_changes',
  'sqlite3_get_autocommit',
  'sqlite3_progress_handler',
  'sqlite3_create_function_v2',
  'sqlite3_value_type',
  'sqlite3_value_int',
  'sqlite3_value_double',
  'sqlite3_result_int',
  'sqlite3_result_error_code',
  'sqlite3_prepare_v3',
  'sqlite3_bind_int',
  'sqlite3_bind_int64',
  'sqlite3_bind_text',
  'sqlite3_bind_null',
  'sqlite3_step',
  'sqlite3_reset',
  'sqlite3_finalize',
  'sqlite3_column_count',
  'sqlite3_column_type',
  'sqlite3_column_int',
  'sqlite3_column_double',
  'sqlite3_column_int64',
  'sqlite3_column_text',
  'sqlite3_column_bytes',
  'sqlite3_serialize',
  'sqlite3_deserialize',
]

/** The one place where the module's exports get their types: WebAssembly carries none, so only their presence can be checked. */
export const sqliteExports = (instance: WebAssembly.Instance): SqliteExports => {
  for (const name of exportNames) assert(instance.exports[name] !== undefined, `sqlite3.wasm has no export ${name}`)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return instance.exports as unknown as SqliteExports
}

/** What the trampoline is given: JavaScript functions that SQLite is to call. */
export interface Callbacks {
  readonly progress: (argument: number) => number
  readonly remembered: (context: number, count: number, values: number) => void
}

/** The trampoline's exports: JavaScript functions as wasm functions, as the function table wants them. */
export const trampolineFunctions = (
  trampoline: WebAssembly.Module,
  { progress, remembered }: Callbacks,
): { readonly progress: unknown; readonly remembered: unknown } => {
  const { f, g } = new WebAssembly.Instance(trampoline, { e: { f: progress, g: remembered } }).exports
  assert(typeof f === 'function' && typeof g === 'function', 'the trampoline has no exports f and g')
  return { progress: f, remembered: g }
}

/** A prepared statement over the wasm exports: the hot path of every decision, so it allocates rows and nothing else. */
import { assert } from '../base/assert.ts'
import type { Connection } from './connection.ts'
import { SqlError, type SqlValue, type Statement } from './database.ts'
import type { SqliteExports } from './exports.ts'
import { type Instance, outOfMemory, resultCodes } from './instance.ts'

const { ok: OK, row: ROW, done: DONE } = resultCodes
const INTEGER = 1
const TEXT = 3
const NULL = 5
const EXACT = Number.MAX_SAFE_INTEGER

export class WasmStatement implements Statement {
  readonly #connection: Connection
  readonly #instance: Instance
  readonly #wasm: SqliteExports
  /** 0 once finalized. */
  #pointer: number
  /** Inside `each`: running it again would disturb the rows still to come. */
  #running = false

  constructor(connection: Connection, pointer: number) {
    this.#connection = connection
    this.#instance = connection.instance
    this.#wasm = connection.instance.wasm
    this.#pointer = pointer
  }

  bind(index: number, value: SqlValue): void {
    this.#ready()
    this.#bind(index, value)
  }

  test(): boolean {
    this.#ready()
    const code = this.#wasm.sqlite3_step(this.#pointer)
    if (code !== ROW && code !== DONE) this.#fail(code)
    const holds = code === ROW && this.#wasm.sqlite3_column_int(this.#pointer, 0) === 1
    this.#wasm.sqlite3_reset(this.#pointer)
    return holds
  }

  get(...values: readonly SqlValue[]): SqlValue[] | undefined {
    this.#bindAll(values)
    const code = this.#wasm.sqlite3_step(this.#pointer)
    if (code !== ROW && code !== DONE) this.#fail(code)
    let row: SqlValue[] | undefined
    try {
      if (code === ROW) row = this.#row(this.#wasm.sqlite3_column_count(this.#pointer))
    } finally {
      this.#wasm.sqlite3_reset(this.#pointer)
    }
    return row
  }

  all(...values: readonly SqlValue[]): SqlValue[][] {
    this.#bindAll(values)
    const rows: SqlValue[][] = []
    try {
      let columns = -1
      while (this.#next()) {
        if (columns < 0) columns = this.#wasm.sqlite3_column_count(this.#pointer)
        rows.push(this.#row(columns))
      }
    } finally {
      this.#wasm.sqlite3_reset(this.#pointer)
    }
    return rows
  }

  run(...values: readonly SqlValue[]): number {
    this.#bindAll(values)
    const before = this.#connection.totalChanges()
    try {
      while (this.#next());
    } finally {
      this.#wasm.sqlite3_reset(this.#pointer)
    }
    return (this.#connection.totalChanges() - before) | 0
  }

  each(each: (row: SqlValue[]) => boolean | undefined, ...values: readonly SqlValue[]): void {
    this.#bindAll(values)
    this.#running = true
    try {
      let columns = -1
      while (this.#next()) {
        if (columns < 0) columns = this.#wasm.sqlite3_column_count(this.#pointer)
        if (each(this.#row(columns)) === false) break
        // `each` may have closed the database, which finalizes.
        assert(this.#pointer !== 0, 'a statement was finalized by its own callback')
      }
    } finally {
      this.#running = false
      if (this.#pointer !== 0) this.#wasm.sqlite3_reset(this.#pointer)
    }
  }

  finalize(): void {
    if (this.#pointer === 0) return
    const pointer = this.#pointer
    this.#pointer = 0
    this.#connection.forget(this)
    this.#wasm.sqlite3_finalize(pointer)
  }

  #ready(): void {
    assert(this.#pointer !== 0, 'a finalized statement was used')
    assert(!this.#running, 'a statement was used inside its own callback')
  }

  #bindAll(values: readonly SqlValue[]): void {
    this.#ready()
    let index = 1
    for (const value of values) this.#bind(index++, value)
  }

  #bind(index: number, value: SqlValue): void {
    const code = this.#bindValue(index, value)
    if (code !== OK) throw this.#connection.error(code)
  }

  #bindValue(index: number, value: SqlValue): number {
    const pointer = this.#pointer
    if (typeof value === 'number') {
      if ((value | 0) === value) return this.#wasm.sqlite3_bind_int(pointer, index, value)
      assert(Number.isSafeInteger(value), 'a number that is no exact integer cannot be bound')
      return this.#wasm.sqlite3_bind_int64(pointer, index, BigInt(value))
    }
    if (typeof value === 'string') return this.#instance.bindText(pointer, index, value)
    if (value === null) return this.#wasm.sqlite3_bind_null(pointer, index)
    // Beyond 64 bits wasm would wrap around silently.
    assert(BigInt.asIntN(64, value) === value, 'an integer beyond 64 bits cannot be bound')
    return this.#wasm.sqlite3_bind_int64(pointer, index, value)
  }

  #next(): boolean {
    const code = this.#wasm.sqlite3_step(this.#pointer)
    if (code === ROW) return true
    if (code !== DONE) this.#fail(code)
    return false
  }

  #fail(code: number): never {
    // Before the reset, which may put another message in its place.
    const error = this.#connection.error(code)
    this.#wasm.sqlite3_reset(this.#pointer)
    throw error
  }

  #row(columns: number): SqlValue[] {
    const row: SqlValue[] = []
    for (let column = 0; column < columns; column++) row.push(this.#column(column))
    return row
  }

  #column(column: number): SqlValue {
    const wasm = this.#wasm
    const pointer = this.#pointer
    const type = wasm.sqlite3_column_type(pointer, column)
    if (type === INTEGER) {
      // As a double first: exact within 2^53, and unlike a bigint it costs no allocation.
      const value = wasm.sqlite3_column_double(pointer, column)
      return value >= -EXACT && value <= EXACT ? value : wasm.sqlite3_column_int64(pointer, column)
    }
    if (type === TEXT) {
      const text = wasm.sqlite3_column_text(pointer, column)
      if (text === 0) throw outOfMemory()
      return this.#instance.readText(text, wasm.sqlite3_column_bytes(pointer, column))
    }
    if (type === NULL) return null
    throw new SqlError(
      resultCodes.mismatch,
      `column ${column + 1} holds a ${type === 2 ? 'real number' : 'blob'}, want an integer, text or null`,
    )
  }
}

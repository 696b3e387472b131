/** One in-memory database of an instance: prepares statements, runs work under a budget, takes and gives database images. */
import { assert } from '../base/assert.ts'
import { type Database, type ImageReceiver, type Remembered, SqlError, type Statement } from './database.ts'
import type { SqliteExports } from './exports.ts'
import { type Reserved, ReservedImage } from './image-receiver.ts'
import { type Instance, outOfMemory, resultCodes, type Watcher } from './instance.ts'
import { WasmStatement } from './statement.ts'

const OPEN_READWRITE_CREATE = 2 | 4
const PREPARE_PERSISTENT = 1
const UTF8 = 1
const INNOCUOUS = 0x200000
const SERIALIZE_NOCOPY = 1
const DESERIALIZE_FREEONCLOSE_RESIZEABLE = 1 | 2
const DEFAULT_SLACK = 0.1
/** Deserialized pages are copied into the pager's cache, hence the small one. Nobody else has the database: no statement looks whether it was changed meanwhile. */
const SETTINGS = 'pragma cache_size=-500; pragma temp_store=memory; pragma locking_mode=exclusive'
/** Only a first read finds out that an image is no database at all; and one in WAL mode, whose changes would be in no image that is made of it, when it is not
 * alone. */
const FIRST_READ = 'pragma locking_mode=normal; pragma schema_version'

export class Connection implements Database {
  readonly instance: Instance
  /** 0 once closed. */
  #db: number
  readonly #statements = new Set<WasmStatement>()
  #guard: Guard | null = null
  /** Instructions between two calls of the progress handler; outside of guarded work it stops nothing. */
  #steps = 0

  constructor(instance: Instance) {
    this.instance = instance
    this.#db = open(instance)
    this.exec(SETTINGS)
  }

  exec(sql: string): void {
    const db = this.#open()
    const code = this.instance.withText(sql, (text) => this.instance.wasm.sqlite3_exec(db, text, 0, 0, 0))
    if (code !== resultCodes.ok) throw this.error(code)
  }

  prepare(sql: string): Statement {
    const db = this.#open()
    const { wasm } = this.instance
    const out = this.instance.allocate(8)
    try {
      const { code, rest } = this.instance.withText(sql, (text, length) => {
        const result = wasm.sqlite3_prepare_v3(db, text, length + 1, PREPARE_PERSISTENT, out, out + 4)
        return { code: result, rest: result === resultCodes.ok ? length - (this.instance.readInt32(out + 4) - text) : 0 }
      })
      if (code !== resultCodes.ok) throw this.error(code)
      const pointer = this.instance.readInt32(out)
      if (pointer === 0) throw new SqlError(resultCodes.misuse, 'the text holds no statement')
      const statement = new WasmStatement(this, pointer)
      this.#statements.add(statement)
      if (rest > 0) {
        statement.finalize()
        throw new SqlError(resultCodes.misuse, 'the text goes on after its first statement')
      }
      return statement
    } finally {
      wasm.free(out)
    }
  }

  guarded<T>(steps: number, stop: () => boolean, work: () => T, remembered: Remembered | null = null): T {
    assert(this.#guard === null, 'guarded work inside guarded work')
    const db = this.#open()
    const guard = new Guard(this.instance.wasm, stop, remembered)
    this.#guard = guard
    this.instance.watcher = guard
    if (this.#steps !== steps) {
      this.instance.wasm.sqlite3_progress_handler(db, steps, this.instance.progressHandler, 0)
      this.#steps = steps
    }
    try {
      const result = work()
      if (guard.failures === null) return result
    } catch (error) {
      if (guard.failures === null) throw error
    } finally {
      this.#guard = null
      this.instance.watcher = null
    }
    throw guard.failures[0]
  }

  inTransaction(): boolean {
    return this.instance.wasm.sqlite3_get_autocommit(this.#open()) === 0
  }

  serialize(): Uint8Array {
    const db = this.#open()
    const { instance } = this
    const { wasm } = instance
    const size = instance.allocate(8)
    try {
      return instance.withText('main', (schema) => {
        // The live image exists only when the database was deserialized; otherwise SQLite makes a copy that we give back.
        const live = wasm.sqlite3_serialize(db, schema, size, SERIALIZE_NOCOPY)
        if (live !== 0) return instance.copyOut(live, Number(instance.readInt64(size)))
        const copy = wasm.sqlite3_serialize(db, schema, size, 0)
        const bytes = Number(instance.readInt64(size))
        if (copy === 0 && bytes > 0) throw outOfMemory()
        const image = instance.copyOut(copy, bytes)
        wasm.sqlite3_free(copy)
        return image
      })
    } finally {
      wasm.free(size)
    }
  }

  deserialize(image: Uint8Array, slack = DEFAULT_SLACK): void {
    const receiver = this.receive(image.length, slack)
    receiver.write(image)
    receiver.finish()
  }

  receive(rawBytes: number, slack = DEFAULT_SLACK): ImageReceiver {
    this.#open()
    return new ReservedImage(this.instance, rawBytes, slack, (image) => this.#replace(image))
  }

  #replace({ pointer, rawBytes, capacity }: Reserved): void {
    const db = this.#open()
    const { wasm } = this.instance
    const code = this.instance.withText('main', (schema) =>
      // SQLite owns the memory from here on, also when it refuses it.
      wasm.sqlite3_deserialize(db, schema, pointer, BigInt(rawBytes), BigInt(capacity), DESERIALIZE_FREEONCLOSE_RESIZEABLE),
    )
    try {
      if (code !== resultCodes.ok) throw this.error(code)
      // The new content comes with default settings.
      this.exec(`${FIRST_READ}; ${SETTINGS}`)
    } catch (error) {
      // SQLite refuses every later image while a broken one is open, so start over.
      this.close()
      this.#steps = 0
      this.#db = open(this.instance)
      this.exec(SETTINGS)
      throw error
    }
  }

  memoryBytes(): number {
    return this.instance.sizeBytes
  }

  close(): void {
    if (this.#db === 0) return
    for (const statement of this.#statements) statement.finalize()
    this.instance.wasm.sqlite3_close_v2(this.#db)
    this.#db = 0
  }

  /** For statements: wraps around at 32 bits. */
  totalChanges(): number {
    return this.instance.wasm.sqlite3_total_changes(this.#db)
  }

  /** For statements: what the last call reported. */
  error(code: number): SqlError {
    const { wasm } = this.instance
    const primary = code & 0xff
    // Misuse leaves no message of its own behind.
    const message = primary === resultCodes.misuse ? wasm.sqlite3_errstr(code) : wasm.sqlite3_errmsg(this.#db)
    return new SqlError(primary, this.instance.readCString(message))
  }

  /** For statements: called when finalized. */
  forget(statement: WasmStatement): void {
    this.#statements.delete(statement)
  }

  #open(): number {
    assert(this.#db !== 0, 'a closed database was used')
    return this.#db
  }
}

const open = (instance: Instance): number => {
  const { wasm } = instance
  const out = instance.allocate(4)
  try {
    const code = instance.withText(':memory:', (name) => wasm.sqlite3_open_v2(name, out, OPEN_READWRITE_CREATE, 0))
    const db = instance.readInt32(out)
    const defined = code === resultCodes.ok ? defineRemembered(instance, db) : code
    if (defined !== resultCodes.ok) {
      wasm.sqlite3_close_v2(db)
      throw new SqlError(defined & 0xff, instance.readCString(wasm.sqlite3_errstr(defined)))
    }
    return db
  } finally {
    wasm.free(out)
  }
}

/** `remembered(part, value)`: see `Database.guarded`. */
const defineRemembered = (instance: Instance, db: number): number =>
  instance.withText('remembered', (name) =>
    instance.wasm.sqlite3_create_function_v2(db, name, 2, UTF8 | INNOCUOUS, 0, instance.rememberedFunction, 0, 0, 0),
  )

/** What guarded work lets SQLite ask. */
class Guard implements Watcher {
  readonly #wasm: SqliteExports
  readonly #stop: () => boolean
  readonly #remembered: Remembered | null
  /** What was thrown while SQLite asked. */
  failures: [unknown] | null = null

  constructor(wasm: SqliteExports, stop: () => boolean, remembered: Remembered | null) {
    this.#wasm = wasm
    this.#stop = stop
    this.#remembered = remembered
  }

  stop(): boolean {
    try {
      return this.#stop()
    } catch (error) {
      this.failures ??= [error]
      return true
    }
  }

  remembered(context: number, part: number, value: number | null): void {
    try {
      const has = this.#remembered?.has(part, value) ?? null
      if (has !== null) this.#wasm.sqlite3_result_int(context, has ? 1 : 0)
    } catch (error) {
      this.failures ??= [error]
      this.#wasm.sqlite3_result_error_code(context, resultCodes.interrupt)
    }
  }
}

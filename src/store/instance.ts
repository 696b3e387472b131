/** An instance of sqlite3.wasm: its memory, the few system calls it is given, and text in and out of it. The same on Node and on Workers: nothing is compiled here. */
import { assert } from '../base/assert.ts'
import { SqlError } from './database.ts'
import { type SqliteExports, sqliteExports, trampolineFunctions } from './exports.ts'

export interface InstanceOptions {
  /** Ceiling of the wasm memory: over it SQLite reports code 7. At least what it begins with, at most 2 GiB. */
  readonly maxBytes: number
  /** What the memory begins with: what the module asks for, by default the 8 MiB of the package's. */
  readonly firstBytes?: number
  /** Wall clock in milliseconds, for SQLite's own date functions. */
  readonly nowMs: () => number
  /** Asked before the memory grows by so many bytes: where several instances share a bound. */
  readonly mayGrow?: (bytes: number) => boolean
}

/** An exception must not unwind through SQLite's frames, it would leave the statement half way: so neither throws. */
export interface Watcher {
  /** True ends the running statement. */
  stop(): boolean
  /** Gives the result of the SQL function `remembered`, if there is one, to its context. */
  remembered(context: number, part: number, value: number | null): void
}

/** Result codes of SQLite that the binding itself reports or looks for. */
export const resultCodes = {
  ok: 0,
  error: 1,
  noMemory: 7,
  interrupt: 9,
  tooBig: 18,
  mismatch: 20,
  misuse: 21,
  range: 25,
  row: 100,
  done: 101,
} as const

export const firstMemoryBytes = 8 * 1024 * 1024
const PAGE_BYTES = 65_536
/** SQLITE_INTEGER, SQLITE_TEXT */
const INTEGER = 1
const TEXT = 3
/** Memory grows by at least so much, so that a bulk load does not grow it page by page, and by no more, as little shall stay unused. */
const GROWTH_BYTES = 262_144
const SCRATCH_BYTES = 4096
/** Below this many code units a loop beats the call into the encoder or decoder (measured: on Node they cross at about 25 and 14). */
const SHORT_ENCODE = 24
const SHORT_DECODE = 12
/** "No such system call": SQLite here has no files, no time zones and no memory maps. */
const NO_SYSTEM_CALL = -52

const encoder = new TextEncoder()
// ignoreBOM keeps a leading U+FEFF; fatal, because text that is not UTF-8 means a damaged image.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

export class Instance {
  readonly wasm: SqliteExports
  /** Index in the function table of the progress handler. */
  readonly progressHandler: number
  /** What SQLite asks while statements run; null outside of guarded work. */
  watcher: Watcher | null = null
  /** Index in the function table of the SQL function `remembered`. */
  readonly rememberedFunction: number
  readonly #memory: WebAssembly.Memory
  readonly #maxBytes: number
  readonly #mayGrow: (bytes: number) => boolean
  /** All of the memory. Made anew whenever the memory grows, which detaches earlier views: never keep it across a call into wasm. */
  #bytes: Uint8Array
  #view: DataView
  readonly #scratch: number

  constructor(sqlite: WebAssembly.Module, trampoline: WebAssembly.Module, options: InstanceOptions) {
    const { firstBytes = firstMemoryBytes, maxBytes } = options
    const pages = Math.floor(maxBytes / PAGE_BYTES)
    const initial = firstBytes / PAGE_BYTES
    assert(pages >= initial && pages <= 32_768, `maxBytes is ${maxBytes}, want ${firstBytes} to 2 GiB`)
    this.#maxBytes = pages * PAGE_BYTES
    this.#mayGrow = options.mayGrow ?? (() => true)
    this.#memory = new WebAssembly.Memory({ initial, maximum: pages })
    this.#bytes = new Uint8Array(this.#memory.buffer)
    this.#view = new DataView(this.#memory.buffer)
    this.wasm = sqliteExports(new WebAssembly.Instance(sqlite, this.#imports(sqlite, options.nowMs)))
    this.wasm.__wasm_call_ctors()
    const code = this.wasm.sqlite3_initialize()
    assert(code === resultCodes.ok, `sqlite3_initialize returned ${code}`)
    this.#scratch = this.allocate(SCRATCH_BYTES)
    const { __indirect_function_table: table } = this.wasm
    const callbacks = trampolineFunctions(trampoline, {
      progress: () => (this.watcher?.stop() ? 1 : 0),
      remembered: (context, _count, values) => this.#readRemembered(context, values),
    })
    this.progressHandler = table.grow(2)
    this.rememberedFunction = this.progressHandler + 1
    table.set(this.progressHandler, callbacks.progress)
    table.set(this.rememberedFunction, callbacks.remembered)
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  allocate(bytes: number): number {
    const pointer = this.wasm.malloc(bytes)
    if (pointer === 0) throw outOfMemory()
    return pointer
  }

  readInt32(pointer: number): number {
    return this.#view.getInt32(pointer, true)
  }

  readInt64(pointer: number): bigint {
    return this.#view.getBigInt64(pointer, true)
  }

  copyIn(bytes: Uint8Array, pointer: number): void {
    this.#bytes.set(bytes, pointer)
  }

  copyOut(pointer: number, length: number): Uint8Array {
    return this.#bytes.slice(pointer, pointer + length)
  }

  /** Calls `use` with UTF-8 text in memory that is free again afterwards, followed by a NUL that `length` does not count. */
  withText<T>(text: string, use: (pointer: number, length: number) => T): T {
    const bytes = encoder.encode(text)
    const pointer = this.allocate(bytes.length + 1)
    try {
      this.#bytes.set(bytes, pointer)
      this.#bytes[pointer + bytes.length] = 0
      return use(pointer, bytes.length)
    } finally {
      this.wasm.free(pointer)
    }
  }

  /** Binds text by way of one scratch buffer, which SQLite copies from at once. */
  bindText(statement: number, index: number, text: string): number {
    // A code unit takes at most three bytes.
    if (text.length * 3 > SCRATCH_BYTES) {
      return this.withText(text, (pointer, length) => this.wasm.sqlite3_bind_text(statement, index, pointer, length, TRANSIENT))
    }
    return this.wasm.sqlite3_bind_text(statement, index, this.#scratch, this.#writeScratch(text), TRANSIENT)
  }

  readText(pointer: number, length: number): string {
    const bytes = this.#bytes
    if (length <= SHORT_DECODE) {
      let text = ''
      let i = pointer
      for (const end = pointer + length; i < end; i++) {
        const byte = bytes[i] ?? 128
        if (byte > 127) break
        text += String.fromCharCode(byte)
      }
      if (i === pointer + length) return text
    }
    return decoder.decode(bytes.subarray(pointer, pointer + length))
  }

  readCString(pointer: number): string {
    return this.readText(pointer, this.#bytes.indexOf(0, pointer) - pointer)
  }

  #writeScratch(text: string): number {
    const bytes = this.#bytes
    const start = this.#scratch
    const { length } = text
    if (length <= SHORT_ENCODE) {
      let i = 0
      for (; i < length; i++) {
        const unit = text.charCodeAt(i)
        if (unit > 127) break
        bytes[start + i] = unit
      }
      if (i === length) return length
    }
    return encoder.encodeInto(text, bytes.subarray(start, start + SCRATCH_BYTES)).written
  }

  /** The two arguments are pointers, side by side. */
  #readRemembered(context: number, values: number): void {
    const { watcher } = this
    if (watcher === null) return
    const { wasm } = this
    const part = wasm.sqlite3_value_int(this.#view.getInt32(values, true))
    const pointer = this.#view.getInt32(values + 4, true)
    const value = wasm.sqlite3_value_double(pointer)
    // What is no number reads as 0. Without a result it is null.
    const type = value === 0 ? wasm.sqlite3_value_type(pointer) : INTEGER
    if (type === TEXT) watcher.remembered(context, part, null)
    else if (type === INTEGER && Number.isSafeInteger(value)) watcher.remembered(context, part, value)
  }

  #imports(sqlite: WebAssembly.Module, nowMs: () => number): WebAssembly.Imports {
    const given: Record<string, WebAssembly.ImportValue> = {
      memory: this.#memory,
      emscripten_get_heap_max: () => this.#maxBytes,
      emscripten_resize_heap: (bytes: number) => this.#grow(bytes >>> 0),
      emscripten_date_now: nowMs,
      emscripten_get_now: nowMs,
      clock_time_get: (_clock: number, _precision: bigint, pointer: number) => {
        this.#view.setBigInt64(pointer, BigInt(Math.trunc(nowMs())) * 1_000_000n, true)
        return 0
      },
      environ_sizes_get: (count: number, size: number) => {
        this.#view.setUint32(count, 0, true)
        this.#view.setUint32(size, 0, true)
        return 0
      },
      environ_get: () => 0,
    }
    const imports: WebAssembly.Imports = {}
    for (const { module, name } of WebAssembly.Module.imports(sqlite)) {
      imports[module] ??= {}
      imports[module][name] = given[name] ?? (() => NO_SYSTEM_CALL)
    }
    return imports
  }

  #grow(bytes: number): number {
    const current = this.#bytes.length
    if (bytes > this.#maxBytes) return 0
    const roomy = Math.min(this.#maxBytes, Math.max(bytes, current + GROWTH_BYTES))
    const pages = [roomy, bytes].map((wanted) => Math.ceil((wanted - current) / PAGE_BYTES))
    const granted = pages.find((more) => this.#mayGrow(more * PAGE_BYTES))
    if (granted === undefined) return 0
    try {
      this.#memory.grow(granted)
    } catch {
      // The machine has no more to give: SQLite turns the 0 into code 7.
      return 0
    }
    this.#bytes = new Uint8Array(this.#memory.buffer)
    this.#view = new DataView(this.#memory.buffer)
    return 1
  }
}

/** SQLITE_TRANSIENT: SQLite makes its own copy of bound text before the call returns. */
const TRANSIENT = -1

export const outOfMemory = (): SqlError => new SqlError(resultCodes.noMemory, 'out of memory')

export const isNoMemory = (error: unknown): error is SqlError => error instanceof SqlError && error.code === resultCodes.noMemory

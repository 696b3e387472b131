/** The synchronous database interface that the engine and the store are written against. Synchronous on purpose: nothing interleaves between two statements of a decision. */

/** Integers beyond 2^53 arrive as bigint, all others as number. */
export type SqlValue = number | bigint | string | null

/** A prepared statement. Parameters are positional and keep their values until bound again. */
export interface Statement {
  /** Binds parameter `index` (1-based). */
  bind(index: number, value: SqlValue): void
  /** Whether the first column of the first row is 1; resets. */
  test(): boolean
  /** Runs to the end and returns every row; resets. */
  all(...values: readonly SqlValue[]): SqlValue[][]
  /** First row or undefined; resets. */
  get(...values: readonly SqlValue[]): SqlValue[] | undefined
  /** Runs to the end, returns the number of changed rows; resets. */
  run(...values: readonly SqlValue[]): number
  /** Calls `each` per row until it returns false; resets. */
  each(each: (row: SqlValue[]) => boolean | undefined, ...values: readonly SqlValue[]): void
  finalize(): void
}

/** What the SQL function `remembered(part, value)` answers from. */
export interface Remembered {
  /** Whether the value is among those of that part, or for null (a text in SQL) whether there are any; null when that is not known: SQL then finds out by itself.
   * May run other statements that read. */
  has(part: number, value: number | null): boolean | null
}

export interface Database {
  exec(sql: string): void
  prepare(sql: string): Statement
  /** Runs `work` with a budget: `stop` is asked every `steps` virtual machine instructions; true ends the running statement with SqlError code 9 (interrupt).
   * Meanwhile the SQL function `remembered` answers from what is given; it is null otherwise. */
  guarded<T>(steps: number, stop: () => boolean, work: () => T, remembered?: Remembered | null): T
  /** Whether a transaction is open: some failures (7, 9, 13) roll it back on their own. */
  inTransaction(): boolean
  /** The database image. */
  serialize(): Uint8Array
  /** Replaces the content by an image, leaving `slack` (a fraction) of room for growth. An image that SQLite refuses leaves an empty database without statements. */
  deserialize(image: Uint8Array, slack?: number): void
  /** As `deserialize`, of an image of exactly so many bytes that arrives in parts: they go straight into the memory that they are read from. The content stays
   * as it is until `finish`. Throws SqlError 7 when there is no memory for it. */
  receive(rawBytes: number, slack?: number): ImageReceiver
  /** Bytes of wasm memory in use by this instance. */
  memoryBytes(): number
  close(): void
}

/** Ends with `finish` or `abort`, once. */
export interface ImageReceiver {
  /** Bytes that may still come. */
  readonly room: number
  write(chunk: Uint8Array): void
  /** Replaces the content by the image, of which all bytes have been written. */
  finish(): void
  /** Gives the memory back. */
  abort(): void
}

/** A failure that SQLite reported; `code` is the primary result code (7 no memory, 9 interrupt, 13 full, 19 constraint). */
export class SqlError extends Error {
  override readonly name = 'SqlError'
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

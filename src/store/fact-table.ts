/** One fact table while its store is open: its counters and its prepared statements. */
import { assert, at } from '../base/assert.ts'
import { columnName, indexName, tableName } from '../sql/naming.ts'
import type { Database, Statement } from './database.ts'
import type { Encoded, FactTable, Signature } from './facts.ts'
import { Sketch } from './sketch.ts'

export interface StoredFactTable {
  readonly signature: Signature
  readonly orders: readonly (readonly number[])[]
  readonly rows: number
  readonly sketches: readonly Sketch[]
}

export class OpenFactTable {
  readonly signature: Signature
  readonly table: string
  /** Kept by the registry: its count of changes when this table changed last. */
  changedAt = 0
  readonly #database: Database
  #orders: readonly (readonly number[])[]
  #rows: number
  #sketches: readonly Sketch[]
  /** Power of four of the row count that plans were made for. */
  #magnitude: number
  #insert: Statement | null = null
  #remove: Statement | null = null

  constructor(database: Database, stored: StoredFactTable) {
    this.#database = database
    this.signature = stored.signature
    this.table = tableName(stored.signature)
    this.#orders = stored.orders
    this.#rows = stored.rows
    this.#sketches = stored.sketches
    this.#magnitude = magnitude(stored.rows)
  }

  get rows(): number {
    return this.#rows
  }

  get orders(): readonly (readonly number[])[] {
    return this.#orders
  }

  describe(): FactTable {
    const { signature, table, rows, orders } = this
    const distinct = this.#sketches.map((sketch) => Math.max(1, Math.min(rows, Math.round(sketch.estimate()))))
    return { signature, table, rows, distinct, orders }
  }

  /** `full`: the row is new; `rows` or `sketches` say what has to be written at the end of the transaction; null: it was there. */
  insert(row: readonly Encoded[]): 'rows' | 'sketches' | null {
    this.#insert ??= this.#database.prepare(`insert or ignore into ${this.table} values (${row.map(() => '?').join(', ')})`)
    if (this.#insert.run(...row) === 0) return null
    this.#rows++
    let changed = false
    for (let i = 0; i < row.length; i++) if (at(this.#sketches, i).add(at(row, i))) changed = true
    return changed ? 'sketches' : 'rows'
  }

  /** Removes one row by its key; true when it was there. */
  remove(row: readonly Encoded[]): boolean {
    this.#remove ??= this.#database.prepare(
      `delete from ${this.table} where ${row.map((_, index) => `${columnName(index)} = ?`).join(' and ')}`,
    )
    const removed = this.#remove.run(...row)
    this.#rows -= removed
    return removed === 1
  }

  /** For rows that were removed by another statement. */
  removed(rows: number): void {
    assert(rows <= this.#rows, `${rows} rows removed from ${this.#rows}`)
    this.#rows -= rows
  }

  addIndex(columns: readonly number[]): void {
    this.#database.exec(createIndex(this.table, columns))
    this.#orders = [...this.#orders, columns]
  }

  /** The stored counters instead of these; whether plans made before are out of date. */
  restore(stored: StoredFactTable): boolean {
    const sameOrders = stored.orders.length === this.#orders.length
    this.#orders = stored.orders
    this.#rows = stored.rows
    this.#sketches = stored.sketches
    return this.crossedMagnitude() || !sameOrders
  }

  /** Whether the row count passed a power of four since plans were made. A count that falls back just below one does not yet count, or plans would be made anew with every fact around it. */
  crossedMagnitude(): boolean {
    const now = magnitude(this.#rows)
    if (now === this.#magnitude) return false
    if (now === this.#magnitude - 1 && this.#rows > 4 ** this.#magnitude / 2) return false
    this.#magnitude = now
    return true
  }

  ordersText(): string {
    return JSON.stringify(this.#orders)
  }

  sketchesText(): string {
    return this.#sketches.map((sketch) => sketch.toText()).join(' ')
  }

  finalize(): void {
    this.#insert?.finalize()
    this.#remove?.finalize()
    this.#insert = null
    this.#remove = null
  }
}

/** An empty table with its primary key over all columns and, from two columns on, the reversed order as an index. */
export const createFactTable = (database: Database, signature: Signature): OpenFactTable => {
  const columns = signature.types.map((_, index) => index)
  const primary = primaryOrder(signature)
  const table = tableName(signature)
  database.exec(
    `create table ${table} (${columns.map((column) => `${columnName(column)} integer not null`).join(', ')}, primary key (${primary.map(columnName).join(', ')})) without rowid`,
  )
  const reversed = columns.toReversed()
  if (columns.length > 1) database.exec(createIndex(table, reversed))
  return new OpenFactTable(database, {
    signature,
    orders: columns.length > 1 ? [primary, reversed] : [primary],
    rows: 0,
    sketches: columns.map(() => new Sketch()),
  })
}

/** A name between two values (a role of someone on something) goes last: a check of several names is then one search, not one per name. */
const primaryOrder = ({ types }: Signature): number[] =>
  types.length === 3 && types[1] === 'String' ? [0, 2, 1] : types.map((_, index) => index)

const createIndex = (table: string, columns: readonly number[]): string =>
  `create index ${indexName(table, columns)} on ${table} (${columns.map(columnName).join(', ')})`

/** 0 below 4 rows, then one more with each power of four. */
const magnitude = (rows: number): number => (rows < 4 ? 0 : Math.floor((31 - Math.clz32(rows)) / 2))

/** Every fact table of a replica and the registry that lists them: found by signature, written back once per transaction. */
import { assert } from '../base/assert.ts'
import type { Value } from '../base/value.ts'
import type { Database, SqlValue, Statement } from './database.ts'
import { createFactTable, OpenFactTable, type StoredFactTable } from './fact-table.ts'
import type { Encoded, Signature } from './facts.ts'
import { allOnce, runOnce } from './once.ts'
import { Sketch } from './sketch.ts'

/** Tables by predicate, then by argument type after argument type: found without building a text per fact. */
interface Node {
  readonly next: Map<string, Node>
  table: OpenFactTable | null
}

export class FactTables {
  readonly #database: Database
  readonly #tables = new Map<string, OpenFactTable>()
  #root: Node = { next: new Map(), table: null }
  readonly #writeRows: Statement
  readonly #writeSketches: Statement
  readonly #changedRows = new Set<OpenFactTable>()
  readonly #changedSketches = new Set<OpenFactTable>()
  #epoch = 0
  #changes = 0

  constructor(database: Database) {
    this.#database = database
    this.#writeRows = database.prepare('update fact_table set rows = ?2 where name = ?1')
    this.#writeSketches = database.prepare('update fact_table set sketches = ?2 where name = ?1')
    this.reload()
  }

  /** Grows whenever plans made before are out of date. */
  get epoch(): number {
    return this.#epoch
  }

  /** Grows with every change of any table, rolled back ones included. */
  get changes(): number {
    return this.#changes
  }

  /** When the last of these changed, by that count. */
  changesOf(tables: readonly string[]): number {
    let last = 0
    for (const name of tables) last = Math.max(last, this.#tables.get(name)?.changedAt ?? 0)
    return last
  }

  all(): Iterable<OpenFactTable> {
    return this.#tables.values()
  }

  find(predicate: string, args: readonly Value[]): OpenFactTable | null {
    let node = this.#root.next.get(predicate)
    for (const arg of args) node = node?.next.get(arg.type)
    return node?.table ?? null
  }

  /** The table of a signature, created when missing. */
  open(signature: Signature): OpenFactTable {
    const node = this.#node(signature)
    if (node.table !== null) return node.table
    const table = createFactTable(this.#database, signature)
    const { predicate, types } = signature
    const row = [table.table, predicate, JSON.stringify(types), table.ordersText(), table.sketchesText()]
    runOnce(this.#database, 'insert into fact_table (name, predicate, types, orders, rows, sketches) values (?, ?, ?, ?, 0, ?)', ...row)
    this.#tables.set(table.table, table)
    node.table = table
    this.#epoch++
    return table
  }

  insert(table: OpenFactTable, row: readonly Encoded[]): boolean {
    const changed = table.insert(row)
    if (changed === null) return false
    this.#touch(table)
    if (changed === 'sketches') this.#changedSketches.add(table)
    return true
  }

  remove(table: OpenFactTable, row: readonly Encoded[]): boolean {
    if (!table.remove(row)) return false
    this.#touch(table)
    return true
  }

  /** For rows that were removed by another statement. */
  removed(table: OpenFactTable, rows: number): void {
    table.removed(rows)
    this.#touch(table)
  }

  /** Creates an index that serves searches by these columns, unless an order starts with them. */
  ensureIndex(signature: Signature, columns: readonly number[]): void {
    const table = this.open(signature)
    if (table.orders.some((order) => columns.every((column, i) => order[i] === column))) return
    const rest = signature.types.map((_, index) => index).filter((index) => !columns.includes(index))
    // SQLite appends the columns of the primary key anyway.
    table.addIndex([...columns, ...rest])
    runOnce(this.#database, 'update fact_table set orders = ?2 where name = ?1', table.table, table.ordersText())
    this.#epoch++
  }

  /** Writes the counters of tables that were touched. */
  flush(): void {
    for (const table of this.#changedRows) {
      this.#writeRows.run(table.table, table.rows)
      if (table.crossedMagnitude()) this.#epoch++
    }
    for (const table of this.#changedSketches) this.#writeSketches.run(table.table, table.sketchesText())
    this.#changedRows.clear()
    this.#changedSketches.clear()
  }

  dropAll(): void {
    if (this.#tables.size === 0) return
    for (const table of this.#tables.values()) {
      table.finalize()
      this.#database.exec(`drop table ${table.table}`)
    }
    this.#database.exec('delete from fact_table')
    this.#forget()
    this.#epoch++
    this.#changes++
  }

  /** Takes everything from the registry again, after a rollback. Tables that are still there keep their statements. */
  reload(): void {
    const before = new Map(this.#tables)
    this.#forget()
    for (const row of allOnce(this.#database, 'select name, predicate, types, orders, rows, sketches from fact_table order by name')) {
      const { name, stored } = storedTable(row)
      const open = before.get(name)
      before.delete(name)
      const table = open ?? new OpenFactTable(this.#database, stored)
      if (open === undefined || open.restore(stored)) this.#epoch++
      this.#tables.set(name, table)
      this.#node(stored.signature).table = table
      // What was read meanwhile is taken back.
      this.#touched(table)
    }
    for (const table of before.values()) {
      table.finalize()
      this.#epoch++
    }
  }

  #touch(table: OpenFactTable): void {
    this.#changedRows.add(table)
    this.#touched(table)
  }

  #touched(table: OpenFactTable): void {
    this.#changes++
    table.changedAt = this.#changes
  }

  #forget(): void {
    this.#tables.clear()
    this.#root = { next: new Map(), table: null }
    this.#changedRows.clear()
    this.#changedSketches.clear()
  }

  #node(signature: Signature): Node {
    let node = this.#root
    for (const name of [signature.predicate, ...signature.types]) {
      let next = node.next.get(name)
      if (next === undefined) {
        next = { next: new Map(), table: null }
        node.next.set(name, next)
      }
      node = next
    }
    return node
  }
}

/** A row of the registry. */
const storedTable = (row: readonly SqlValue[]): { readonly name: string; readonly stored: StoredFactTable } => {
  const [name, predicate, types, orders, rows, sketches] = row
  assert(typeof name === 'string' && typeof predicate === 'string' && typeof types === 'string', 'the registry names its tables')
  assert(typeof orders === 'string' && typeof rows === 'number' && typeof sketches === 'string', 'the registry counts its tables')
  const signature = { predicate, types: listOf(JSON.parse(types), isText) }
  return {
    name,
    stored: {
      signature,
      orders: listOf(JSON.parse(orders), isOrder),
      rows,
      sketches: sketches.split(' ').map((text) => Sketch.parse(text)),
    },
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isOrder = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every(Number.isInteger)

const listOf = <T>(value: unknown, is: (item: unknown) => item is T): readonly T[] => {
  assert(Array.isArray(value) && value.every(is), 'the registry holds lists')
  return value
}

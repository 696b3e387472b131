/** Facts by pattern: a search per matching table, put together in order. */
import { assert, at } from '../base/assert.ts'
import { compareBytewise } from '../base/text.ts'
import { canonicalId, type Fact, type Value, type ValuePattern } from '../base/value.ts'
import { columnName, entityTable } from '../sql/naming.ts'
import type { Database, SqlValue } from './database.ts'
import { columnKind, type Dictionary } from './dictionary.ts'
import type { OpenFactTable } from './fact-table.ts'
import type { Encoded } from './facts.ts'
import { allOnce, eachOnce, runOnce } from './once.ts'

export interface FactSearch {
  /** Null: every predicate. */
  readonly predicate: string | null
  readonly args: readonly ValuePattern[]
  /** False: facts with more arguments match too. */
  readonly exactLength: boolean
}

/** A table that a search matches, and the values it asks for in some of the columns. */
export interface TableSearch {
  readonly table: OpenFactTable
  /** By column: the encoded value that is asked for, or null for any. */
  readonly bound: readonly (Encoded | null)[]
}

/** The tables that can hold matching facts, in the order of their predicates. */
export const tableSearches = (tables: Iterable<OpenFactTable>, search: FactSearch, dictionary: Dictionary): TableSearch[] => {
  const found: TableSearch[] = []
  for (const table of tables) {
    const bound = bind(table, search, dictionary)
    if (bound !== null) found.push({ table, bound })
  }
  return found.toSorted((a, b) => compareBytewise(a.table.signature.predicate, b.table.signature.predicate))
}

/** At most `limit` facts in order. */
export const selectFacts = (database: Database, searches: readonly TableSearch[], dictionary: Dictionary, limit: number): Fact[] => {
  let facts: Fact[] = []
  for (const group of Map.groupBy(searches, ({ table }) => table.signature.predicate).values()) {
    const room = limit - facts.length
    if (room <= 0) break
    let merged: Fact[] = []
    for (const search of group) merged = merge(merged, selectOrdered(database, search, dictionary, room), room)
    facts = facts.concat(merged)
  }
  return facts
}

/** Number of matching facts, counted no further than `limit`. */
export const countFacts = (database: Database, searches: readonly TableSearch[], limit: number): number => {
  let count = 0
  for (const { table, bound } of searches) {
    if (count >= limit) return limit
    if (bound.every((value) => value === null)) count += table.rows
    else {
      const sql = `select count(*) from (select 1 from ${table.table}${where(bound)} limit ?)`
      count += Number(at(at(allOnce(database, sql, ...values(bound), limit - count), 0), 0))
    }
  }
  return Math.min(count, limit)
}

/** Calls `each` with every matching fact of one table, in no order. */
export const eachFact = (database: Database, search: TableSearch, dictionary: Dictionary, each: (fact: Fact) => void): void => {
  const { sql, toFact } = selection(search, dictionary)
  eachOnce(database, sql, values(search.bound), (row) => each(toFact(row)))
}

/** Removes the matching facts of one table, calling `each` with every one of them before. */
export const deleteFacts = (database: Database, search: TableSearch, dictionary: Dictionary, each: (fact: Fact) => void): number => {
  let seen = 0
  eachFact(database, search, dictionary, (fact) => {
    seen++
    each(fact)
  })
  if (seen === 0) return 0
  const removed = runOnce(database, `delete from ${search.table.table}${where(search.bound)}`, ...values(search.bound))
  assert(removed === seen, `${removed} facts removed, ${seen} found`)
  return removed
}

/** Null when the table cannot hold a matching fact. */
const bind = (table: OpenFactTable, { predicate, args, exactLength }: FactSearch, dictionary: Dictionary): (Encoded | null)[] | null => {
  const { signature } = table
  if (predicate !== null && predicate !== signature.predicate) return null
  if (exactLength ? args.length !== signature.types.length : args.length > signature.types.length) return null
  const bound: (Encoded | null)[] = []
  for (const [i, type] of signature.types.entries()) {
    const arg = args[i]
    if (arg?.type != null && arg.type !== type) return null
    if (arg === undefined || arg.id === null) {
      bound.push(null)
      continue
    }
    assert(arg.type !== null, 'a pattern with an id has a type')
    const id = canonicalId(type, arg.id)
    const encoded = id === undefined ? undefined : dictionary.encode({ type, id })
    if (encoded === undefined) return null
    bound.push(encoded)
  }
  return bound
}

interface Selection {
  /** One result column per column of the table that is not bound: the text of its id. */
  readonly sql: string
  readonly toFact: (row: readonly SqlValue[]) => Fact
}

const selection = ({ table, bound }: TableSearch, dictionary: Dictionary): Selection => {
  const { predicate, types } = table.signature
  const results: string[] = []
  const joins: string[] = []
  // Arguments that are bound are the same in every fact.
  const args: (Value | null)[] = types.map((type, i) => {
    const value = bound[i]
    if (value !== null && value !== undefined) return { type, id: dictionary.decode(type, value) }
    results.push(resultColumn(type, i))
    if (columnKind(type) === 'interned') joins.push(` cross join ${entityTable} e${i} on e${i}.id = ${columnName(i)}`)
    return null
  })
  const toFact = (row: readonly SqlValue[]): Fact => {
    let next = 0
    return { predicate, args: args.map((arg, i) => arg ?? { type: at(types, i), id: text(row[next++]) }) }
  }
  return { sql: `select ${results.length > 0 ? results.join(', ') : '1'} from ${table.table}${joins.join('')}${where(bound)}`, toFact }
}

/** The id as text. */
const resultColumn = (type: string, index: number): string => {
  const column = columnName(index)
  switch (columnKind(type)) {
    case 'integer':
      return `cast(${column} as text)`
    case 'boolean':
      return `case ${column} when 1 then 'true' else 'false' end`
    case 'interned':
      return `e${index}.key`
  }
}

const selectOrdered = (database: Database, search: TableSearch, dictionary: Dictionary, limit: number): Fact[] => {
  const { sql, toFact } = selection(search, dictionary)
  const order = search.bound.filter((value) => value === null).map((_, i) => i + 1)
  const ordered = order.length > 0 ? ` order by ${order.join(', ')}` : ''
  return allOnce(database, `${sql}${ordered} limit ?`, ...values(search.bound), limit).map(toFact)
}

/** Two ordered lists as one, cut at `limit`. */
const merge = (a: Fact[], b: Fact[], limit: number): Fact[] => {
  if (a.length === 0) return b
  if (b.length === 0) return a
  const merged: Fact[] = []
  let i = 0
  let j = 0
  while (merged.length < limit && (i < a.length || j < b.length)) {
    const takeA = j === b.length || (i < a.length && compareArguments(at(a, i), at(b, j)) <= 0)
    merged.push(takeA ? at(a, i++) : at(b, j++))
  }
  return merged
}

/** Type and id of the first argument, then of the second, and so on; the shorter one first. */
const compareArguments = (a: Fact, b: Fact): number => {
  for (let i = 0; i < Math.min(a.args.length, b.args.length); i++) {
    const left = at(a.args, i)
    const right = at(b.args, i)
    const order = compareBytewise(left.type, right.type) || compareBytewise(left.id, right.id)
    if (order !== 0) return order
  }
  return a.args.length - b.args.length
}

const where = (bound: readonly (Encoded | null)[]): string => {
  const conditions = bound.flatMap((value, i) => (value === null ? [] : [`${columnName(i)} = ?`]))
  return conditions.length > 0 ? ` where ${conditions.join(' and ')}` : ''
}

const values = (bound: readonly (Encoded | null)[]): Encoded[] => bound.filter((value) => value !== null)

const text = (value: SqlValue | undefined): string => {
  assert(typeof value === 'string', 'ids are selected as text')
  return value
}

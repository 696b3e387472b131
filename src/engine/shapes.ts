/** The facts a question can read: stored tables and the context facts of the request. */
import { at } from '../base/assert.ts'
import type { Fact } from '../base/value.ts'
import type { FactShape } from '../ir/fact-source.ts'
import type { Encoded, FactTable } from '../store/facts.ts'
import type { RequestValues } from './values.ts'

/** Smaller tables are planned as if they had this many rows: a plan is made for the size a table grows to, and scanning a small one is no saving. */
const MIN_ROWS = 1000
/** Distinct values per column of a table that is still empty. */
const EMPTY_DISTINCT = 100

/** Types whose values are not things that facts are about: how many there are of them says nothing. */
const PLAIN_TYPES: ReadonlySet<string> = new Set(['String', 'Integer', 'Boolean'])

export const tableShapes = (tables: readonly FactTable[]): FactShape[] => {
  const known = new Map<string, number>()
  for (const { signature, distinct } of tables)
    for (const [index, type] of signature.types.entries()) known.set(type, Math.max(known.get(type) ?? 1, at(distinct, index)))
  return tables.map((table) => ({
    ...tableShape(table),
    coverage: table.signature.types.map((type, index) => (PLAIN_TYPES.has(type) ? 1 : at(table.distinct, index) / (known.get(type) ?? 1))),
  }))
}

const tableShape = (table: FactTable): FactShape => {
  const scale = table.rows > 0 && table.rows < MIN_ROWS ? MIN_ROWS / table.rows : 1
  return {
    predicate: table.signature.predicate,
    types: table.signature.types.map((type) => [type]),
    names: table.signature.types.map(() => null),
    origin: { kind: 'table', table: table.table },
    rows: Math.max(table.rows, MIN_ROWS),
    distinct: table.distinct.map((count) => grown(count, table.rows, scale)),
    orders: table.orders,
  }
}

/** Few values for many rows, as names of roles are, stay few when the table grows. */
const grown = (distinct: number, rows: number, scale: number): number => {
  if (rows === 0) return EMPTY_DISTINCT
  return distinct <= Math.max(1, rows / 8) ? distinct : distinct * scale
}

/** Names the signature of a context fact. */
const contextSlot = (fact: Fact): string => JSON.stringify([fact.predicate, ...fact.args.map((arg) => arg.type)])

/** Signatures present in the request, sorted: part of the key of a compiled question. */
export const contextSlots = (facts: readonly Fact[]): string[] => [...new Set(facts.map(contextSlot))].sort()

export const contextShapes = (facts: readonly Fact[]): FactShape[] => {
  const bySlot = new Map(facts.map((fact) => [contextSlot(fact), fact]))
  return [...bySlot].map(([slot, fact]) => ({
    predicate: fact.predicate,
    types: fact.args.map((arg) => [arg.type]),
    names: fact.args.map(() => null),
    origin: { kind: 'context', slot },
    rows: 4,
    distinct: fact.args.map(() => 2),
    orders: [],
  }))
}

export const contextRows = (facts: readonly Fact[], values: RequestValues): Map<string, Encoded[][]> => {
  const rows = new Map<string, Encoded[][]>()
  for (const fact of facts) {
    const slot = contextSlot(fact)
    const list = rows.get(slot) ?? []
    list.push(fact.args.map((arg) => values.encode(arg)))
    rows.set(slot, list)
  }
  return rows
}

/** Names of tables and columns in a replica: pure functions, so that SQL can be written before a table exists. User text never reaches a name. */
import { hash128, hex } from '../base/hash.ts'

/** The dictionary: `entity(id INTEGER PRIMARY KEY, type, key)`, unique by (type, key), so that an index walks the ids of a type in bytewise order of their keys. `type` is a number of `typeTable`. */
export const entityTable = 'entity'

/** The types of the dictionary: `type(id INTEGER PRIMARY KEY, name)`. Integer and Boolean are not among them: their values stand in the columns themselves. */
export const typeTable = 'type'

/** Table of the facts with this predicate and these argument types: `f_` and 32 hexadecimal digits, safe unquoted. */
export const tableName = (signature: { readonly predicate: string; readonly types: readonly string[] }): string =>
  `f_${hex(hash128([signature.predicate, ...signature.types]))}`

/** Column of argument `index`, counted from 0: `c1` is the first. */
export const columnName = (index: number): string => `c${index + 1}`

/** Index of a fact table over these columns, counted from 0. */
export const indexName = (table: string, columns: readonly number[]): string => `${table}_${columns.map((column) => column + 1).join('_')}`

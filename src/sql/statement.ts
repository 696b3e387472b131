/** Whole statements: a check, the rows of a question, a walk over the ids of a type. */
import { anyExists, type Fragment, renderSelect, unionAll } from './fragment.ts'
import { columnName, entityTable, typeTable } from './naming.ts'
import type { Parameters } from './parameters.ts'

/** One row with one column: 1 when any fragment yields a row. */
export const checkStatement = (fragments: readonly Fragment[]): string => `SELECT ${anyExists(fragments)}`

/** Rows of several branches: the number of the branch, then its outputs, padded to one width. */
export const rowsStatement = (branches: readonly { readonly number: number; readonly fragments: readonly Fragment[] }[]): string => {
  const width = Math.max(0, ...branches.flatMap((branch) => branch.fragments.map((fragment) => fragment.outputs.length)))
  return unionAll(
    branches.flatMap(({ number, fragments }) =>
      fragments.map((fragment) =>
        renderSelect(
          fragment,
          [`${number}`, ...fragment.outputs, ...Array.from({ length: width - fragment.outputs.length }, () => 'NULL')].map(
            (column, index) => `${column} AS ${columnName(index)}`,
          ),
        ),
      ),
    ),
  )
}

/** Walks the next `limit` ids of a type after a key, in order: key, and 1 where the check (written over `e.id`) holds. */
export const walkStatement = (fragments: readonly Fragment[], parameters: Parameters): string => {
  const type = parameters.placeholder({ kind: 'control', name: 'type' })
  const after = parameters.placeholder({ kind: 'control', name: 'after' })
  const limit = parameters.placeholder({ kind: 'control', name: 'limit' })
  const chunk = `SELECT id, key FROM ${entityTable} WHERE type = (SELECT id FROM ${typeTable} WHERE name = ${type}) AND key > ${after} ORDER BY key LIMIT ${limit}`
  return `SELECT e.key, ${anyExists(fragments)} FROM (${chunk}) AS e`
}

/** The id that `walkStatement`'s check is written over. */
export const walkedId = 'e.id'

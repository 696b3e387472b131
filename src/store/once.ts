/** Statements that run once in a while: prepared, run and finalized. Preparing costs ten times running, so nothing on a hot path uses these. */
import type { Database, SqlValue } from './database.ts'

export const allOnce = (database: Database, sql: string, ...values: readonly SqlValue[]): SqlValue[][] => {
  const statement = database.prepare(sql)
  try {
    return statement.all(...values)
  } finally {
    statement.finalize()
  }
}

/** Number of changed rows. */
export const runOnce = (database: Database, sql: string, ...values: readonly SqlValue[]): number => {
  const statement = database.prepare(sql)
  try {
    return statement.run(...values)
  } finally {
    statement.finalize()
  }
}

/** Calls `each` with every row. */
export const eachOnce = (database: Database, sql: string, values: readonly SqlValue[], each: (row: readonly SqlValue[]) => void): void => {
  const statement = database.prepare(sql)
  try {
    const next = (row: readonly SqlValue[]): boolean => {
      each(row)
      return true
    }
    statement.each(next, ...values)
  } finally {
    statement.finalize()
  }
}

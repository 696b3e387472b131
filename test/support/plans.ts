/** Reads SQLite's own plan of a statement for the one thing that must not happen: scanning a table of facts that could have been searched. */
import type { Database } from '../../src/store/database.ts'

/** Scans of fact tables in a statement's plan. A table that nothing restricts (is there any such fact?) stops at its first row, and is no scan. */
export const factScans = (database: Database, sql: string): string[] => {
  const statement = database.prepare(`EXPLAIN QUERY PLAN ${sql}`)
  const details = statement.all().map((row) => String(row[3]))
  statement.finalize()
  return details.filter((detail) => {
    const alias = /^SCAN (f\d+)/.exec(detail)?.[1]
    return alias !== undefined && isFactTable(sql, alias) && isRestricted(sql, alias)
  })
}

const isFactTable = (sql: string, alias: string): boolean => new RegExp(`f_[0-9a-f]{32} AS ${alias}\\b`).test(sql)

const isRestricted = (sql: string, alias: string): boolean => new RegExp(`\\b${alias}\\.c\\d+ (=|IN)`).test(sql)

/** The same database, telling every statement that is prepared. */
export const watched = (database: Database, onPrepare: (sql: string) => void): Database => ({
  exec: (sql) => database.exec(sql),
  prepare: (sql) => {
    onPrepare(sql)
    return database.prepare(sql)
  },
  inTransaction: () => database.inTransaction(),
  guarded: (steps, stop, work, remembered) => database.guarded(steps, stop, work, remembered),
  serialize: () => database.serialize(),
  deserialize: (image, slack) => database.deserialize(image, slack),
  receive: (rawBytes, slack) => database.receive(rawBytes, slack),
  memoryBytes: () => database.memoryBytes(),
  close: () => database.close(),
})

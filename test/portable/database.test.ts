/** The binding over sqlite3.wasm is a `Database`. */
import { emptyDatabase } from '../support/database.ts'
import { databaseConformance } from './database-conformance.ts'

databaseConformance(emptyDatabase)

/** Which environment the state in a database is of: an image tells it, so that one in another's place is refused. */
import { assert, at } from '../base/assert.ts'
import type { Database, SqlValue } from './database.ts'
import { allOnce, runOnce } from './once.ts'

/** Of `meta`: the last column, behind those that images of earlier versions have. */
const ENVIRONMENT_AT = 7

/** Null when the image does not say: an earlier version made it, or nobody has written it down yet. */
export const environmentOf = (database: Database): SqlValue => metaOf(database)[ENVIRONMENT_AT] ?? null

/** What is wrong with a state or records of an environment where those of another one are expected, behind their name; null when nothing is, or it is not said. */
export const foreignTo = (found: SqlValue, env: string): string | null =>
  found === null || found === env ? null : `belongs to environment \`${found}\`, expected \`${env}\``

/** Writes it down, in every image that is made of the database from now on. Throws SqlError. */
export const belongTo = (database: Database, env: string): void => {
  const found = environmentOf(database)
  if (found === env) return
  assert(found === null, `the state of an environment never becomes that of \`${env}\``)
  if (metaOf(database).length === ENVIRONMENT_AT) database.exec('alter table meta add column environment text')
  runOnce(database, 'update meta set environment = ?', env)
}

const metaOf = (database: Database): readonly SqlValue[] => at(allOnce(database, 'select * from meta'), 0)

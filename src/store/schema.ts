/** The tables of a replica beside its fact tables, and the check that an image is one that this engine reads. */
import { at } from '../base/assert.ts'
import { entityTable, typeTable } from '../sql/naming.ts'
import type { Database } from './database.ts'
import { allOnce, runOnce } from './once.ts'

const FORMAT = 'arctos replica'
/** Grows with every change of the layout; snapshots name it. */
export const schemaVersion = 1

/** An image that is not a replica of this schema version: load another one. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
}

/** Half of the default: a write copies the pages it touches for its rollback, 15 % faster for scattered ones. */
const PAGE_BYTES = 4096

const SCHEMA = `
create table meta (id integer primary key check (id = 1), format text not null, schema_version integer not null,
  revision integer not null, log_id text, state_hash text not null, active_policy integer, environment text) strict;
create table ${typeTable} (id integer primary key, name text not null unique) strict;
create table ${entityTable} (id integer primary key, type integer not null, key text not null, unique (type, key)) strict;
create table fact_table (name text primary key, predicate text not null, types text not null, orders text not null,
  rows integer not null, sketches text not null) strict, without rowid;
create table policy (version integer primary key, filename text, source text not null, created_at_ms integer not null) strict;
create table remembered_write (sequence integer primary key, id text not null unique, revision integer not null) strict;
`

/** Creates the schema in an empty database; in any other one checks that it is there. Throws SchemaError. */
export const openSchema = (database: Database): void => {
  if (tableNames(database).length === 0) createSchema(database)
  else checkSchema(database)
}

/** Throws SchemaError when the database is no replica of this schema version. */
export const checkSchema = (database: Database): void => {
  const names = tableNames(database)
  if (!names.includes('meta')) throw new SchemaError('the database is no replica: it has no table `meta`')
  const [format, version] = at(allOnce(database, 'select format, schema_version from meta'), 0)
  if (format !== FORMAT) throw new SchemaError(`the database has format \`${String(format)}\`, want \`${FORMAT}\``)
  if (version !== schemaVersion) throw new SchemaError(`the replica has schema version ${String(version)}, want ${schemaVersion}`)
}

const tableNames = (database: Database): readonly unknown[] =>
  allOnce(database, "select name from sqlite_schema where type = 'table'").map(([name]) => name)

const createSchema = (database: Database): void => {
  database.exec(`pragma page_size=${PAGE_BYTES}; begin; ${SCHEMA} commit`)
  runOnce(database, 'insert into meta values (1, ?, ?, -1, null, ?, null, null)', FORMAT, schemaVersion, '0'.repeat(32))
}

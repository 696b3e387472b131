/** The kept policy versions of a replica. */
import { assert, at } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import type { Database } from './database.ts'
import type { StoredPolicy } from './facts.ts'
import { allOnce, runOnce } from './once.ts'

export const readPolicy = (database: Database, version: number): StoredPolicy | null => {
  const [row] = allOnce(database, 'select filename, source, created_at_ms from policy where version = ?', version)
  if (row === undefined) return null
  const [filename, source, createdAtMs] = row
  assert(filename === null || typeof filename === 'string', 'a file name is text')
  assert(typeof source === 'string' && typeof createdAtMs === 'number', 'a policy has a source and a time')
  return { version, filename, source, createdAtMs }
}

/** Ascending. */
export const policyVersions = (database: Database): number[] =>
  allOnce(database, 'select version from policy order by version').map(([version]) => {
    assert(typeof version === 'number', 'a policy version is a number')
    return version
  })

/** Keeps a policy as the next version, which is returned; the oldest versions beyond the bounds go, but never this one. */
export const addPolicy = (database: Database, policy: Omit<StoredPolicy, 'version'>): number => {
  // The newest version is never dropped, so numbering needs no counter of its own.
  const version = Number(at(at(allOnce(database, 'select coalesce(max(version), 0) + 1 from policy'), 0), 0))
  const { filename, source, createdAtMs } = policy
  runOnce(
    database,
    'insert into policy (version, filename, source, created_at_ms) values (?, ?, ?, ?)',
    version,
    filename,
    source,
    createdAtMs,
  )
  runOnce(database, DROP_OLD, version, limits.policyVersions, limits.policyVersionBytes)
  return version
}

const DROP_OLD = `delete from policy where version in (
  select version from (
    select version, row_number() over newest as position, sum(octet_length(source)) over newest as bytes
    from policy window newest as (order by version desc))
  where version <> ?1 and (position > ?2 or bytes > ?3))`

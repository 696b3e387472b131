/** The only writer of a replica: folds records of the log into a store, each at most once. */
import { assert, at, Bug, known } from '../base/assert.ts'
import { canonicalId, type Fact, type FactPattern, type Value, type ValuePattern } from '../base/value.ts'
import type { Store } from '../store/facts.ts'
import type { RevisedRecord } from './log.ts'
import type { Change, LogRecord, RestoreBody } from './record.ts'

export interface ApplyOutcome {
  /** Position of the store now. */
  readonly revision: number
  /** Records that took effect, and those that had done so before. */
  readonly applied: number
  readonly skipped: number
  /** Facts that appeared and went. */
  readonly inserted: number
  readonly removed: number
  /** Facts that no store can hold, which an API in front of the log refuses: they have no effect, anywhere. */
  readonly ignored: number
  /** A policy was saved or everything was cleared: what was compiled before is out of date. */
  readonly policyChanged: boolean
  /** What stopped it: a record that replaces the state by that of an object, which the caller loads. Everything in front of it is applied, nothing behind it. */
  readonly restore: RestoreRecord | null
}

export interface RestoreRecord {
  readonly revision: number
  readonly record: LogRecord
  readonly body: RestoreBody
}

/** Why records are no continuation of this replica. An incident: nothing of the record is applied and a person has to look. */
export type ApplyErrorCode = 'foreign-log' | 'no-genesis'

export class ApplyError extends Error {
  override readonly name = 'ApplyError'
  readonly code: ApplyErrorCode
  readonly revision: number
  constructor(code: ApplyErrorCode, revision: number, message: string) {
    super(message)
    this.code = code
    this.revision = revision
  }
}

/** Applies records in order of revision, in one transaction: all of them or, when this throws, none. Before a record of a foreign log stops it, the records
 * in front of it are applied, so that the grouping of records never matters. Throws ApplyError, and SqlError as the store does. */
export const apply = (store: Store, records: readonly RevisedRecord[]): ApplyOutcome => {
  const start = store.revision()
  const fresh = records.filter((record) => record.revision > start)
  const { logId, belonging, incident, restore } = admit(store, fresh)
  const tally: Tally = { applied: 0, skipped: records.length - fresh.length, inserted: 0, removed: 0, ignored: 0, policyChanged: false }
  if (belonging > 0) {
    store.transaction(() => {
      for (const { revision, record } of fresh.slice(0, belonging)) applyRecord(store, { revision, record }, tally)
      store.setPosition(known(logId, 'admitted records have a log'), at(fresh, belonging - 1).revision)
    })
  }
  if (incident !== null) throw incident
  return { revision: store.revision(), ...tally, restore }
}

/** How much it takes to apply them. */
export const changesOf = (records: readonly RevisedRecord[]): number => records.reduce((sum, { record }) => sum + weightOf(record), 0)

/** Splits records into turns of at most `changes` changes, or of one record that has more. */
export const turns = (records: readonly RevisedRecord[], changes: number): readonly (readonly RevisedRecord[])[] => {
  const groups: RevisedRecord[][] = []
  let room = 0
  for (const record of records) {
    const weight = weightOf(record.record)
    if (weight > room || groups.length === 0) {
      groups.push([])
      room = changes
    }
    at(groups, groups.length - 1).push(record)
    room -= weight
  }
  return groups
}

interface Tally {
  applied: number
  skipped: number
  inserted: number
  removed: number
  ignored: number
  policyChanged: boolean
}

interface Admitted {
  readonly logId: string | null
  readonly belonging: number
  readonly incident: ApplyError | null
  readonly restore: RestoreRecord | null
}

/** How many of the records can be applied to this store, the log they belong to, and why the next one cannot. */
const admit = (store: Store, records: readonly RevisedRecord[]): Admitted => {
  let logId = store.logId()
  let previous = -1
  for (const [index, { revision, record }] of records.entries()) {
    assert(revision > previous, `revision ${revision} after ${previous}`)
    previous = revision
    if (record.body.kind === 'genesis') {
      // The first one wins: two replicators may have found the same empty log.
      logId ??= record.logId
    } else if (record.logId !== logId) {
      return { logId, belonging: index, incident: refusal(logId, revision, record.logId), restore: null }
    } else if (record.body.kind === 'restore' && !isRepetition(store, records.slice(0, index), record.writeId)) {
      return { logId, belonging: index, incident: null, restore: { revision, record, body: record.body } }
    }
  }
  return { logId, belonging: records.length, incident: null, restore: null }
}

/** Looks at the records in front too, so that their grouping does not matter. */
const isRepetition = (store: Store, before: readonly RevisedRecord[], writeId: string): boolean =>
  store.remembersWrite(writeId) || before.some(({ record }) => record.writeId === writeId)

const refusal = (logId: string | null, revision: number, found: string): ApplyError =>
  logId === null
    ? new ApplyError('no-genesis', revision, `revision ${revision} of log \`${found}\` comes before the log's genesis`)
    : new ApplyError('foreign-log', revision, `revision ${revision} belongs to log \`${found}\`, this replica follows log \`${logId}\``)

const applyRecord = (store: Store, { revision, record }: RevisedRecord, tally: Tally): void => {
  const { body } = record
  if (body.kind === 'genesis' || store.rememberWrite(record.writeId, revision)) {
    tally.skipped++
    return
  }
  tally.applied++
  switch (body.kind) {
    case 'facts':
      for (const change of body.changes) applyChange(store, change, tally)
      return
    case 'policy':
      store.savePolicy(body.source, body.filename, record.appendedAtMs)
      tally.policyChanged = true
      return
    case 'clear':
      store.clear()
      tally.policyChanged = true
      return
    case 'restore':
      // Only a repetition gets here, and that was skipped.
      throw new Bug(`the restore record at revision ${revision} has to be loaded`)
  }
}

const applyChange = (store: Store, change: Change, tally: Tally): void => {
  if (change.kind === 'insert') {
    const fact = storable(change.fact)
    if (fact === undefined) tally.ignored++
    else if (store.insert(fact)) tally.inserted++
    return
  }
  const pattern = matchable(change.pattern)
  // A pattern that no stored fact can match removes nothing.
  if (pattern !== undefined) tally.removed += store.remove(pattern)
}

/** The fact with ids in canonical form, or undefined when no store can hold it. */
const storable = ({ predicate, args }: Fact): Fact | undefined => {
  if (args.length === 0 || !predicate.isWellFormed()) return undefined
  const canonical = args.map(canonicalValue)
  return canonical.every((value) => value !== undefined) ? { predicate, args: canonical } : undefined
}

const matchable = ({ predicate, args }: FactPattern): FactPattern | undefined => {
  if (args.length === 0 || !predicate.isWellFormed()) return undefined
  const canonical = args.map(canonicalPattern)
  return canonical.every((value) => value !== undefined) ? { predicate, args: canonical } : undefined
}

const canonicalPattern = (pattern: ValuePattern): ValuePattern | undefined => {
  const { type, id } = pattern
  if (type !== null && id !== null) return canonicalValue({ type, id })
  return id === null && (type === null || type.isWellFormed()) ? pattern : undefined
}

const canonicalValue = ({ type, id }: Value): Value | undefined => {
  const canonical = canonicalId(type, id)
  return canonical !== undefined && canonical.isWellFormed() && type.isWellFormed() ? { type, id: canonical } : undefined
}

const weightOf = ({ body }: LogRecord): number => (body.kind === 'facts' ? body.changes.length : 1)

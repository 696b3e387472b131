/** What keeps an environment from following its log: whether waiting mends it, and whether the log is still the one that was followed. */
import { messageOf } from '../src/base/message.ts'
import { ApplyError } from '../src/log/apply.ts'
import { LogError, type LogErrorCode, type RevisedRecord } from '../src/log/log.ts'
import type { Store } from '../src/store/facts.ts'

export const problemOf = (error: unknown): LogError => {
  if (error instanceof LogError) return error
  const reason = messageOf(error)
  if (error instanceof ApplyError) return new LogError('diverged', reason, { cause: error })
  return new LogError('unavailable', reason, { cause: error })
}

/** Whether it may pass: the log or an object store answers again, or comes back as it was. What `apply` refuses stays so. */
export const isMendable = (error: unknown): boolean => !(error instanceof ApplyError) && mendable.has(problemOf(error).code)

const mendable: ReadonlySet<LogErrorCode> = new Set(['unavailable', 'out-of-range', 'diverged'])

/** Whether the record that the log has at the revision of a store is the one that was applied there: a log that was cut off and went on with other records looks
 * like the old one, but for that. */
export const isLastApplied = (store: Store, last: RevisedRecord | undefined): boolean => {
  if (last?.revision !== store.revision()) return false
  const { logId, writeId, body } = last.record
  // Of several first records one won; `apply` remembers none of them.
  return body.kind === 'genesis' ? store.logId() !== null : store.logId() === logId && store.remembersWrite(writeId)
}

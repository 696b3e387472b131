/** Whether a log goes on where a replica stands: that it reaches back as far, reaches as far, and holds what was applied. */
import { type Log, type LogBounds, LogError } from '../src/log/log.ts'
import type { Store } from '../src/store/facts.ts'
import { isLastApplied } from './follow-problem.ts'

/** A log that ends before it was followed to lost records that were acknowledged: nothing here may paper over that. */
export const diverged = (env: string, through: number, bounds: LogBounds | null): LogError =>
  new LogError(
    'diverged',
    `the log of environment \`${env}\` ends at revision ${bounds?.last ?? -1}, applied here is ${through}: it was cut off or made anew; ` +
      'restore the log, or move the objects of the environment aside to follow the log as it is; recovery is not automatic',
  )

export const refusalOf = (through: number, bounds: LogBounds | null): 'diverged' | 'too-old' | null => {
  if (bounds === null) return null
  if (through > bounds.last) return 'diverged'
  return through < bounds.first - 1 ? 'too-old' : null
}

/** Whether the log holds every record that there ever was of an environment. */
export const isWhole = (bounds: LogBounds | null, bornAfter: number | null): boolean =>
  bounds !== null && (bounds.first === 0 || (bornAfter !== null && bounds.first <= bornAfter + 1))

/** Rejects with LogError `diverged` when the log holds something else where the last record was applied. */
export const checkLast = async (log: Pick<Log, 'read'>, env: string, store: Store, bounds: LogBounds): Promise<void> => {
  const revision = store.revision()
  if (revision < bounds.first) return
  const [last] = await log.read(env, revision - 1, 1)
  if (!isLastApplied(store, last)) throw diverged(env, revision, bounds)
}

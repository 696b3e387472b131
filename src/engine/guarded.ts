/** Runs the statements of one question under its budget of time, or of steps where the clock stands still. */
import { type Database, type Remembered, SqlError } from '../store/database.ts'
import { isNoMemory, resultCodes } from '../store/instance.ts'
import { QueryError, type Request } from './engine.ts'

/** Virtual machine instructions between two looks at the clock. */
const BUDGET_STEPS = 20_000
/** Instructions per allowed millisecond where the clock stands still. */
const STEPS_PER_MS = 50_000

export const noMemory = (): QueryError =>
  new QueryError('query-too-large', 'the query needs more memory than there is: narrow the question')

/** Throws QueryError when the budget or the memory does not suffice. */
export const guarded = <T>(database: Database, { nowMs, timeoutMs }: Request, work: () => T, remembered: Remembered | null = null): T => {
  const end = nowMs ? nowMs() + timeoutMs : 0
  let steps = 0
  const stop = nowMs ? (): boolean => nowMs() > end : (): boolean => (steps += BUDGET_STEPS) > timeoutMs * STEPS_PER_MS
  try {
    return database.guarded(BUDGET_STEPS, stop, work, remembered)
  } catch (error) {
    if (error instanceof SqlError && error.code === resultCodes.interrupt)
      throw new QueryError(
        'query-too-slow',
        `the query took longer than ${timeoutMs} ms: narrow the question or simplify the policy, see docs/reference/polar.md#limits`,
      )
    throw isNoMemory(error) ? noMemory() : error
  }
}

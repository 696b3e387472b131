/** Plans under a budget of steps and time, and remembers what was too much: planning runs on the thread that serves. */
import { PlanBudget, TooComplex } from '../ir/budget.ts'
import { QueryError, type Request } from './engine.ts'
import { LazyCache } from './lazy-cache.ts'

/** How long a question that took too long is refused without trying again; one that took too many steps is refused for good. */
const RETRY_MS = 60_000

interface Failure {
  readonly error: QueryError
  readonly untilMs: number
}

export class PlanGuard {
  readonly #failures = new LazyCache<Failure>({ max: 10_000 })

  /** `key` names the shape of the question and what it is planned for. Throws QueryError. */
  run<T>(key: string, { nowMs, timeoutMs }: Request, work: (budget: PlanBudget) => T): T {
    const failed = this.#failures.get(key)
    if (failed && (nowMs === null || nowMs() < failed.untilMs)) throw failed.error
    const endMs = nowMs ? nowMs() + timeoutMs : 0
    const budget = new PlanBudget(nowMs ? () => nowMs() > endMs : undefined)
    try {
      return work(budget)
    } catch (error) {
      const refused = asRefusal(error)
      if (!refused) throw error
      this.#failures.set(key, { error: refused, untilMs: budget.isLate && nowMs ? nowMs() + RETRY_MS : Number.POSITIVE_INFINITY })
      throw refused
    }
  }

  clear(): void {
    this.#failures.clear()
  }
}

const asRefusal = (error: unknown): QueryError | null => {
  if (error instanceof QueryError) return error.code === 'query-too-complex' ? error : null
  if (!(error instanceof TooComplex)) return null
  return new QueryError('query-too-complex', `the question is too complex: ${error.message}; simplify the rules that it reaches`)
}

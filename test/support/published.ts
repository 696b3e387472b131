/** What a log told its listeners, for tests to wait for. */
import type { Log, LogError, RevisedRecord } from '../../src/log/log.ts'

export interface Heard {
  readonly records: (env: string) => readonly RevisedRecord[]
  readonly head: (env: string) => number
  readonly failure: (env: string) => LogError | null
  /** Resolves when it holds; bounded by the test's own time. */
  until(holds: () => boolean): Promise<void>
}

/** From now on. */
export const listen = (log: Log): Heard => {
  const records = new Map<string, RevisedRecord[]>()
  const heads = new Map<string, number>()
  const failures = new Map<string, LogError>()
  const waiting = new Set<() => void>()
  const changed = (): void => waiting.forEach((look) => look())
  log.subscribe({
    published(env, published, head) {
      records.set(env, [...(records.get(env) ?? []), ...published])
      heads.set(env, head)
      changed()
    },
    failed(env, error) {
      failures.set(env, error)
      changed()
    },
  })
  return {
    records: (env) => records.get(env) ?? [],
    head: (env) => heads.get(env) ?? -1,
    failure: (env) => failures.get(env) ?? null,
    until: async (holds) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!holds()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}

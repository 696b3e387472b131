/** A wait with an end, for work that goes on without it. */
import type { Later } from '../snapshots/later.ts'

/** Whether it settled in time. Rejects when the work does so within it. */
export const settledWithin = async (work: Promise<unknown>, timeoutMs: number, later: Later): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const cancel = later(timeoutMs, () => resolve(false))
    const settled = (): void => {
      cancel()
      resolve(true)
    }
    work.then(settled, (error: unknown) => {
      cancel()
      reject(error instanceof Error ? error : new Error(String(error)))
    })
  })

/** The attempts of one call to an S3 server: few, each of them within the time of the whole call. */
import { wait, within } from '../deadline.ts'
import type { StoreCall } from '../store-failure.ts'
import { s3Failure } from './s3-failure.ts'

export interface Attempts {
  readonly call: StoreCall
  /** Of all attempts together. */
  readonly timeoutMs: number
  readonly count: () => number
  readonly made: () => number
}

const ATTEMPTS = 4
const RETRY_MS = 50

/** Rejects with StoreError or S3Answer. */
export const persist = async <T>({ call, timeoutMs, count }: Attempts, send: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const attempt = count()
    try {
      return await within(send, Math.max(1, deadline - performance.now()), () => new Error(`no answer for ${Math.round(timeoutMs)} ms`))
    } catch (failure) {
      const { error, again } = s3Failure(failure, call)
      const pauseMs = RETRY_MS * 2 ** attempt * (0.5 + Math.random())
      if (!again || attempt >= ATTEMPTS || performance.now() + pauseMs > deadline) throw error
      await wait(pauseMs)
    }
  }
}

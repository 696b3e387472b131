/** Timing: one sample per call, and percentiles of the samples. */
import { at } from '../../src/base/assert.ts'

export class Samples {
  readonly #values: number[] = []

  /** Runs the work once and keeps how long it took. */
  time<T>(work: () => T): T {
    const start = performance.now()
    const result = work()
    this.#values.push(performance.now() - start)
    return result
  }

  add(valueMs: number): void {
    this.#values.push(valueMs)
  }

  get p50(): number {
    return percentile(this.#values, 0.5)
  }

  get p99(): number {
    return percentile(this.#values, 0.99)
  }

  get sum(): number {
    return this.#values.reduce((sum, value) => sum + value, 0)
  }
}

export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return at(sorted, Math.min(sorted.length - 1, Math.floor(sorted.length * share)))
}

export const microseconds = (valueMs: number): number => valueMs * 1000

/** Processor time of this thread, in ms: unlike the clock it stands still while other processes have the core. */
export const threadMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Counts what the program does, in blocks of code run, so that growth can be told without a clock. */
import { Session } from 'node:inspector'

interface Coverage {
  readonly result: readonly {
    readonly url: string
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[]
  }[]
}

export class StepCounter {
  readonly #session = new Session()
  readonly #part: string

  /** Counts in files whose path has this part; what was not loaded before is counted from when it is. */
  constructor(part: string) {
    this.#part = part
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Blocks that `work` runs; what built-in functions do inside is not seen. */
  count(work: () => void): number {
    this.take()
    work()
    return this.take()
  }

  /** Blocks run since it was last asked. */
  take(): number {
    let steps = 0
    // In one thread the answer is there when `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error) throw error
      for (const { url, functions } of (answer as Coverage).result) {
        if (!url.includes(this.#part)) continue
        for (const { ranges } of functions) for (const { count } of ranges) steps += count
      }
    })
    return steps
  }

  close(): void {
    this.#session.post('Profiler.stopPreciseCoverage')
    this.#session.disconnect()
  }
}

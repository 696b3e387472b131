/** Tells which environments are too large for Workers, where two images have to fit: their reads are answered by the origin. */
import { largestWorkerImage } from '../snapshots/worker-memory.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'

export class WorkerFit {
  readonly #log: WriteLogLine
  readonly #boundBytes: number
  readonly #tooLarge = new Set<string>()

  constructor(log: WriteLogLine, boundBytes = largestWorkerImage()) {
    this.#log = log
    this.#boundBytes = boundBytes
  }

  /** How many there are. */
  get tooLarge(): number {
    return this.#tooLarge.size
  }

  /** To be told after each publication: says it once when the newest snapshot crosses the bound, in either direction. */
  see(environment: string, rawBytes: number): void {
    const fields = { environment, rawBytes, boundBytes: this.#boundBytes }
    if (rawBytes > this.#boundBytes && !this.#tooLarge.has(environment)) {
      this.#tooLarge.add(environment)
      const consequence = 'Workers with the memory of the default answer its reads by their origin, and without one not at all'
      this.#log('warn', 'snapshot-too-large-for-workers', { ...fields, consequence })
    } else if (rawBytes <= this.#boundBytes && this.#tooLarge.delete(environment)) this.#log('info', 'snapshot-fits-workers', fields)
  }

  /** Of an environment that is gone. */
  forget(environment: string): void {
    this.#tooLarge.delete(environment)
  }
}

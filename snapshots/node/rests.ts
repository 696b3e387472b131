/** Turns of work with rests between them, for a thread that others should not notice. */

/** A reader that wakes where a thread works waits until its turn ends, whatever the priority of either (Linux 6.18: for the slice of a thread, and the tick behind
 * it): so turns are short, and most of the time nobody works. So many times as long as a turn took. */
const REST_TIMES = 8
/** Less is no turn yet. */
const TURN_MS = 0.3
/** Whoever waited for a processor that long has rested. */
const LONGEST_MS = 50

/** One number that threads share: not 0 when there are to be no more rests. */
export type Hurry = Int32Array<SharedArrayBuffer>

export const noHurry = (): Hurry => new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

/** Ends the rest that somebody has, too. */
export const hurry = (rests: Hurry): void => {
  Atomics.store(rests, 0, 1)
  Atomics.notify(rests, 0)
}

/** Of a thread that nobody waits for: it is blocked. */
export class Rests {
  readonly #hurry: Hurry
  #sinceMs = performance.now()

  constructor(hurried: Hurry) {
    this.#hurry = hurried
  }

  /** There was nothing to do meanwhile. */
  begin(): void {
    this.#sinceMs = performance.now()
  }

  /** To be called often: rests when there is enough to rest from. */
  rest(): void {
    const workedMs = performance.now() - this.#sinceMs
    if (workedMs < TURN_MS) return
    Atomics.wait(this.#hurry, 0, 0, Math.min(LONGEST_MS, workedMs * REST_TIMES))
    this.begin()
  }
}

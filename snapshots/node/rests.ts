/** Turns of work with rests between them. A reader that wakes where a thread works waits until its turn ends, whatever the priority of either (Linux 6.18: for
 * the slice of a thread, and the tick behind it): so turns are short, and most of the time nobody works. */

/** So many times as long as a turn took. */
const REST_TIMES = 4
/** Less is no turn yet. */
const TURN_MS = 0.3
/** Whoever waited for a processor that long has rested. */
const LONGEST_MS = 50

const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

/** Of a thread that nobody waits for: it is blocked. */
export class Rests {
  #sinceMs = performance.now()

  /** There was nothing to do meanwhile. */
  begin(): void {
    this.#sinceMs = performance.now()
  }

  /** To be called often: rests when there is enough to rest from. */
  rest(): void {
    const workedMs = performance.now() - this.#sinceMs
    if (workedMs < TURN_MS) return
    Atomics.wait(sleeper, 0, 0, Math.min(LONGEST_MS, workedMs * REST_TIMES))
    this.begin()
  }
}

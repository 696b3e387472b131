/** When a leader is believed that does not have what was read before: one that was left behind says so for a while. */
import { LogError } from '../src/log/log.ts'

/** A leader whose log may reach back to what was read, and that does not tell. Never believed: it waits for its replicas, for as long as there are fewer
 * than must acknowledge. Where the log did lose its last record and no other, the next one in its place tells. */
export class Untold extends Error {
  override readonly name = 'Untold'

  constructor(partition: number, offset: number, high: number) {
    super(
      `the leader of partition ${partition} tells what is durable up to revision ${high - 1}, revision ${offset} was read before: it waits for its replicas, or lost the last record, which the next write tells`,
    )
  }
}

/** How long a leader is not believed that has less than was read: one that was left behind learns within this that it leads no more. */
const BEHIND_MS = 5000

/** What is believed when it has stayed so for a time. */
export class Doubts {
  readonly #monotonicMs: () => number
  #behindSinceMs: number | null = null

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  /** The leader's log ends before what was read: whether to believe it. */
  behind(): boolean {
    this.#behindSinceMs ??= this.#monotonicMs()
    return this.#monotonicMs() - this.#behindSinceMs >= BEHIND_MS
  }

  /** It reaches as far, or nobody knows. */
  clear(): void {
    this.#behindSinceMs = null
  }
}

export const cutOff = (partition: number, offset: number): LogError =>
  new LogError(
    'diverged',
    `partition ${partition} of the log no longer holds what was read at revision ${offset}: it was cut off or made anew; environments are loaded again from their snapshots`,
  )

export const lost = (partition: number, position: number, low: number): LogError =>
  new LogError(
    'out-of-range',
    `partition ${partition} of the log was trimmed up to revision ${low - 1} before revision ${position} was read: load a snapshot`,
  )

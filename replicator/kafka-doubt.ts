/** When a leader is believed that does not have, or does not tell, what was read before: a new one, or one that was left behind, says so for a while. */
import { LogError } from '../src/log/log.ts'

/** A leader whose log may reach back to what was read, and that does not tell. */
export class Untold extends Error {
  override readonly name = 'Untold'

  constructor(partition: number, offset: number, high: number) {
    super(`the leader of partition ${partition} tells what is durable up to ${high}, revision ${offset} was read before`)
  }
}

/** How long a leader is not believed that has less than was read: one that was left behind learns within this that it leads no more. */
const BEHIND_MS = 5000
/** The same of one that has as much, and does not tell of it: it waits for replicas, those that are gone for up to `replica.lag.time.max.ms`, 30 s. */
const UNTOLD_MS = 60_000

/** What is believed when it has stayed so for a time. */
export class Doubts {
  readonly #monotonicMs: () => number
  #behindSinceMs: number | null = null
  #untoldSinceMs: number | null = null

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  /** The leader's log ends before what was read: whether to believe it. */
  behind(): boolean {
    this.#untoldSinceMs = null
    this.#behindSinceMs ??= this.#monotonicMs()
    return this.#monotonicMs() - this.#behindSinceMs >= BEHIND_MS
  }

  /** The leader does not show what was read: whether to believe that it is not there. */
  untold(): boolean {
    this.#behindSinceMs = null
    this.#untoldSinceMs ??= this.#monotonicMs()
    return this.#monotonicMs() - this.#untoldSinceMs >= UNTOLD_MS
  }

  /** Neither, or nobody knows. */
  clear(): void {
    this.#behindSinceMs = null
    this.#untoldSinceMs = null
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

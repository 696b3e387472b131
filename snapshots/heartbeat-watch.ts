/** How stale the copy of one environment is, told from heartbeats by one's own clock alone. */
import type { Heartbeat } from './heartbeat.ts'

interface Head {
  /** Position that a copy has to reach. */
  readonly needed: number
  /** It was written after this moment, but for the time that it took on its way. */
  readonly notBeforeMs: number
}

/** Heads that are remembered; a copy that is further behind is as stale as it looks. */
const PENDING = 64

export class HeartbeatWatch {
  readonly #env: string
  readonly #monotonicMs: () => number
  /** The newest heartbeat, and when the look began that found it. */
  #latest: Heartbeat | null = null
  #latestLookMs = 0
  /** Heads that the copy has not reached, oldest first. While there are writes, each heartbeat is ahead of what is published: an older one is what counts. */
  #pending: readonly Head[] = []
  #lastLookMs = 0
  /** Up to this moment the copy is known to be complete. */
  #freshAtMs: number | null = null

  constructor(env: string, monotonicMs: () => number) {
    this.#env = env
    this.#monotonicMs = monotonicMs
  }

  /** To be told after each look at the heartbeat, changed or not, when the copy has advanced as far as it can. `lookedAtMs`: when the look began, by the same
   * clock. */
  see(heartbeat: Heartbeat, coveredThrough: number, lookedAtMs: number): void {
    const before = this.#latest
    if (before === null || !isSame(before, heartbeat)) {
      const notBeforeMs = Math.min(this.#lastLookMs, lookedAtMs - heartbeat.intervalMs, this.#writtenMs(heartbeat))
      // Only a change is known to be young: what was there at the first look may be of any age. One that goes back was late on its way, or is of another
      // log: what comes after it counts again.
      if (before !== null && heartbeat.head >= before.head)
        this.#pending = [...this.#pending, { needed: neededOf(heartbeat, this.#env), notBeforeMs }].slice(-PENDING)
      else this.#pending = []
      this.#latest = heartbeat
      this.#latestLookMs = lookedAtMs
    }
    this.#lastLookMs = lookedAtMs
    for (const { needed, notBeforeMs } of this.#pending)
      if (coveredThrough >= needed) this.#freshAtMs = Math.max(this.#freshAtMs ?? notBeforeMs, notBeforeMs)
    this.#pending = this.#pending.filter(({ needed }) => coveredThrough < needed)
  }

  /** When it was written if the one before came at once. By the writer's own clock that may be long ago: this one was long on its way then. */
  #writtenMs({ seenAtMs }: Heartbeat): number {
    const passedMs = this.#latest === null ? -1 : seenAtMs - this.#latest.seenAtMs
    // Of two writers the clocks say nothing.
    return passedMs < 0 ? Number.POSITIVE_INFINITY : this.#latestLookMs + passedMs
  }

  /** Null before a change was seen whose head the copy has reached. */
  stalenessMs(): number | null {
    return this.#freshAtMs === null ? null : Math.max(0, this.#monotonicMs() - this.#freshAtMs)
  }
}

/** Environments of one partition share its positions: what is behind the environment's own last revision is of others. */
const neededOf = ({ head, environments }: Heartbeat, env: string): number => {
  const own = Object.hasOwn(environments, env) ? environments[env] : undefined
  return Math.min(head, own ?? head)
}

const isSame = (a: Heartbeat, b: Heartbeat): boolean => a.head === b.head && a.seenAtMs === b.seenAtMs && a.intervalMs === b.intervalMs

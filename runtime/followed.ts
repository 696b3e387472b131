/** The follower of one environment; where whoever looks may be cut off, another one that takes its place then. */
import type { Follower } from '../snapshots/follower.ts'

export class Followed {
  readonly #follow: () => Follower
  /** Answers, when it has a replica. */
  #current: Follower
  /** Loads what answers next, because the present one looks no more. */
  #next: Follower | null = null

  constructor(follow: () => Follower) {
    this.#follow = follow
    this.#current = follow()
  }

  get follower(): Follower {
    return this.#current
  }

  /** Whether a look is under way that somebody goes on with. */
  get isLooking(): boolean {
    const looking = this.#next ?? this.#current
    return looking.isLooking && !looking.isAbandoned
  }

  /** A look that is under way is joined. Never rejects. */
  async look(): Promise<void> {
    const last = this.#next ?? this.#current
    if (last.isAbandoned) {
      last.abandon()
      this.#next = this.#follow()
    }
    const looking = this.#next ?? this.#current
    await looking.refresh()
    if (looking !== this.#next || looking.replica === null) return
    // Until now the old one answered.
    this.#current.close()
    this.#current = looking
    this.#next = null
  }

  close(): void {
    this.#next?.close()
    this.#current.close()
  }
}

/** What is known of one register: a user who may read exactly one of two documents, moved from one to the other by a single writer, one move at a time. */
// Each move is one batch that takes the old role away and gives the new one, so a state in between is never to be seen.

/** Which of the two documents: 0 or 1. */
export type Side = 0 | 1

export interface Move {
  readonly revision: number
  readonly side: Side
}

export const otherSide = (side: Side): Side => (side === 0 ? 1 : 0)

export class Register {
  readonly id: string
  /** By revision. */
  readonly #moves: Move[] = []
  #pending: Side | null = null
  #uncertain: Side | null = null

  constructor(id: string) {
    this.id = id
  }

  /** The last acknowledged move, null before there is one. */
  get last(): Move | null {
    return this.#moves.at(-1) ?? null
  }

  /** A move of unknown outcome may still come, at any time: nothing more is written to it. */
  get isRetired(): boolean {
    return this.#uncertain !== null
  }

  get isMoving(): boolean {
    return this.#pending !== null
  }

  /** Where the next move leads. */
  get next(): Side {
    return this.last === null ? 0 : otherSide(this.last.side)
  }

  begin(): void {
    this.#pending = this.next
  }

  /** Returns whether the revision is one that the log can have given: behind those before it. */
  acknowledge(revision: number): boolean {
    const inOrder = this.last === null || revision > this.last.revision
    if (this.#pending !== null && inOrder) this.#moves.push({ revision, side: this.#pending })
    this.#pending = null
    return inOrder
  }

  /** The move has no effect. */
  refuse(): void {
    this.#pending = null
  }

  lose(): void {
    this.#uncertain = this.#pending
    this.#pending = null
  }

  /** The documents that may be readable at a revision, as lists of sides of which one has to be the answer; null: the move under way decides. */
  possible(revision: number): readonly (readonly Side[])[] | null {
    const at = this.#moves.findLast((move) => move.revision <= revision)
    const now: readonly Side[] = at === undefined ? [] : [at.side]
    if (at !== this.#moves.at(-1)) return [now]
    if (this.#pending !== null) return null
    return this.#uncertain === null ? [now] : [now, [this.#uncertain]]
  }
}

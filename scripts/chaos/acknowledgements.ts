/** When each revision was acknowledged: how old a state is that does not have all of them. */

interface Acknowledged {
  readonly revision: number
  readonly atMs: number
}

export class Acknowledgements {
  /** By revision. */
  readonly #all: Acknowledged[] = []

  get count(): number {
    return this.#all.length
  }

  get lastRevision(): number {
    return this.#all.at(-1)?.revision ?? -1
  }

  /** False for a revision that another write was given. */
  add(revision: number, atMs: number): boolean {
    // Answers overtake each other, so its place is near the end.
    let index = this.#all.length
    while (index > 0 && (this.#all[index - 1]?.revision ?? -1) > revision) index--
    if (this.#all[index - 1]?.revision === revision) return false
    this.#all.splice(index, 0, { revision, atMs })
    return true
  }

  /** How long before a moment the first write was acknowledged that a state of this revision lacks; 0 when it lacks none. */
  ageMs(revision: number, nowMs: number): number {
    let first = nowMs
    for (let index = this.#all.length - 1; index >= 0; index--) {
      const acknowledged = this.#all[index]
      if (acknowledged === undefined || acknowledged.revision <= revision) break
      first = Math.min(first, acknowledged.atMs)
    }
    return nowMs - first
  }
}

/** The state hashes of the revisions that a replica went through, to compare them with what others publish. */
import { limits } from '../src/base/limits.ts'

export class StateHashes {
  readonly #hashes = new Map<number, string>()

  note(revision: number, stateHash: string): void {
    this.#hashes.delete(revision)
    this.#hashes.set(revision, stateHash)
    for (const oldest of this.#hashes.keys()) {
      if (this.#hashes.size <= limits.stateHashes) return
      this.#hashes.delete(oldest)
    }
  }

  /** Undefined: not known, because it is too old or was passed in a group of records. */
  at(revision: number): string | undefined {
    return this.#hashes.get(revision)
  }

  /** After the state was replaced. */
  clear(): void {
    this.#hashes.clear()
  }
}

/** What was said of a failure that lasts, so that each reason is said once: what is away for a day would fill the disk with lines. */

/** Reasons that are remembered; one that comes after so many others is said again. */
const REMEMBERED = 16

export class Said {
  #reasons: readonly string[] = []

  /** Whether it was not said since the last time that all was well. */
  isNews(reason: string): boolean {
    if (this.#reasons.includes(reason)) return false
    this.#reasons = [...this.#reasons, reason].slice(-REMEMBERED)
    return true
  }

  /** All is well; returns whether it was not. */
  clear(): boolean {
    const wasSaid = this.#reasons.length > 0
    this.#reasons = []
    return wasSaid
  }
}

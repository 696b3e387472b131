/** As of when a reader of a tail has everything that the log held: what staleness is counted from. */

export interface Proof {
  /** What was pushed to the reader. */
  through: number
  /** The head of the log as it was known at some time: once that is pushed, the reader has all that there was then. */
  target: { readonly last: number; readonly asOfMs: number } | null
  /** As of then the reader has everything; null: never. */
  freshAsOfMs: number | null
}

/** Moves `freshAsOfMs` on when the reader has got what the log held then. While writes pour in, it never has all that there is now. */
export const prove = (proof: Proof, last: number | null, asOfMs: number | null): void => {
  if (last === null || asOfMs === null) return
  if (proof.target !== null && proof.through >= proof.target.last) {
    proof.freshAsOfMs = proof.target.asOfMs
    proof.target = null
  }
  if (proof.through >= last) proof.freshAsOfMs = asOfMs
  else proof.target ??= { last, asOfMs }
}

/** What is held in memory beside a database, per environment. */

export interface HeldBounds {
  /** Remembered values of the dictionary, in each direction: at most twice as many, about 100 bytes each. */
  readonly cachedValues: number
  /** Bytes of the texts that are all held, as far as they fit. */
  readonly residentBytes: number
  /** Numbers that checks remember of their subjects (the teams of a user), what their places take included: at most twice as many, 8 bytes each; and a quarter of
   * that for the steps to them. */
  readonly rememberedNumbers: number
}

/** About two million texts, and 20,000 subjects. */
export const roomy: HeldBounds = { cachedValues: 50_000, residentBytes: 64 * 1024 * 1024, rememberedNumbers: 1_000_000 }

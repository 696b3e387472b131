/** The first record of an environment, which this replicator appends at most once at a time. Of several the first wins, everywhere. */
export interface GenesisOptions {
  readonly exists: () => boolean
  /** Resolves when what the log holds is known, as far as it can be: otherwise every start would append one more. */
  readonly known: () => Promise<void>
  readonly append: () => Promise<unknown>
}

export class Genesis {
  readonly #options: GenesisOptions
  #begun: Promise<void> | null = null

  constructor(options: GenesisOptions) {
    this.#options = options
  }

  /** Resolves when there is one. Rejects as an append does. */
  async ensure(): Promise<void> {
    if (this.#options.exists()) return
    this.#begun ??= this.#append()
    try {
      await this.#begun
    } catch (error) {
      this.#begun = null
      throw error
    }
  }

  async #append(): Promise<void> {
    const { exists, known, append } = this.#options
    await known()
    if (!exists()) await append()
  }
}

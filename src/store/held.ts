/** What is held in memory beside a database. */
import { limits } from '../base/limits.ts'

export interface HeldBounds {
  /** Remembered values of the dictionary, in each direction: at most twice as many, about 100 bytes each. */
  readonly cachedValues: number
  /** Bytes of the texts that are all held, as far as they fit. */
  readonly residentBytes: number
  /** Numbers that checks remember of their subjects: at most twice as many, 8 bytes each, and a quarter of that for the steps to them. */
  readonly rememberedNumbers: number
}

export const roomy: HeldBounds = {
  cachedValues: limits.dictionaryCache,
  residentBytes: limits.residentDictionaryBytes,
  rememberedNumbers: limits.rememberedNumbers,
}

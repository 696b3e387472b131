/** Percentiles over rounds: each is taken within a round, and the median of the rounds tells, so that one disturbed round does not. */
import { assert } from '../../src/base/assert.ts'
import { percentile } from './timing.ts'

export const median = (values: readonly number[]): number => percentile(values, 0.5)

/** One list of samples per round. */
export const overRounds = (rounds: readonly (readonly number[])[], share: number): number => {
  assert(rounds.length > 0 && rounds.every((round) => round.length > 0), 'a round has samples')
  return median(rounds.map((round) => percentile(round, share)))
}

/** Samples of one round, right after each other. */
export interface Pair {
  readonly without: readonly number[]
  readonly during: readonly number[]
}

/** The percentile while something goes on, and how many times that is the percentile without it of the same round. */
export const against = (
  pairs: readonly Pair[],
  share: number,
): { readonly value: number; readonly ratio: number; readonly without: number } => ({
  value: overRounds(
    pairs.map(({ during }) => during),
    share,
  ),
  without: overRounds(
    pairs.map(({ without }) => without),
    share,
  ),
  ratio: median(pairs.map(({ without, during }) => percentile(during, share) / percentile(without, share))),
})

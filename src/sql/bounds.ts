/** Why a plan cannot be one statement. */

/** The plan needs evaluation by rounds: a recursive group that no recursive CTE can express. */
export class NeedsRounds extends Error {
  override readonly name = 'NeedsRounds'
}

/** The SQL text would be larger than `limits.sqlFragments`. */
export class SqlTooLarge extends Error {
  override readonly name = 'SqlTooLarge'
}

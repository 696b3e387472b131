/** A mistake that is told in one line; the exit code is 1. */
export class CliError extends Error {
  override readonly name = 'CliError'
}

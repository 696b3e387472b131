/** A clock that all threads of a process share: each has a `performance.now()` of its own. */

/** Milliseconds; goes on while the process is stopped. */
export const threadClockMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000

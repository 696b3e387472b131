/** Timers as a parameter, so that time can be virtual. */

/** Calls once after so many milliseconds; returns how to call that off. */
export type Later = (delayMs: number, work: () => void) => () => void

/** The platform's timers. */
export const webLater: Later = (delayMs, work) => {
  const timer = setTimeout(work, delayMs)
  return () => clearTimeout(timer)
}

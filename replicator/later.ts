/** Timers of Node. */
import type { Later } from '../snapshots/later.ts'

/** They keep no process alive. */
export const nodeLater: Later = (delayMs, work) => {
  const timer = setTimeout(work, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}

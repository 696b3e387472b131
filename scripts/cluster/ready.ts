/** Whether a server of a cluster is ready. */
import { setTimeout as pause } from 'node:timers/promises'

/** Resolves when a server says so itself. */
export const untilReady = async (url: string, timeoutMs: number): Promise<void> => {
  const until = performance.now() + timeoutMs
  for (;;) {
    const said = await readiness(url)
    if (said === null) return
    if (performance.now() > until) throw new Error(`${url} is not ready after ${timeoutMs} ms: ${said}`)
    await pause(50)
  }
}

/** Why a server is not ready, null when it is. */
export const readiness = async (url: string): Promise<string | null> => {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) })
    const text = await response.text()
    return response.ok ? null : text
  } catch (error) {
    return error instanceof Error
      ? [error.message, ...(error.cause instanceof Error ? [error.cause.message] : [])].join(': ')
      : String(error)
  }
}

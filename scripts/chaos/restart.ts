/** Starts a process again as a supervisor does: once more when it ends. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Member } from '../cluster/member.ts'

const TRIES = 5
const PAUSE_MS = 500
const SERVING_MS = 60_000

/** Resolves when it serves, ready or not. Rejects with its last words. */
export const restart = async (member: Member): Promise<void> => {
  for (let tries = 1; ; tries++) {
    if (!member.isRunning) await member.start()
    try {
      await member.serving(SERVING_MS)
      return
    } catch (error) {
      if (tries === TRIES || member.isRunning) throw error
      await pause(PAUSE_MS)
    }
  }
}

/** An open loop: each request goes out at its time, whatever became of those before it, so that a stall is met by all that arrive in it. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Paced {
  readonly perSecond: number
  /** Asked before each request. */
  readonly goesOn: (sent: number, elapsedMs: number) => boolean
  /** Resolves when the request is answered, with the milliseconds that it took. */
  readonly send: (index: number) => Promise<number>
}

/** Resolves when all are answered; rejects with the first failure. */
export const paced = async ({ perSecond, goesOn, send }: Paced): Promise<readonly number[]> => {
  const intervalMs = 1000 / perSecond
  const startMs = performance.now()
  const answers: Promise<number>[] = []
  for (;;) {
    const elapsedMs = performance.now() - startMs
    while (answers.length * intervalMs <= elapsedMs) {
      if (!goesOn(answers.length, elapsedMs)) return Promise.all(answers)
      const answer = send(answers.length)
      // Told at the end.
      answer.catch(() => {})
      answers.push(answer)
    }
    await delay(Math.max(0, answers.length * intervalMs - (performance.now() - startMs)))
  }
}

export const forMs =
  (durationMs: number): Paced['goesOn'] =>
  (_sent, elapsedMs) =>
    elapsedMs < durationMs

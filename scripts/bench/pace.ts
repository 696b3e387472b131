/** An open loop: each request goes out at its time, whatever became of those before it, so that a stall is met by all that arrive in it. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Paced {
  readonly perSecond: number
  /** By how much of its interval each request goes out later: at least 0, below 1. Without, all go out where their intervals begin. */
  readonly shift?: () => number
  /** Asked before each request. */
  readonly goesOn: (sent: number, elapsedMs: number) => boolean
  /** Resolves when the request is answered, with the milliseconds that it took. */
  readonly send: (index: number) => Promise<number>
}

/** Resolves when all are answered; rejects with the first failure. */
export const paced = async ({ perSecond, shift = () => 0, goesOn, send }: Paced): Promise<readonly number[]> => {
  const intervalMs = 1000 / perSecond
  const startMs = performance.now()
  const answers: Promise<number>[] = []
  for (;;) {
    const dueMs = (answers.length + shift()) * intervalMs
    await until(startMs + dueMs)
    if (!goesOn(answers.length, performance.now() - startMs)) return Promise.all(answers)
    const answer = send(answers.length)
    // Told at the end.
    answer.catch(() => {})
    answers.push(answer)
  }
}

/** Those that are late already go out together. */
const until = async (timeMs: number): Promise<void> => {
  for (let leftMs = timeMs - performance.now(); leftMs > 0; leftMs = timeMs - performance.now()) await delay(leftMs)
}

export const forMs =
  (durationMs: number): Paced['goesOn'] =>
  (_sent, elapsedMs) =>
    elapsedMs < durationMs

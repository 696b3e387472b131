/** Deadlines, pauses and backoff of the calls to Kafka. */
import { Late } from './kafka-failure.ts'

/** Rejects with `Late` when the work takes longer; what it does afterwards is nobody's business. */
export const within = async <T>(work: Promise<T>, ms: number, what: string): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Late(`${what} took over ${Math.round(ms)} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const FIRST_MS = 20
const LONGEST_MS = 2000

/** Pauses that double from 20 ms to 2 s, each shortened at random by up to half, so that many clients do not come back at once. */
export class Backoff {
  #ms = FIRST_MS
  readonly #random: () => number

  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  reset(): void {
    this.#ms = FIRST_MS
  }

  /** Length of the next pause. */
  next(): number {
    const ms = this.#ms * (1 - this.#random() / 2)
    this.#ms = Math.min(this.#ms * 2, LONGEST_MS)
    return ms
  }
}

/** Pauses that end early when their owner closes. */
export class Pauses {
  readonly #waiting = new Map<NodeJS.Timeout, () => void>()
  readonly #ends = new Set<() => void>()
  #ended = false

  async wait(ms: number): Promise<void> {
    if (this.#ended) return undefined
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(timer)
        resolve()
      }, ms)
      this.#waiting.set(timer, resolve)
    })
  }

  /** As `wait`, for loops that end in no other way: rejects when the owner has closed. */
  async pass(ms: number): Promise<void> {
    await this.wait(ms)
    this.check()
  }

  /** Throws when the owner has closed. */
  check(): void {
    if (this.#ended) throw new Error('the log is closed')
  }

  /** Calls back when the owner closes, at once when it has, until what is returned is called. */
  atEnd(end: () => void): () => void {
    if (this.#ended) end()
    this.#ends.add(end)
    return () => void this.#ends.delete(end)
  }

  /** The pauses to come, too. */
  end(): void {
    this.#ended = true
    for (const end of this.#ends) end()
    for (const [timer, resolve] of this.#waiting) {
      clearTimeout(timer)
      resolve()
    }
    this.#waiting.clear()
  }
}

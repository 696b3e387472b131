/** Limits on how much one environment may ask: concurrent requests, reads per second, fact updates per minute. */
import { ApiError } from '../src/wire/api-error.ts'
import type { Endpoint } from '../src/wire/endpoints.ts'
import type { Platform } from './platform.ts'
import type { Environment, ServiceLimits } from './service.ts'
import { Slots } from './slots.ts'

const SECOND = 1000
const MINUTE = 60_000
/** Parts of a sliding window: its precision. */
const SLOTS = 60

export class RateLimits {
  readonly #limits: ServiceLimits
  readonly #platform: Platform
  readonly #running = new Map<string, Slots>()
  readonly #reads = new Map<string, SlidingWindow>()
  readonly #updates = new Map<string, SlidingWindow>()

  constructor(limits: ServiceLimits, platform: Platform) {
    this.#limits = limits
    this.#platform = platform
  }

  /** Counts a request in; throws ApiError 429; the result, if any, counts it out again. */
  admit(environment: Environment, access: Endpoint['access']): (() => void) | null {
    const { readsPerSecond } = this.#limits
    if (access === 'read' && readsPerSecond !== null)
      this.#take(this.#reads, environment.id, { count: 1, bound: readsPerSecond, windowMs: SECOND, what: 'reads per second' })
    return this.#limits.concurrentRequests === null ? null : this.#enter(environment.id, this.#limits.concurrentRequests)
  }

  /** Counts facts that a write changes; throws ApiError 429. */
  updateFacts(environment: Environment, count: number): void {
    const bound = this.#limits.factUpdatesPerMinute
    if (bound !== null) this.#take(this.#updates, environment.id, { count, bound, windowMs: MINUTE, what: 'fact updates per minute' })
  }

  #take(windows: Map<string, SlidingWindow>, id: string, { count, bound, windowMs, what }: Taking): void {
    const window = windows.get(id) ?? new SlidingWindow(windowMs)
    windows.set(id, window)
    const waitMs = window.take(this.#platform.monotonicMs(), count, bound)
    if (waitMs > 0)
      throw new ApiError('too-many-requests', `more than ${bound} ${what}`, Math.max(1, Math.ceil(Math.round(waitMs) / SECOND)))
  }

  #enter(id: string, bound: number): () => void {
    const { monotonicMs, requestMs } = this.#platform
    const slots = this.#running.get(id) ?? new Slots(bound, monotonicMs, requestMs)
    this.#running.set(id, slots)
    const leave = slots.take()
    if (leave === null) throw new ApiError('too-many-requests', `more than ${bound} concurrent requests`)
    return leave
  }
}

interface Taking {
  readonly count: number
  readonly bound: number
  readonly windowMs: number
  readonly what: string
}

/** Counts over the last `windowMs`, in slots. */
class SlidingWindow {
  readonly #slotMs: number
  readonly #counts = new Array<number>(SLOTS).fill(0)
  #slot = 0
  #total = 0

  constructor(windowMs: number) {
    this.#slotMs = windowMs / SLOTS
  }

  /** 0 when taken, otherwise the milliseconds after which a part of the window is free again. A refusal takes nothing. */
  take(nowMs: number, count: number, bound: number): number {
    this.#advance(Math.floor(nowMs / this.#slotMs))
    // More than the whole bound at once passes when the window is empty: it could never pass otherwise.
    if (this.#total + count > bound && this.#total > 0) return this.#untilOldest()
    this.#counts[this.#slot % SLOTS] = (this.#counts[this.#slot % SLOTS] ?? 0) + count
    this.#total += count
    return 0
  }

  #advance(slot: number): void {
    const steps = Math.min(slot - this.#slot, SLOTS)
    for (let step = 1; step <= steps; step++) {
      const index = (this.#slot + step) % SLOTS
      this.#total -= this.#counts[index] ?? 0
      this.#counts[index] = 0
    }
    this.#slot = slot
  }

  #untilOldest(): number {
    for (let age = SLOTS - 1; age >= 0; age--) {
      if ((this.#counts[(this.#slot - age + SLOTS) % SLOTS] ?? 0) > 0) return (SLOTS - age) * this.#slotMs
    }
    return this.#slotMs
  }
}

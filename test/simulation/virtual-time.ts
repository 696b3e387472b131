/** Time of a simulation: every timer of the process waits here, in one order, and belongs to the simulated process that set it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as realImmediate } from 'node:timers'

/** A simulated process. What it waits for ends with it: that is SIGKILL. While it is paused nothing of it runs: SIGSTOP. */
export interface Owner {
  readonly name: string
  alive: boolean
  pausedUntilMs: number
}

interface Timer {
  atMs: number
  readonly order: number
  readonly owner: Owner | null
  readonly run: () => void
  readonly everyMs: number | null
}

const START_MS = 1_800_000_000_000

export class VirtualTime {
  readonly #timers = new Map<number, Timer>()
  readonly #owners = new AsyncLocalStorage<Owner>()
  #nowMs = 0
  #next = 1

  /** Milliseconds since the simulation began. */
  get nowMs(): number {
    return this.#nowMs
  }

  get wallMs(): number {
    return START_MS + this.#nowMs
  }

  /** Whose code is running. */
  get owner(): Owner | null {
    return this.#owners.getStore() ?? null
  }

  run<T>(owner: Owner, work: () => T): T {
    return this.#owners.run(owner, work)
  }

  /** Runs on behalf of nobody, so that it outlives whoever asked. */
  detached<T>(work: () => T): T {
    return this.#owners.exit(work)
  }

  later(delayMs: number, run: () => void): () => void {
    const id = this.#add(delayMs, run, null)
    return () => this.#timers.delete(id)
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#add(delayMs, resolve, null)
    })
  }

  /** Takes the place of the process's timers until the result is called. */
  install(): () => void {
    const before = { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate }
    const add =
      (everyMs: (delayMs: number) => number | null) =>
      (run: (...args: unknown[]) => void, delayMs?: number, ...args: unknown[]) =>
        this.#handle(this.#add(delayMs ?? 0, () => run(...args), everyMs(delayMs ?? 0)))
    const clear = (handle: unknown): void => {
      this.#timers.delete(Number(handle))
    }
    Object.assign(globalThis, {
      setTimeout: add(() => null),
      setInterval: add((delayMs) => Math.max(1, delayMs)),
      setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) => this.#handle(this.#add(0, () => run(...args), null)),
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    })
    return () => Object.assign(globalThis, before)
  }

  /** Lets time pass until the condition holds; false when it does not within so many milliseconds of virtual time. */
  async until(condition: () => boolean, withinMs: number): Promise<boolean> {
    const endMs = this.#nowMs + withinMs
    await settled()
    while (!condition()) {
      const next = this.#due()
      if (next === null || next.timer.atMs > endMs) {
        this.#nowMs = endMs
        return condition()
      }
      await this.#fire(next.id, next.timer)
    }
    return true
  }

  async pass(ms: number): Promise<void> {
    await this.until(() => false, ms)
  }

  #handle(id: number): object {
    const handle = { unref: () => handle, ref: () => handle, hasRef: () => true, refresh: () => handle, [Symbol.toPrimitive]: () => id }
    return handle
  }

  #add(delayMs: number, run: () => void, everyMs: number | null): number {
    const id = this.#next++
    this.#timers.set(id, {
      atMs: this.#nowMs + Math.max(0, Number.isFinite(delayMs) ? delayMs : 0),
      order: id,
      owner: this.owner,
      run,
      everyMs,
    })
    return id
  }

  #due(): { readonly id: number; readonly timer: Timer } | null {
    let first: { readonly id: number; readonly timer: Timer } | null = null
    for (const [id, timer] of this.#timers) {
      if (timer.owner?.alive === false) {
        this.#timers.delete(id)
        continue
      }
      if (timer.owner !== null && timer.owner.pausedUntilMs > timer.atMs) timer.atMs = timer.owner.pausedUntilMs
      if (first === null || timer.atMs < first.timer.atMs || (timer.atMs === first.timer.atMs && timer.order < first.timer.order))
        first = { id, timer }
    }
    return first
  }

  async #fire(id: number, timer: Timer): Promise<void> {
    this.#nowMs = Math.max(this.#nowMs, timer.atMs)
    if (timer.everyMs === null) this.#timers.delete(id)
    else timer.atMs = this.#nowMs + timer.everyMs
    if (timer.owner === null) this.detached(timer.run)
    else this.run(timer.owner, timer.run)
    await settled()
  }
}

/** Every promise that can go on without a timer has gone on when Node gets to its next turn. */
const settled = (): Promise<void> =>
  new Promise((resolve) => {
    realImmediate(resolve)
  })

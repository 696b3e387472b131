/** The clocks of a Worker under test: in production they stand still but for I/O, and here a test says when they go on. */

/** `by-io`: as on Cloudflare. `stand`: not even then. */
export type ClockMode = 'run' | 'by-io' | 'stand'

export interface IsolateClocks {
  set(mode: ClockMode): void
  /** Lets standing clocks go on at once. */
  advance(ms: number): void
  /** Something came from outside. */
  tick(): void
  /** Resolves after a while, by a timer of the request that calls it. */
  wait(ms: number): Promise<void>
}

/** Puts itself in the place of the clocks and timers of the isolate. */
export const takeClocks = (): IsolateClocks => {
  const [now, monotonic, timer] = [Date.now.bind(Date), performance.now.bind(performance), setTimeout]
  const originMs = now() - monotonic()
  const clocks = { mode: 'run' as ClockMode, atMs: 0 }
  const tick = (): void => {
    if (clocks.mode === 'by-io') clocks.atMs = Math.max(clocks.atMs, now())
  }
  Date.now = () => (clocks.mode === 'run' ? now() : clocks.atMs)
  performance.now = () => (clocks.mode === 'run' ? monotonic() : clocks.atMs - originMs)
  Reflect.set(globalThis, 'setTimeout', (run: () => void, ms?: number) =>
    timer(() => {
      tick()
      run()
    }, ms),
  )
  return {
    set(mode) {
      clocks.atMs = now()
      clocks.mode = mode
    },
    advance(ms) {
      clocks.atMs += ms
    },
    tick,
    wait: (ms) =>
      new Promise((resolve) => {
        setTimeout(resolve, ms)
      }),
  }
}

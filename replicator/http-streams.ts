/** The streams of all runtimes of a replicator; one that is silent for too long is ended. */
import type { Duplex } from 'node:stream'
import { atMost } from '../snapshots/deadline.ts'
import { innerLimits } from '../src/base/inner-limits.ts'
import { LogError } from '../src/log/log.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import type { Budget } from './http-budget.ts'
import { RuntimeStream, type Served } from './http-stream.ts'

/** Runtimes of one cell. */
const STREAMS = 256

export class RuntimeStreams {
  readonly #log: WriteLogLine
  readonly #streams = new Map<string, RuntimeStream>()
  readonly #silenceMs: number
  readonly #watch: NodeJS.Timeout
  #draining = false

  constructor(log: WriteLogLine, silenceMs: number = innerLimits.silenceMs) {
    this.#log = log
    this.#silenceMs = silenceMs
    this.#watch = setInterval(() => this.#endSilent(), Math.min(silenceMs, innerLimits.heartbeatMs))
  }

  get count(): number {
    return this.#streams.size
  }

  /** Appends that are not answered. */
  get appends(): number {
    let sum = 0
    for (const stream of this.#streams.values()) sum += stream.appends
    return sum
  }

  /** Throws LogError when there is no place for another one. */
  checkRoom(): void {
    if (this.#draining) throw new LogError('unavailable', 'the replicator is closing')
    if (this.#streams.size >= STREAMS) throw new LogError('overloaded', `${this.#streams.size} runtimes are connected`)
  }

  /** Takes a connection over. */
  open(socket: Duplex, { replicator, budget }: { readonly replicator: Served; readonly budget: Budget }): void {
    const stream = new RuntimeStream(socket, {
      replicator,
      budget,
      log: this.#log,
      isAlone: () => this.#streams.size === 1,
      isDraining: () => this.#draining,
    })
    this.#streams.set(stream.id, stream)
    this.#log('info', 'runtime-connected', { runtimes: this.#streams.size })
    socket.once('close', () => {
      this.#streams.delete(stream.id)
      stream.close()
      this.#log('info', 'runtime-disconnected', { runtimes: this.#streams.size })
    })
  }

  has(id: string): boolean {
    return this.#streams.has(id)
  }

  /** No more streams and appends are taken. */
  drain(): void {
    this.#draining = true
  }

  close(): void {
    clearInterval(this.#watch)
    for (const stream of this.#streams.values()) stream.close()
  }

  /** What was said to the runtimes is heard, unless that takes longer. */
  async end(timeoutMs: number): Promise<void> {
    const ended = [...this.#streams.values()].map((stream) => stream.leave())
    await atMost(Promise.all(ended), timeoutMs)
    this.close()
  }

  #endSilent(): void {
    for (const stream of this.#streams.values()) {
      if (stream.silentMs <= this.#silenceMs) continue
      this.#log('warn', 'runtime-silent', { reason: `nothing was heard of it for ${this.#silenceMs} ms`, recovery: 'automatic' })
      stream.close()
    }
  }
}

/** The streams of all runtimes of a replicator; one that is silent for too long is ended. */
import type { ServerResponse } from 'node:http'
import { innerLimits } from '../src/base/inner-limits.ts'
import { LogError } from '../src/log/log.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import type { StreamCommands } from '../src/wire/inner.ts'
import { RuntimeStream, type Served } from './http-stream.ts'

/** Runtimes of one cell. */
const STREAMS = 256

export class RuntimeStreams {
  readonly #log: WriteLogLine
  readonly #streams = new Map<string, RuntimeStream>()
  readonly #silenceMs: number
  readonly #watch: NodeJS.Timeout

  constructor(log: WriteLogLine, silenceMs: number = innerLimits.silenceMs) {
    this.#log = log
    this.#silenceMs = silenceMs
    this.#watch = setInterval(() => this.#endSilent(), Math.min(silenceMs, innerLimits.heartbeatMs))
  }

  get count(): number {
    return this.#streams.size
  }

  /** Throws LogError `overloaded` when there are too many. */
  open(replicator: Served, response: ServerResponse): void {
    if (this.#streams.size >= STREAMS) throw new LogError('overloaded', `${this.#streams.size} runtimes are connected`)
    const stream = new RuntimeStream(replicator, response, () => this.#streams.size === 1)
    this.#streams.set(stream.id, stream)
    this.#log('info', 'runtime-connected', { runtimes: this.#streams.size })
    response.once('close', () => {
      this.#streams.delete(stream.id)
      stream.close()
      this.#log('info', 'runtime-disconnected', { runtimes: this.#streams.size })
    })
  }

  has(id: string): boolean {
    return this.#streams.has(id)
  }

  /** Throws LogError `unavailable` when there is no such stream: the runtime begins a new one then. */
  receive(id: string, commands: StreamCommands): void {
    const stream = this.#streams.get(id)
    if (stream === undefined) throw new LogError('unavailable', 'the stream is over')
    stream.receive(commands)
  }

  close(): void {
    clearInterval(this.#watch)
    for (const stream of this.#streams.values()) stream.close()
  }

  #endSilent(): void {
    for (const stream of this.#streams.values()) {
      if (stream.silentMs <= this.#silenceMs) continue
      this.#log('warn', 'runtime-silent', { reason: `nothing was heard of it for ${this.#silenceMs} ms`, recovery: 'automatic' })
      stream.close()
    }
  }
}

/** Keeps one stream to the replicator open, connecting again with growing pauses, and starts tails on it. */
import { innerLimits } from '../src/base/inner-limits.ts'
import type { TailReader } from '../src/log/inner.ts'
import { LogError } from '../src/log/log.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import type { SentStatus } from '../src/wire/inner.ts'
import type { InnerAccess } from './inner-calls.ts'
import { InnerStream, type StreamOptions } from './inner-stream.ts'

export interface ConnectionOptions extends InnerAccess, Pick<StreamOptions, 'beforeTaking'> {
  readonly monotonicMs: () => number
  readonly log: WriteLogLine
}

interface WaitingTail {
  readonly env: string
  readonly after: number
  readonly reader: TailReader
  /** The first of its environment: it fails with the attempt to connect, so that whoever opens an environment goes on without a replicator. */
  readonly first: boolean
  end: () => void
}

const FIRST_PAUSE_MS = 50

export class InnerConnection {
  readonly #options: ConnectionOptions
  readonly #told: (status: SentStatus) => void
  /** Whether the first attempt succeeded. */
  readonly first: Promise<boolean>
  #firstEnded: (succeeded: boolean) => void = () => {}
  /** Open or being opened. */
  #stream: InnerStream | null = null
  #connected = false
  /** An attempt has ended, whichever way. */
  #attempted = false
  /** Begun while there is no stream. */
  #waiting: WaitingTail[] = []
  /** Environments of which a tail was begun before. */
  readonly #followed = new Set<string>()
  /** When the head of an environment was last seen with everything up to it pushed here, on our clock. */
  readonly #seenAtMs = new Map<string, number>()
  #loss = new LogError('unavailable', 'the replicator has not answered yet')
  #pauseMs = FIRST_PAUSE_MS
  #open = true
  #wake: () => void = () => {}

  constructor(options: ConnectionOptions, told: (status: SentStatus) => void) {
    this.#options = options
    this.#told = told
    this.first = new Promise((resolve) => {
      this.#firstEnded = resolve
    })
    void this.#stayConnected()
  }

  /** Why there is no stream now, or null. */
  get loss(): LogError | null {
    return this.#connected ? null : this.#loss
  }

  /** The stream that is open, or null. */
  get stream(): InnerStream | null {
    return this.#connected ? this.#stream : null
  }

  /** Without a stream the first tail of an environment fails with the current attempt or at once; later ones begin when there is a stream again. */
  tail(env: string, after: number, reader: TailReader): () => void {
    const first = !this.#followed.has(env)
    this.#followed.add(env)
    if (this.stream !== null) return this.stream.tail(env, after, reader)
    const waiting: WaitingTail = {
      env,
      after,
      reader,
      first,
      end: () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting)
      },
    }
    this.#waiting.push(waiting)
    if (first && this.#attempted) queueMicrotask(() => this.#fail(waiting))
    return () => waiting.end()
  }

  stalenessMs(env: string): number | null {
    const seenAtMs = this.#seenAtMs.get(env)
    return seenAtMs === undefined ? null : Math.max(0, Math.round(this.#options.monotonicMs() - seenAtMs))
  }

  /** Ends every tail silently. */
  close(): void {
    this.#open = false
    this.#waiting = []
    this.#stream?.close()
    this.#wake()
  }

  async #stayConnected(): Promise<void> {
    while (this.#open) {
      const stream = new InnerStream({
        access: this.#options,
        monotonicMs: this.#options.monotonicMs,
        opened: () => this.#opened(stream),
        told: this.#told,
        beforeTaking: this.#options.beforeTaking,
        seen: (env, atMs) => void this.#seenAtMs.set(env, Math.max(atMs, this.#seenAtMs.get(env) ?? atMs)),
      })
      this.#stream = stream
      this.#lost(await stream.run())
      await this.#pause()
    }
  }

  #opened(stream: InnerStream): void {
    this.#connected = true
    this.#attempted = true
    this.#pauseMs = FIRST_PAUSE_MS
    this.#firstEnded(true)
    this.#options.log('info', 'replicator-connected')
    const waiting = this.#waiting
    this.#waiting = []
    for (const tail of waiting) tail.end = stream.tail(tail.env, tail.after, tail.reader)
  }

  #lost(loss: LogError): void {
    // An attempt that fails like the one before is no news.
    if (this.#open && (this.#connected || loss.message !== this.#loss.message))
      this.#options.log('warn', 'replicator-lost', { reason: loss.message, recovery: 'automatic' })
    this.#connected = false
    this.#loss = loss
    this.#firstEnded(false)
    this.#attempted = true
    for (const waiting of this.#waiting) if (waiting.first) this.#fail(waiting)
  }

  #fail(waiting: WaitingTail): void {
    if (!this.#waiting.includes(waiting)) return
    waiting.end()
    waiting.reader.failed(this.#loss)
  }

  async #pause(): Promise<void> {
    if (!this.#open) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#pauseMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#pauseMs = Math.min(innerLimits.pauseMs, this.#pauseMs * 2)
  }
}

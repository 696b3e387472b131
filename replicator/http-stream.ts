/** The replicator's side of one runtime's stream: its tails, the pushes that the runtime has not taken yet, its appends, and heartbeats. */
import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { Lines } from '../snapshots/inner-lines.ts'
import { writeTogether } from '../snapshots/node/write-together.ts'
import { innerLimits } from '../src/base/inner-limits.ts'
import { messageOf } from '../src/base/message.ts'
import { encodedText } from '../src/log/encoded.ts'
import type { ReplicatorStatus } from '../src/log/inner.ts'
import { LogError, type RevisedRecord } from '../src/log/log.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import {
  InnerShapeError,
  parseSaid,
  printLine,
  type SentStatus,
  type StreamAppend,
  type StreamCommands,
  type StreamLine,
  streamProtocol,
} from '../src/wire/inner.ts'
import { sentError } from '../src/wire/inner-errors.ts'
import type { Budget } from './http-budget.ts'
import { logBug, recordBody } from './http-reply.ts'
import { type Proof, prove } from './proof.ts'
import type { Replicator } from './replicator.ts'

/** The replicator that is served; its callers are told apart, so that a write waits for all runtimes but its own. */
export type Served = Omit<Replicator, 'problem' | 'measure'>

/** `through`: nothing up to there is left to push. */
interface ServedTail extends Proof {
  readonly env: string
  end: () => void
  /** What the runtime has been told of `through`. */
  told: number
  /** Settles the pushes that the runtime has not taken yet, oldest first. */
  readonly takers: (() => void)[]
}

export interface StreamOptions {
  readonly replicator: Served
  /** Of the records that are under way. */
  readonly budget: Budget
  readonly log: WriteLogLine
  /** No other runtime is connected, so that none waits for this one. */
  readonly isAlone: () => boolean
  /** The replicator is about to end: no more appends. */
  readonly isDraining: () => boolean
}

interface Push {
  readonly records: readonly RevisedRecord[]
  readonly through: number
  readonly isNew: boolean
}

export class RuntimeStream {
  readonly id = randomUUID()
  readonly #options: StreamOptions
  readonly #socket: Duplex
  readonly #tails = new Map<number, ServedTail>()
  readonly #lines = new Lines()
  /** An `append` line whose record is still arriving. */
  #arriving: StreamAppend | null = null
  #appends = 0
  #heardAtMs = performance.now()
  #beating = false

  /** Says that the connection is one of streams now, and takes it over. */
  constructor(socket: Duplex, options: StreamOptions) {
    this.#socket = socket
    this.#options = options
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${streamProtocol}\r\n\r\n`)
    this.#write({ kind: 'hello', stream: this.id, status: sentStatus(options.replicator.status()) })
    socket.on('data', this.#take)
    // A runtime that is gone: its half is closed, ours would stay open.
    socket.once('end', () => this.close())
    // `close` follows.
    socket.on('error', () => {})
  }

  /** Appends that are not answered. */
  get appends(): number {
    return this.#appends
  }

  /** Since the runtime was heard of last. */
  get silentMs(): number {
    return performance.now() - this.#heardAtMs
  }

  /** Nobody waits for this runtime any more. */
  close(): void {
    for (const tail of this.#tails.keys()) this.#end(tail)
    this.#socket.destroy()
  }

  /** Says nothing more and hears nothing more; resolves when the runtime has heard everything. */
  async leave(): Promise<void> {
    this.#socket.off('data', this.#take)
    this.#socket.resume()
    for (const tail of this.#tails.keys()) this.#end(tail)
    if (this.#socket.destroyed) return
    await new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve())
      this.#socket.end()
    })
  }

  readonly #take = (chunk: Uint8Array): void => {
    this.#heardAtMs = performance.now()
    try {
      for (const line of this.#lines.take(chunk)) this.#receive(line)
    } catch (error) {
      // Another version, or no runtime at all: what it says next has no meaning either.
      this.#options.log('warn', 'runtime-not-understood', { reason: messageOf(error), recovery: 'none' })
      this.close()
    }
  }

  /** Throws InnerShapeError. */
  #receive(text: string): void {
    const arriving = this.#arriving
    if (arriving !== null) {
      this.#arriving = null
      void this.#append(arriving, text)
      return
    }
    const line = parseSaid(text)
    if (line.kind === 'append') this.#arriving = line
    else this.#obey(line)
  }

  #obey({ clock, open, taken, end }: StreamCommands): void {
    for (const [tail, env, after] of open) this.#open(tail, env, after)
    for (const [tail, count] of taken) for (const settle of this.#tails.get(tail)?.takers.splice(0, count) ?? []) settle()
    for (const tail of end) this.#end(tail)
    // One at a time: a heartbeat that takes long stands for those after it.
    if (clock !== null && !this.#beating) void this.#beat(clock)
  }

  async #append({ number, env, writeId }: StreamAppend, text: string): Promise<void> {
    const { replicator, budget, isDraining, log } = this.#options
    this.#appends++
    let release = (): void => {}
    try {
      if (isDraining()) throw new LogError('unavailable', 'the replicator is closing')
      release = budget.take(text.length)
      const { revision, applied } = await replicator.append(env, recordBody(text), writeId, { runtime: this.id })
      this.#write({ kind: 'appended', number, revision, applied })
    } catch (error) {
      logBug(log, error)
      this.#write({ kind: 'refused', number, error: sentError(error) })
    } finally {
      release()
      this.#appends--
    }
  }

  #open(tail: number, env: string, after: number): void {
    if (this.#tails.has(tail)) throw new InnerShapeError(`tail ${tail} is there`)
    const served: ServedTail = { env, end: () => {}, through: after, told: after, takers: [], target: null, freshAsOfMs: null }
    this.#tails.set(tail, served)
    const failed = (error: unknown): void => {
      if (!this.#tails.has(tail)) return
      this.#end(tail)
      this.#write({ kind: 'failed', tail, error: sentError(error) })
    }
    try {
      served.end = this.#options.replicator.tail(
        env,
        after,
        { push: (records, through, isNew = false) => this.#push(tail, served, { records, through, isNew }), failed },
        { runtime: this.id },
      )
      // Its first push may have ended it.
      if (this.#tails.get(tail) !== served) served.end()
    } catch (error) {
      failed(error)
    }
  }

  #push(tail: number, served: ServedTail, { records, through, isNew }: Push): Promise<void> | void {
    const isFirst = served.through === served.told && served.freshAsOfMs === null
    served.through = through
    // A position that only moved can wait for the next heartbeat, but for the first, which a start may wait for.
    if (records.length === 0 && !isFirst) return undefined
    served.told = through
    const line = printLine({
      kind: 'records',
      tail,
      through,
      revisions: records.map(({ revision }) => revision),
      awaited: !isNew || !this.#options.isAlone(),
    })
    this.#writeBytes(Buffer.concat([Buffer.from(line), ...records.flatMap(({ record }) => [encodedText(record), NEWLINE])]))
    if (records.length === 0) return undefined
    return new Promise<void>((resolve) => {
      served.takers.push(resolve)
    })
  }

  #end(tail: number): void {
    const served = this.#tails.get(tail)
    this.#tails.delete(tail)
    served?.end()
    for (const settle of served?.takers ?? []) settle()
  }

  async #beat(clock: number): Promise<void> {
    this.#beating = true
    try {
      // The ages first: the bounds that are read afterwards are at least what the ages speak of.
      const startMs = performance.now()
      const asOf = new Map([...this.#tails.values()].map(({ env }) => [env, this.#asOfMs(env, startMs)]))
      const lasts = new Map((await this.#options.replicator.environments()).map(({ env, last }) => [env, last]))
      const tails = [...this.#tails].map(([tail, served]) => {
        prove(served, lasts.get(served.env) ?? null, asOf.get(served.env) ?? null)
        served.told = served.through
        const { through, freshAsOfMs } = served
        return [tail, through, freshAsOfMs === null ? null : Math.max(0, startMs - freshAsOfMs)] as const
      })
      this.#write({ kind: 'heartbeat', clock, status: sentStatus(this.#options.replicator.status()), tails })
    } catch {
      // A replicator that cannot tell its environments is ending: the silence tells the runtime.
    } finally {
      this.#beating = false
    }
  }

  #asOfMs(env: string, nowMs: number): number | null {
    const ageMs = this.#options.replicator.stalenessMs(env)
    return ageMs === null ? null : nowMs - ageMs
  }

  #write(line: StreamLine): void {
    this.#writeBytes(Buffer.from(printLine(line)))
  }

  #writeBytes(bytes: Buffer): void {
    // Records wait to be taken before more are read, so only a connection that stands still gets here.
    if (!this.#socket.writable) return
    if (this.#socket.writableLength > innerLimits.heldBytes) this.close()
    else writeTogether(this.#socket, bytes)
  }
}

const NEWLINE = Buffer.from('\n')

const sentStatus = ({ problem, ...status }: ReplicatorStatus): SentStatus => ({
  ...status,
  problem: problem === null ? null : sentError(problem),
})

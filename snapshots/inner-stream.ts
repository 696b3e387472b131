/** One connection to a replicator for all tails and short appends of this process: lines go both ways, each heartbeat answers a reading of our clock. */

import { at } from '../src/base/assert.ts'
import { innerLimits } from '../src/base/inner-limits.ts'
import { limits } from '../src/base/limits.ts'
import { messageOf } from '../src/base/message.ts'
import { Roster } from '../src/base/roster.ts'
import { parseRecordText } from '../src/log/body.ts'
import type { Appended, TailReader } from '../src/log/inner.ts'
import { LogError, type RevisedRecord } from '../src/log/log.ts'
import {
  InnerShapeError,
  innerPaths,
  parseLine,
  printLine,
  type SentStatus,
  type StreamCommands,
  type StreamLine,
  streamProtocol,
} from '../src/wire/inner.ts'
import { receivedError } from '../src/wire/inner-errors.ts'
import { InnerAppends } from './inner-appends.ts'
import { callInner, type InnerAccess, withMeaning } from './inner-calls.ts'
import { Lines } from './inner-lines.ts'

export interface StreamOptions {
  readonly access: InnerAccess
  readonly monotonicMs: () => number
  /** The replicator greets: tails may begin. */
  readonly opened: () => void
  /** The replicator as it tells of itself. */
  readonly told: (status: SentStatus) => void
  /** The head of the log was seen at that reading of the clock, with everything up to it pushed here. */
  readonly seen: (env: string, atMs: number) => void
  /** Waited for before what was pushed is taken: whatever is more urgent. */
  readonly beforeTaking?: (() => Promise<void>) | undefined
}

interface Following {
  readonly env: string
  readonly reader: TailReader
  through: number
}

type RecordsLine = Extract<StreamLine, { kind: 'records' }>
type HeartbeatLine = Extract<StreamLine, { kind: 'heartbeat' }>

/** Further readings of the clock after a tail has begun, and the time between them. */
const EAGER_READINGS = 20
const EAGER_MS = 25
/** What nobody waits for is told with what comes after it, at the latest after so long or when there are so many pushes: a quarter of what may be untaken. */
const TAKEN_MS = 50
const TAKEN_PUSHES = limits.tailPushes / 4
/** From one wait for what is more urgent to the next, at least. */
const TURN_MS = 5

export class InnerStream {
  readonly #options: StreamOptions
  readonly #ending = new AbortController()
  readonly #tails = new Map<number, Following>()
  #next = 0
  #id: string | null = null
  #commands = noCommands()
  #say: (text: string) => boolean = () => false
  readonly #appends = new InnerAppends()
  #scheduled = false
  #takenTimer: ReturnType<typeof setTimeout> | null = null
  /** A `records` line whose records are still arriving. */
  #arriving: { readonly line: RecordsLine; readonly texts: string[] } | null = null
  #silentTicks = 0
  /** The end of the last wait for what is more urgent. */
  #turnedMs = Number.NEGATIVE_INFINITY
  #eagerReadings = 0
  #failure: LogError | null = null
  /** Looked at whenever a tail moves or ends. */
  readonly #awaiting = new Roster<() => void>()

  constructor(options: StreamOptions) {
    this.#options = options
  }

  /** Resolves with the reason when the stream is over. Every tail has failed with it then, unless `close` ended the stream. */
  async run(): Promise<LogError> {
    const ticks = setInterval(() => this.#tick(), innerLimits.heartbeatMs)
    const call = { method: 'GET', path: innerPaths.stream, signal: this.#ending.signal, upgrade: streamProtocol } as const
    try {
      await withMeaning(call, async () => {
        const { body, send } = await callInner(this.#options.access, call)
        if (send === undefined) throw new InnerShapeError('expected a stream')
        this.#say = send
        const lines = new Lines()
        for await (const chunk of body ?? []) {
          await this.#turn()
          if (this.#ending.signal.aborted) break
          for (const line of lines.take(chunk)) this.#receive(line)
        }
      })
      this.#break(new LogError('unavailable', 'the replicator ended the stream'))
    } catch (error) {
      this.#break(error instanceof LogError ? error : new LogError('unavailable', 'the stream of the replicator broke', { cause: error }))
    } finally {
      clearInterval(ticks)
    }
    return this.#over()
  }

  /** Only after `opened`. */
  tail(env: string, after: number, reader: TailReader): () => void {
    const tail = this.#next++
    this.#tails.set(tail, { env, reader, through: after })
    this.#commands.open.push([tail, env, after])
    this.#eagerReadings = EAGER_READINGS
    this.#readClock()
    return () => this.#end(tail)
  }

  /** Null before `opened`. */
  get id(): string | null {
    return this.#id
  }

  /** Appends a record, by the text of its body. Rejects with LogError. Only after `opened`. */
  append(env: string, text: string, writeId: string): Promise<Appended> {
    const { number, answer } = this.#appends.begin(innerLimits.callMs)
    const isSent = !this.#ending.signal.aborted && this.#say(`${printLine({ kind: 'append', number, env, writeId })}${text}\n`)
    if (!isSent) this.#appends.refuse(number, this.#reason)
    return answer
  }

  /** Resolves when the readers of an environment have been pushed everything up to a revision, or when the time is up. */
  async arrived(env: string, revision: number, timeoutMs: number): Promise<void> {
    const isMissing = (): boolean => [...this.#tails.values()].some((tail) => tail.env === env && tail.through < revision)
    if (!isMissing()) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#awaiting.remove(key)
        resolve()
      }
      const look = (): void => {
        if (!isMissing()) done()
      }
      const timer = setTimeout(done, timeoutMs)
      const key = this.#awaiting.add(look)
    })
  }

  /** Ends every tail silently. */
  close(): void {
    this.#tails.clear()
    this.#moved()
    this.#break(new LogError('unavailable', 'the replicator is closed'))
  }

  /** Under load a turn takes long: what is pushed waits for one now and then. */
  async #turn(): Promise<void> {
    const { beforeTaking, monotonicMs } = this.#options
    if (beforeTaking === undefined || monotonicMs() - this.#turnedMs < TURN_MS) return
    await beforeTaking()
    this.#turnedMs = monotonicMs()
  }

  #receive(text: string): void {
    const arriving = this.#arriving
    if (arriving !== null) {
      const { line, texts } = arriving
      texts.push(text)
      if (texts.length === line.revisions.length) this.#push(line, texts)
      return
    }
    const line = parseLine(text)
    switch (line.kind) {
      case 'hello':
        this.#id = line.stream
        this.#silentTicks = 0
        this.#options.told(line.status)
        return this.#options.opened()
      case 'records':
        if (line.revisions.length === 0) this.#push(line, [])
        else this.#arriving = { line, texts: [] }
        return undefined
      case 'failed': {
        const following = this.#tails.get(line.tail)
        this.#tails.delete(line.tail)
        this.#moved()
        return following?.reader.failed(receivedError(line.error))
      }
      case 'appended':
        return this.#appends.settle(line.number, { revision: line.revision, applied: line.applied })
      case 'refused':
        return this.#appends.refuse(line.number, receivedError(line.error))
      case 'heartbeat':
        return this.#heartbeat(line)
    }
  }

  #push({ tail, through, revisions, awaited }: RecordsLine, texts: readonly string[]): void {
    this.#arriving = null
    const following = this.#tails.get(tail)
    // Pushes that were under way when the tail ended.
    if (following === undefined) return
    following.through = through
    const taken = (): void => {
      // What only moves the position is not counted.
      if (texts.length === 0 || !this.#tails.has(tail)) return
      this.#commands.taken.push([tail, 1])
      if (awaited || this.#commands.taken.length >= TAKEN_PUSHES) this.#schedule()
      else this.#takenTimer ??= setTimeout(() => this.#schedule(), TAKEN_MS)
    }
    const failed = (error: unknown): void => {
      if (!this.#tails.has(tail)) return
      this.#end(tail)
      following.reader.failed(error)
    }
    try {
      const taking = following.reader.push(parsed(following.env, revisions, texts), through)
      if (taking === undefined) taken()
      else taking.then(taken, failed)
    } catch (error) {
      failed(error)
    }
    this.#moved()
  }

  #heartbeat({ clock, status, tails }: HeartbeatLine): void {
    this.#silentTicks = 0
    this.#options.told(status)
    for (const [tail, through, ageMs] of tails) {
      const following = this.#tails.get(tail)
      if (following === undefined) continue
      if (through > following.through) this.#push({ kind: 'records', tail, through, revisions: [], awaited: false }, [])
      // The reading is from before the replicator looked, so the state is at most this old, however long the line was under way.
      if (ageMs !== null) this.#options.seen(following.env, clock - ageMs)
    }
    if (this.#eagerReadings === 0 || tails.every(([, , ageMs]) => ageMs !== null)) return
    // A tail that has just begun: its staleness is unknown until a heartbeat finds it at the head.
    this.#eagerReadings--
    setTimeout(() => this.#readClock(), EAGER_MS)
  }

  /** Counted in our own turns and not by the clock: after a long turn of this thread the replicator's lines are still to be read. */
  #tick(): void {
    this.#silentTicks++
    if (this.#silentTicks > innerLimits.silentTicks) {
      this.#break(new LogError('unavailable', `the replicator was silent for ${innerLimits.silentTicks * innerLimits.heartbeatMs} ms`))
      return
    }
    this.#readClock()
  }

  #readClock(): void {
    this.#commands.clock = this.#options.monotonicMs()
    this.#schedule()
  }

  #end(tail: number): void {
    if (!this.#tails.delete(tail)) return
    this.#moved()
    this.#commands.end.push(tail)
    this.#schedule()
  }

  /** After this turn, so that all that it has to say leaves in one line. */
  #schedule(): void {
    if (this.#scheduled || this.#id === null) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      if (this.#ending.signal.aborted) return
      this.#forgetTimer()
      const commands = this.#commands
      this.#commands = noCommands()
      this.#say(printLine(merged(commands)))
    })
  }

  #forgetTimer(): void {
    if (this.#takenTimer !== null) clearTimeout(this.#takenTimer)
    this.#takenTimer = null
  }

  #moved(): void {
    for (const look of this.#awaiting.members()) look()
  }

  #break(failure: LogError): void {
    this.#failure ??= failure
    this.#forgetTimer()
    this.#ending.abort()
  }

  get #reason(): LogError {
    return this.#failure ?? new LogError('unavailable', 'the replicator ended the stream')
  }

  #over(): LogError {
    const failure = this.#reason
    const tails = [...this.#tails.values()]
    this.#tails.clear()
    this.#moved()
    for (const { reader } of tails) reader.failed(failure)
    this.#appends.fail(failure)
    return failure
  }
}

/** Throws LogError `unreadable`: that is the end of this tail alone. */
const parsed = (env: string, revisions: readonly number[], texts: readonly string[]): readonly RevisedRecord[] =>
  texts.map((text, index) => {
    const revision = at(revisions, index)
    try {
      return { revision, record: parseRecordText(text) }
    } catch (cause) {
      const reason = messageOf(cause)
      throw new LogError('unreadable', `record ${revision} of environment \`${env}\` cannot be read by this version: ${reason}`, { cause })
    }
  })

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const noCommands = (): Mutable<StreamCommands> => ({ kind: 'commands', clock: null, open: [], taken: [], end: [] })

/** Counts of one tail added up. */
const merged = (commands: StreamCommands): StreamCommands => {
  const counts = new Map<number, number>()
  for (const [tail, count] of commands.taken) counts.set(tail, (counts.get(tail) ?? 0) + count)
  return { ...commands, taken: [...counts] }
}

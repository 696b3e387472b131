/** Follows one partition: a long poll that tells what becomes durable to the environments assigned to it, and sees when the log is no longer the same. */
import { setImmediate } from 'node:timers/promises'
import { webLater } from '../snapshots/later.ts'
import { known } from '../src/base/assert.ts'
import { LogError, type RevisedRecord } from '../src/log/log.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import { Backoff, Pauses } from './kafka-deadline.ts'
import { cutOff, Doubts, lost, Untold } from './kafka-doubt.ts'
import { protocolCode, reasonOf } from './kafka-failure.ts'
import type { Fetched, Found, ReadLink } from './kafka-link.ts'
import { digestOf, environmentOf, readRecord } from './kafka-record.ts'
import { Waits } from './waits.ts'

export interface FollowerOptions {
  readonly link: ReadLink
  readonly logId: string
  /** After another follower of this partition has ended: the topic may be another one. */
  readonly suspect: boolean
  /** Resolves when the topic is known to be the right one. Rejects with a final LogError. */
  readonly ready: () => Promise<void>
  /** Asks again, after the topic was gone for a while. Rejects as `ready` does, or when the brokers do not answer. */
  readonly checkGeneration: () => Promise<void>
  readonly published: (env: string, records: readonly RevisedRecord[], head: number) => void
  readonly failed: (env: string, error: LogError) => void
  readonly monotonicMs: () => number
  readonly log: WriteLogLine
}

/** The last message that was seen: as long as it is there, unchanged, the log was not cut off and written anew. */
interface Anchor {
  readonly offset: number
  readonly digest: string
}

const POLL_MS = 250
const FETCH_BYTES = 1024 * 1024
/** Wait of an append for its record to come back. */
const REACHED_MS = 1000
/** After an answer without messages below the high watermark, which a new leader may give for a moment. */
const EMPTY_MS = 10
/** Between two lines of the log that say the same. */
const SAY_AGAIN_MS = 600_000

export class PartitionFollower {
  readonly #options: FollowerOptions
  /** Environments that are followed; false: it failed, the others go on. */
  readonly #environments = new Map<string, boolean>()
  readonly #pauses = new Pauses()
  readonly #backoff = new Backoff()
  readonly #moves = new Waits(webLater)
  readonly #started = Promise.withResolvers<void>()
  #position: number | null = null
  #anchor: Anchor | null = null
  /** The connection broke since the last fetch: the log is looked at before it is followed on. */
  #suspect = true
  readonly #doubts: Doubts
  #topicGone = false
  #saidReason: string | null = null
  #saidAtMs = 0
  #freshAtMs: number | null = null
  #open = true
  #diverged: LogError | null = null

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#topicGone = options.suspect
    this.#doubts = new Doubts(options.monotonicMs)
    void this.#run()
  }

  /** It has ended: the log is another one, or no longer reaches back. */
  get ended(): boolean {
    return this.#diverged !== null
  }

  /** Why nothing should be appended to this partition now. */
  get blocked(): LogError | null {
    if (this.#diverged !== null || !this.#topicGone) return this.#diverged
    return new LogError('unavailable', `partition ${this.#options.link.partition} is missing in the log's topic: it is looked for again`)
  }

  /** Everything in front of it was seen here, so that no read may end before it. */
  get position(): number {
    return this.#diverged === null ? (this.#position ?? 0) : 0
  }

  add(env: string): void {
    this.#environments.set(env, true)
  }

  remove(env: string): void {
    this.#environments.delete(env)
  }

  /** Resolves when everything from the next watermark on will be published, at the latest when this ends. */
  async started(): Promise<void> {
    return this.#started.promise
  }

  stalenessMs(): number | null {
    return this.#freshAtMs === null ? null : this.#options.monotonicMs() - this.#freshAtMs
  }

  /** Resolves when the message at an offset, which is acknowledged, was published, or after a bound. */
  async reached(offset: number): Promise<void> {
    const until = performance.now() + REACHED_MS
    const before = this.#position
    const isMissing = (): boolean => this.#open && this.#position !== null && this.#position <= offset
    while (isMissing() && performance.now() < until) await this.#moves.wait(Math.max(1, until - performance.now()))
    if (!isMissing()) return
    // What has come while this process stood still is read first.
    await setImmediate()
    // Acknowledged, and nothing came: who is followed was left behind, and leads no more.
    if (isMissing() && this.#position === before && !this.#suspect) this.#options.link.drop()
  }

  close(): void {
    this.#open = false
    this.#started.resolve()
    this.#pauses.end()
    this.#moves.wake()
    this.#options.link.drop()
  }

  async #run(): Promise<void> {
    while (this.#open) {
      try {
        await this.#options.ready()
        await this.#step()
        this.#backoff.reset()
      } catch (error) {
        await this.#recover(error)
      }
    }
  }

  async #step(): Promise<void> {
    if (this.#topicGone) {
      await this.#options.checkGeneration()
      this.#topicGone = false
    }
    this.#position ??= (await this.#options.link.watermarks()).high
    const from = this.#suspect ? await this.#lookBackFrom(this.#position) : this.#position
    const askedAtMs = this.#options.monotonicMs()
    const fetched = await this.#options.link.fetch(from, this.#suspect ? 0 : POLL_MS, FETCH_BYTES)
    if (this.#suspect) this.#lookBack(fetched, from)
    this.#take(fetched, askedAtMs)
    if (from < fetched.high && fetched.messages.length === 0) await this.#pauses.wait(EMPTY_MS)
  }

  /** Where to fetch from so that the anchor, or the last message before the position, is seen again. */
  async #lookBackFrom(position: number): Promise<number> {
    const { low, high } = await this.#options.link.watermarks()
    if (position < low) throw lost(this.#options.link.partition, position, low)
    if (this.#anchor !== null && this.#anchor.offset < low) this.#anchor = null
    // Also above the high watermark: a new leader may tell one below what was durable before.
    if (this.#anchor !== null) return this.#anchor.offset
    // Without an anchor, because all was trimmed, only a fetch at the position tells whether the log reaches back to it.
    return position > high ? position : Math.max(low, position - 1)
  }

  #lookBack({ messages, high }: Fetched, from: number): void {
    const { partition } = this.#options.link
    const first = messages.find(({ offset }) => offset === from)
    if (this.#anchor !== null && messages.length === 0) throw new Untold(partition, this.#anchor.offset, high)
    if (this.#anchor !== null && (first === undefined || digestOf(first.value) !== this.#anchor.digest)) {
      throw cutOff(partition, this.#anchor.offset)
    }
    this.#suspect = false
    this.#doubts.clear()
    this.#saidReason = null
    this.#options.log('info', 'log-followed', { partition })
    this.#started.resolve()
  }

  #take({ messages, high }: Fetched, askedAtMs: number): void {
    const position = known(this.#position, 'a follower that fetches has a position')
    const fresh = messages.filter(({ offset }) => offset >= position)
    const last = messages.at(-1)
    if (last !== undefined) this.#anchor = { offset: last.offset, digest: digestOf(last.value) }
    const next = fresh.length === 0 ? position : known(last, 'fresh messages').offset + 1
    if (next > position) this.#publish(fresh, next - 1)
    this.#position = next
    // Not from now on: a process that was stopped in its tracks finds the answer that came before it was.
    if (next === high) this.#freshAtMs = askedAtMs
    this.#moves.wake()
  }

  #publish(messages: readonly Found[], head: number): void {
    const found = new Map<string, Found[]>()
    for (const message of messages) {
      const env = environmentOf(message)
      if (env === null || !this.#environments.get(env)) continue
      const list = found.get(env)
      if (list === undefined) found.set(env, [message])
      else list.push(message)
    }
    for (const [env, followed] of this.#environments) {
      if (followed) this.#publishOne(env, found.get(env) ?? [], head)
    }
  }

  #publishOne(env: string, messages: readonly Found[], head: number): void {
    const records: RevisedRecord[] = []
    for (const message of messages) {
      try {
        const record = readRecord(env, message, this.#options.logId)
        if (record !== null) records.push(record)
      } catch (error) {
        if (records.length > 0) this.#options.published(env, records, message.offset - 1)
        this.#failOne(env, error)
        return
      }
    }
    this.#options.published(env, records, head)
  }

  #failOne(env: string, error: unknown): void {
    if (!(error instanceof LogError)) throw error
    this.#environments.set(env, false)
    this.#options.log('error', 'log-environment-failed', {
      partition: this.#options.link.partition,
      reason: error.message,
      automatic: false,
    })
    this.#options.failed(env, error)
  }

  async #recover(error: unknown): Promise<void> {
    if (!this.#open) return
    this.#suspect = true
    const final = await this.#finalReason(error)
    if (final !== null) return this.#end(final)
    this.#topicGone ||= protocolCode(error) === 'UNKNOWN_TOPIC_OR_PARTITION'
    this.#say(reasonOf(error))
    await this.#pauses.wait(this.#backoff.next())
  }

  /** Now and then per reason: brokers that are away for a day would fill the disk. */
  #say(reason: string): void {
    const nowMs = this.#options.monotonicMs()
    if (reason === this.#saidReason && nowMs - this.#saidAtMs < SAY_AGAIN_MS) return
    this.#options.log('warn', 'log-interrupted', { partition: this.#options.link.partition, reason, automatic: true })
    this.#saidReason = reason
    this.#saidAtMs = nowMs
  }

  /** An error that waiting does not mend; null: go on trying. */
  async #finalReason(error: unknown): Promise<LogError | null> {
    if (error instanceof LogError) return error.code === 'unavailable' ? null : error
    if (protocolCode(error) === 'OFFSET_OUT_OF_RANGE') return this.#believeBehind()
    // The next connection looks for the leader anew, by another broker.
    if (error instanceof Untold) this.#options.link.drop()
    this.#doubts.clear()
    return null
  }

  async #believeBehind(): Promise<LogError | null> {
    try {
      const { partition } = this.#options.link
      const { low, high } = await this.#options.link.watermarks()
      const position = known(this.#position, 'a position was asked for')
      if (position < low) return lost(partition, position, low)
      // Trimmed meanwhile up to where it was looked at, or this is another leader: the next look tells.
      if (position <= high) return null
      return this.#doubts.behind() ? cutOff(partition, position) : null
    } catch {
      // The brokers do not answer: the next attempt tells.
      return null
    }
  }

  #end(reason: LogError): void {
    this.#diverged = reason
    this.#options.log('error', 'log-lost', { partition: this.#options.link.partition, reason: reason.message, automatic: false })
    const followed = [...this.#environments].filter(([, follows]) => follows).map(([env]) => env)
    this.close()
    for (const env of followed) this.#options.failed(env, reason)
  }
}

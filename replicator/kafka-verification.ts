/** Whether the topic is fit to be the log and holds the right one: found out when the log is opened, or later, when the brokers answer at last. */
import type { SnapshotPlatform } from '../snapshots/platform.ts'
import { at } from '../src/base/assert.ts'
import { LogError } from '../src/log/log.ts'
import type { KafkaPlace } from '../src/ops/places.ts'
import { Backoff, Pauses } from './kafka-deadline.ts'
import { isRefusedConnection, reasonOf, unavailable } from './kafka-failure.ts'
import { openGeneration } from './kafka-generation.ts'
import { type ClusterConnection, PartitionLink } from './kafka-link.ts'
import { type OpenTopicOptions, openTopic, topicName } from './kafka-topic.ts'

export interface VerificationOptions {
  readonly connection: ClusterConnection & OpenTopicOptions['connection']
  readonly place: KafkaPlace
  /** Null: the topic tells. */
  readonly known: string | null
  readonly platform: Pick<SnapshotPlatform, 'nowMs' | 'newId' | 'log'>
}

/** How long an opening log waits for the brokers: when it cannot do without, until those that are left have replaced one that stands still, which takes
 * them 9 s as they are set; short when there is a snapshot to serve from. */
const OPEN_MS = 12_000
const OPEN_KNOWN_MS = 2000
/** For checking the topic, by attempt: short at first, because one of the brokers that are asked may stand still, and the next attempt asks others; the third
 * begins when such a one has been replaced, and while an opening log waits. */
const CHECK_MS = [4000, 6000, 10_000]

export class KafkaVerification {
  readonly logId: string
  readonly #options: VerificationOptions
  readonly #done = Promise.withResolvers<void>()
  readonly #pauses: Pauses
  /** Since it was verified last. */
  #failures = 0
  #partitions: number | null = null
  #problem: LogError | null
  #open = true

  /** Resolves when the topic is verified, or when the brokers do not answer and the log is known. Rejects with LogError. */
  static async start(options: VerificationOptions): Promise<KafkaVerification> {
    const until = performance.now() + (options.known === null ? OPEN_MS : OPEN_KNOWN_MS)
    const pauses = new Pauses()
    const backoff = new Backoff()
    for (let attempt = 0; ; attempt++) {
      try {
        return new KafkaVerification(options, pauses, await verify(options, pauses, attempt))
      } catch (error) {
        if (error instanceof LogError) throw error
        const pause = backoff.next()
        if (performance.now() + pause < until && !isRefusedConnection(error)) await pauses.wait(pause)
        else if (options.known === null) throw unavailable(`opening topic \`${topicName(options.place)}\``, error)
        else return new KafkaVerification(options, pauses, { logId: options.known, problem: unavailable('opening the log', error) })
      }
    }
  }

  private constructor(options: VerificationOptions, pauses: Pauses, found: Verified | Unverified) {
    this.#options = options
    this.#pauses = pauses
    this.logId = found.logId
    this.#problem = 'problem' in found ? found.problem : null
    // Whoever waits hears of it.
    this.#done.promise.catch(() => undefined)
    if ('problem' in found) {
      this.#failures++
      void this.#keepTrying()
    } else this.#succeed(found)
  }

  /** Null as long as it is not known. */
  get partitions(): number | null {
    return this.#partitions
  }

  /** Resolves when the topic is verified; rejects when it holds another log. */
  get done(): Promise<void> {
    return this.#done.promise
  }

  /** Throws LogError when it is not verified. */
  check(): void {
    if (this.#problem !== null) throw this.#problem
  }

  /** After the topic was away: rejects with LogError when it is another one now, and as kafkajs does when the brokers do not answer. */
  async again(): Promise<void> {
    await this.#verify({ ...this.#options, known: this.logId })
  }

  /** Nothing of it goes on afterwards. */
  close(): void {
    this.#open = false
    this.#pauses.end()
  }

  async #keepTrying(): Promise<void> {
    const backoff = new Backoff()
    let said: string | null = null
    while (this.#isOpen()) {
      try {
        this.#succeed(await this.#verify(this.#options))
        return
      } catch (error) {
        if (!this.#isOpen()) return
        this.#problem = error instanceof LogError ? error : unavailable('opening the log', error)
        if (this.#problem.code === 'diverged' || this.#problem.code === 'corrupted') return this.#done.reject(this.#problem)
        const reason = reasonOf(error)
        if (reason !== said) this.#options.platform.log('warn', 'log-unavailable', { reason, automatic: true })
        said = reason
        await this.#pauses.wait(backoff.next())
      }
    }
  }

  // A call, because it changes while something is waited for.
  #isOpen(): boolean {
    return this.#open
  }

  async #verify(options: VerificationOptions): Promise<Verified> {
    try {
      const verified = await verify(options, this.#pauses, this.#failures)
      this.#failures = 0
      return verified
    } catch (error) {
      this.#failures++
      throw error
    }
  }

  #succeed({ partitions, warnings }: Verified): void {
    this.#problem = null
    this.#partitions = partitions
    for (const reason of warnings) this.#options.platform.log('warn', 'log-settings', { reason })
    this.#done.resolve()
  }
}

interface Verified {
  readonly logId: string
  readonly partitions: number
  readonly warnings: readonly string[]
}

interface Unverified {
  readonly logId: string
  readonly problem: LogError
}

const verify = async (options: VerificationOptions, pauses: Pauses, attempt: number): Promise<Verified> => {
  const { connection, place, known, platform } = options
  const topic = topicName(place)
  const deadlineMs = checkMs(options, attempt)
  const { partitions, warnings } = await openTopic({ connection, place, create: known === null, deadlineMs, pauses })
  const link = new PartitionLink(connection, topic, 0)
  const settle = pauses.atEnd(() => link.drop())
  try {
    const logId = await openGeneration({ link, topic, known, newId: platform.newId, nowMs: platform.nowMs, pauses })
    return { logId, partitions, warnings }
  } finally {
    settle()
    link.drop()
  }
}

/** At once as long as ever where there is neither another broker to ask nor a snapshot to serve from. */
const checkMs = ({ place, known }: VerificationOptions, attempt: number): number =>
  place.brokers.length === 1 && known === null ? at(CHECK_MS, CHECK_MS.length - 1) : at(CHECK_MS, Math.min(attempt, CHECK_MS.length - 1))

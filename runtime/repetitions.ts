/** Recognises a client's retry of a write, so that it has one effect (http-api.md 9.2): only requests that carry an id of their own, for a minute, in this process. */
import { LogError } from '../src/log/log.ts'
import type { Call } from './exchange.ts'
import type { Principal } from './keys.ts'
import type { Platform } from './platform.ts'
import type { Reply } from './reply.ts'
import type { Environment } from './service.ts'

/** What makes two requests the same. */
export interface Repeatable extends Pick<Call, 'request' | 'body' | 'sentRequestId'> {
  readonly environment: Pick<Environment, 'id'>
  readonly principal: Pick<Principal, 'tokenId'>
}

const REMEMBERED_MS = 60_000
/** Remembered writes; the oldest goes first. */
const REMEMBERED = 65_536

interface Remembered {
  readonly writeId: string
  readonly admittedMs: number
  /** Settles when the attempt in flight has ended. */
  running: Promise<void> | null
  /** The 2xx answer; null while it runs and after an unknown outcome. */
  reply: Reply | null
}

export class Repetitions {
  readonly #platform: Platform
  readonly #remembered = new Map<string, Remembered>()

  constructor(platform: Platform) {
    this.#platform = platform
  }

  /** Executes a write under a write id, or gives the answer of the same request before. */
  async run(call: Repeatable, execute: (writeId: string) => Promise<Reply>): Promise<Reply> {
    if (call.sentRequestId === null) return execute(this.#platform.newId())
    const key = this.#keyOf(call, call.sentRequestId)
    for (;;) {
      const before = this.#find(key)
      if (before === undefined) return this.#attempt(key, this.#remember(key), execute)
      if (before.running === null) return before.reply ?? this.#attempt(key, before, execute)
      await before.running
    }
  }

  async #attempt(key: string, entry: Remembered, execute: (writeId: string) => Promise<Reply>): Promise<Reply> {
    const attempt = execute(entry.writeId)
    entry.running = attempt.then(
      (reply) => this.#ended(key, entry, reply.status < 300 ? reply : null, false),
      (error: unknown) => this.#ended(key, entry, null, error instanceof LogError && error.code === 'unknown-outcome'),
    )
    return attempt
  }

  #ended(key: string, entry: Remembered, reply: Reply | null, outcomeUnknown: boolean): void {
    entry.running = null
    entry.reply = reply
    if (reply === null && !outcomeUnknown && this.#remembered.get(key) === entry) this.#remembered.delete(key)
  }

  #find(key: string): Remembered | undefined {
    const entry = this.#remembered.get(key)
    const isOld = entry !== undefined && entry.running === null && this.#platform.monotonicMs() - entry.admittedMs > REMEMBERED_MS
    return isOld ? undefined : entry
  }

  #remember(key: string): Remembered {
    const nowMs = this.#platform.monotonicMs()
    for (const [oldest, { admittedMs }] of this.#remembered) {
      if (this.#remembered.size < REMEMBERED && nowMs - admittedMs <= REMEMBERED_MS) break
      this.#remembered.delete(oldest)
    }
    const entry: Remembered = { writeId: this.#platform.newId(), admittedMs: nowMs, running: null, reply: null }
    // Deleted first: a map keeps the place of a key, and the order is by admission.
    this.#remembered.delete(key)
    this.#remembered.set(key, entry)
    return entry
  }

  #keyOf({ environment, principal, request, body }: Repeatable, requestId: string): string {
    const target = request.url.slice(request.url.indexOf('/', request.url.indexOf('://') + 3))
    const digest = String.fromCharCode(...this.#platform.sha256(body))
    return [environment.id, principal.tokenId, requestId, request.method, target, digest].join('\n')
  }
}

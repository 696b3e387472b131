/** The inner interface over a log in this very thread: what the worker runs, and what tests run without one. */
import { assert, at, known } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import type { EnvironmentStatus, InnerReplicator, ReplicatorStatus, TailReader } from '../src/log/inner.ts'
import { type Log, LogError, type RevisedRecord } from '../src/log/log.ts'
import { createMemoryLog } from '../src/log/memory-log.ts'
import type { RecordBody } from '../src/log/record.ts'
import { Tail } from './tail.ts'

export interface InProcessOptions {
  /** Closed with the replicator. No one else appends to it. */
  readonly log: Log
  /** Encoded bytes of a record of an ephemeral environment. */
  readonly maxRecordBytes?: number
  readonly nowMs: () => number
}

export const inProcessReplicator = async ({ log, maxRecordBytes, nowMs }: InProcessOptions): Promise<InnerReplicator> => {
  const memory = createMemoryLog({ logId: log.logId, ...(maxRecordBytes !== undefined && { maxRecordBytes }) })
  const replicator = new InProcess(log, memory, nowMs)
  for (const env of await log.environments()) replicator.adopt(env, log, (await log.bounds(env)).last)
  return replicator
}

/** For tests: everything in memory. */
export const inMemoryReplicator = async (
  options: { readonly logId?: string; readonly maxRecordBytes?: number } = {},
): Promise<InnerReplicator> => {
  const { logId = 'memory', maxRecordBytes = limits.developmentRecordBytes } = options
  return inProcessReplicator({ log: createMemoryLog({ logId, maxRecordBytes }), maxRecordBytes, nowMs: Date.now })
}

interface Environment {
  readonly env: string
  readonly log: Log
  /** Last published revision. */
  head: number
  readonly tails: Set<Tail>
  /** Durable, not yet published. */
  fresh: RevisedRecord[]
  publishing: Promise<void> | null
}

class InProcess implements InnerReplicator {
  readonly #log: Log
  readonly #memory: Log
  readonly #nowMs: () => number
  readonly #environments = new Map<string, Environment>()
  readonly #creating = new Map<string, Promise<void>>()
  readonly #pending = new Set<Promise<unknown>>()
  #problem: LogError | null = null
  #open = true

  constructor(log: Log, memory: Log, nowMs: () => number) {
    this.#log = log
    this.#memory = memory
    this.#nowMs = nowMs
  }

  adopt(env: string, log: Log, head: number): void {
    this.#environments.set(env, { env, log, head, tails: new Set(), fresh: [], publishing: null })
  }

  async append(env: string, body: RecordBody, writeId: string): Promise<{ readonly revision: number }> {
    this.#usable()
    const environment = this.#environment(env)
    return this.#tracked(this.#appendTo(environment, body, writeId))
  }

  tail(env: string, after: number, reader: TailReader): () => void {
    this.#usable()
    const environment = this.#environment(env)
    const tail = new Tail(environment, after, reader, () => environment.tails.delete(tail))
    environment.tails.add(tail)
    tail.start()
    return () => tail.end()
  }

  async createEnvironment(env: string, { ephemeral = false }: { readonly ephemeral?: boolean } = {}): Promise<void> {
    this.#usable()
    if (this.#environments.has(env)) return
    const creating = this.#creating.get(env) ?? this.#tracked(this.#create(env, ephemeral ? this.#memory : this.#log))
    this.#creating.set(env, creating)
    try {
      await creating
    } finally {
      this.#creating.delete(env)
    }
  }

  async environments(): Promise<readonly EnvironmentStatus[]> {
    this.#usable()
    const found = [...this.#environments.values()].map(async ({ env, log }) => ({
      env,
      ephemeral: log === this.#memory,
      ...(await log.bounds(env)),
    }))
    return Promise.all(found)
  }

  status(): ReplicatorStatus {
    return { state: this.#open ? 'running' : 'closed', logId: this.#log.logId, problem: this.#problem, pending: this.#pending.size }
  }

  async close(): Promise<void> {
    this.#open = false
    await Promise.allSettled(this.#pending)
    for (const { tails } of this.#environments.values()) for (const tail of tails) tail.end()
    await this.#memory.close()
    await this.#log.close()
  }

  #usable(): void {
    if (!this.#open) throw new LogError('unavailable', 'the replicator is closed')
  }

  #environment(env: string): Environment {
    return known(this.#environments.get(env), `environment \`${env}\` exists`)
  }

  async #tracked<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work)
    try {
      const result = await work
      this.#problem = null
      return result
    } catch (error) {
      // A record that is too large says nothing about the log.
      if (error instanceof LogError && error.code !== 'too-large') this.#problem = error
      throw error
    } finally {
      this.#pending.delete(work)
    }
  }

  async #create(env: string, log: Log): Promise<void> {
    const { logId } = log
    const record = { format: 1, logId, writeId: `genesis-${logId}`, appendedAtMs: this.#nowMs(), body: { kind: 'genesis' } } as const
    this.adopt(env, log, await log.append(env, record))
  }

  async #appendTo(environment: Environment, body: RecordBody, writeId: string): Promise<{ readonly revision: number }> {
    const { env, log } = environment
    const record = { format: 1, logId: log.logId, writeId, appendedAtMs: this.#nowMs(), body } as const
    const revision = await log.append(env, record)
    environment.fresh.push({ revision, record })
    environment.publishing ??= this.#publish(environment)
    await environment.publishing
    return { revision }
  }

  /** One push per group commit: the log resolves the appends of a group in one go, so all of them have arrived when this turn of promises ends. */
  async #publish(environment: Environment): Promise<void> {
    await Promise.resolve()
    const records = environment.fresh
    environment.fresh = []
    environment.publishing = null
    assert(at(records, 0).revision > environment.head, 'a log answers appends in order')
    environment.head = at(records, records.length - 1).revision
    for (const tail of environment.tails) tail.publish(records)
  }
}

/** Environments that end with the process: their log is in memory, and nothing is published of them. */

import type { Later } from '../snapshots/later.ts'
import type { SnapshotPlatform } from '../snapshots/platform.ts'
import type { EnvironmentStatus } from '../src/log/inner.ts'
import { LogError, type PartitionedLog } from '../src/log/log.ts'
import type { RecordBody } from '../src/log/record.ts'
import { Channel } from './channel.ts'
import type { RecentRecords } from './recent.ts'

export interface EphemeralOptions {
  readonly memory: PartitionedLog
  readonly platform: Pick<SnapshotPlatform, 'monotonicMs' | 'nowMs'>
  readonly later: Later
  readonly recent: RecentRecords
}

export class Ephemeral {
  readonly #options: EphemeralOptions
  readonly #channels = new Map<string, Channel>()

  constructor(options: EphemeralOptions) {
    this.#options = options
    options.memory.subscribe({
      published: (env, records, head) => this.#channels.get(env)?.published(records, head),
      failed: (env, error) => this.#channels.get(env)?.failed(error),
    })
  }

  channel(env: string): Channel | undefined {
    return this.#channels.get(env)
  }

  async create(env: string): Promise<void> {
    const { memory, recent, later, platform } = this.#options
    const channel = new Channel({ env, log: memory, recent, later, monotonicMs: platform.monotonicMs })
    channel.connect(-1)
    this.#channels.set(env, channel)
    await this.append(env, { kind: 'genesis' }, `genesis-${memory.logId}`)
  }

  append(env: string, body: RecordBody, writeId: string): Promise<number> {
    const { memory, platform } = this.#options
    return memory.append(env, { format: 1, logId: memory.logId, writeId, appendedAtMs: platform.nowMs(), body })
  }

  /** Whether there was one. */
  drop(env: string): boolean {
    const channel = this.#channels.get(env)
    this.#channels.delete(env)
    channel?.failed(new LogError('unknown-environment', `environment \`${env}\` was deleted`))
    return channel !== undefined
  }

  statuses(): readonly EnvironmentStatus[] {
    return [...this.#channels].map(([env, { head }]) => ({ env, ephemeral: true, first: 0, last: head }))
  }

  async close(): Promise<void> {
    for (const channel of this.#channels.values()) channel.end()
    await this.#options.memory.close()
  }
}

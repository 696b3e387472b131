/** The restore points of an environment: brings back what a record names, and knows which of them a record may name that the log still holds. */
import type { RestoreRecord } from '../src/log/apply.ts'
import type { Store } from '../src/store/facts.ts'
import { type RestoreParts, restoredState } from './restore.ts'

export class RestorePoints {
  readonly #parts: Omit<RestoreParts, 'log'>
  /** Positions of the restore records that were read, by the key of their object. */
  readonly #read = new Map<string, number>()
  /** From here on they were read. */
  #begunThrough = -1

  constructor(parts: Omit<RestoreParts, 'log'>) {
    this.#parts = parts
  }

  /** A replica was loaded that stands there. */
  begin(through: number): void {
    this.#begunThrough = through
  }

  /** The state that a restore record asks for. Rejects when it cannot be had at the moment. */
  async restored(restore: RestoreRecord): Promise<Store> {
    const { env, platform } = this.#parts
    const { revision, body } = restore
    this.#read.set(body.key, revision)
    platform.log('info', 'restore', { environment: env, revision, to: body.revision, key: body.key })
    return restoredState(this.#parts, restore)
  }

  /** The log goes back to `first` only. */
  trimmed(first: number): void {
    for (const [key, revision] of this.#read) if (revision < first) this.#read.delete(key)
  }

  /** One that was read before this process began is older than what it began with. */
  isNeeded(key: string, first: number): boolean {
    return (this.#read.get(key) ?? this.#begunThrough) >= first
  }
}

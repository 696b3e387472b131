/** Reads the heartbeat that tells how far an environment's log goes: that of its partition, or of the environment itself where it has one of its own. */
import { type Heartbeat, type ReadHeartbeat, readHeartbeat } from './heartbeat.ts'
import type { ObjectStore } from './object-store.ts'

export class HeartbeatReader {
  readonly #objects: ObjectStore
  readonly #env: string
  readonly #partition: () => number | null
  /** Name of the partition under which the environment was found, and the version that was read last. */
  #found: ({ readonly name: string } & ReadHeartbeat) | null = null

  constructor(objects: ObjectStore, env: string, partition: () => number | null) {
    this.#objects = objects
    this.#env = env
    this.#partition = partition
  }

  /** The newest heartbeat, the same object as before when it has not changed; null when none names the environment. Rejects with StoreError and HeartbeatError. */
  async read(): Promise<Heartbeat | null> {
    for (const name of this.#names()) {
      const read = await readHeartbeat(this.#objects, name, this.#found?.name === name ? this.#found.version : undefined)
      if (read === 'unchanged') return this.#found?.heartbeat ?? null
      // A log without partitions of its own names them like environments, so a number may be the name of another one.
      if (read === null || !Object.hasOwn(read.heartbeat.environments, this.#env)) continue
      this.#found = { name, ...read }
      return read.heartbeat
    }
    this.#found = null
    return null
  }

  #names(): readonly string[] {
    const partition = this.#partition()
    const names = partition === null ? [this.#env] : [String(partition), this.#env]
    const last = this.#found?.name
    return last === undefined ? names : [last, ...names.filter((name) => name !== last)]
  }
}

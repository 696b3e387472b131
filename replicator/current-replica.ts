/** The own replica of an environment for whoever needs it as new as its log is known to be, within a bound. */
import { limits } from '../src/base/limits.ts'
import { LogError } from '../src/log/log.ts'
import type { Channel } from './channel.ts'
import type { OwnReplica } from './own-replica.ts'

export interface CurrentReplicaOptions {
  readonly channel: Channel
  /** Null until it is loaded. */
  readonly own: () => OwnReplica | null
  /** Why it does not follow the log, or null. */
  readonly problem: () => LogError | null
}

export class CurrentReplica {
  readonly #options: CurrentReplicaOptions
  #waitMs: number = limits.currentWaitMs

  constructor(options: CurrentReplicaOptions) {
    this.#options = options
  }

  get hasGenesis(): boolean {
    const own = this.#options.own()
    return own !== null && own.store.logId() !== null
  }

  /** With everything that was published up to now. Rejects with LogError. */
  async get(): Promise<OwnReplica> {
    const { channel, problem } = this.#options
    const own = this.#loaded()
    const found = problem()
    // What never began is no state at all.
    if (found !== null && !this.hasGenesis) throw found
    // While the log cannot be followed, what is there is the newest.
    if (channel.isConnected && found === null) await this.#reach(own, channel.head)
    own.prepare()
    return own
  }

  /** Resolves when it has a revision that is in the log, whatever its problem was until then. Rejects with LogError `unavailable`. */
  async reach(revision: number): Promise<void> {
    await this.#reach(this.#loaded(), revision)
  }

  /** Resolves when what is loaded has everything that was published; at once where there is nothing to wait for. */
  async reachHead(): Promise<void> {
    const { channel, own } = this.#options
    const loaded = own()
    if (loaded !== null && channel.isConnected) await this.#reach(loaded, channel.head)
  }

  /** For good: what is waited for is told not to be there, now and later. */
  giveUp(): void {
    this.#waitMs = 0
    this.#options.own()?.giveUp()
  }

  #loaded(): OwnReplica {
    const { own, problem, channel } = this.#options
    const loaded = own()
    if (loaded !== null) return loaded
    throw problem() ?? new LogError('unavailable', `environment \`${channel.env}\` is still being loaded`)
  }

  async #reach(own: OwnReplica, position: number): Promise<void> {
    const { problem, channel } = this.#options
    if (await own.reach(position, this.#waitMs)) return
    const lag = `environment \`${channel.env}\` is applied up to ${own.through} of ${position}`
    throw problem() ?? new LogError('unavailable', `${lag}; recovery is automatic`)
  }
}

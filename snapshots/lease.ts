/** Which of several publishers works: a counter in the object store that its holder keeps moving. It saves work; safety does not rest on it. */
import { messageOf } from '../src/base/message.ts'
import { ManifestShape } from './manifest-shape.ts'
import { objectBytes } from './object-bytes.ts'
import { type ObjectStore, type PutCondition, StoreError } from './object-store.ts'
import type { SnapshotPlatform } from './platform.ts'

export const leaseKey = 'lease.json'

const LEASE_BYTES = 64 * 1024

export interface LeaseOptions {
  readonly objects: ObjectStore
  /** For people: two processes may have the same. */
  readonly holder: string
  readonly platform: Pick<SnapshotPlatform, 'monotonicMs' | 'newId' | 'log'>
  /** A counter that did not move for so long on one's own clock belongs to nobody. */
  readonly standstillMs: number
}

/** What is in the store. */
interface LeaseState {
  readonly epoch: number
  /** Null: given back. */
  readonly holder: string | null
  readonly counter: number
}

interface Seen {
  readonly text: string
  /** When the answer had come, by the own clock. */
  readonly atMs: number
}

export class Lease {
  readonly #options: LeaseOptions
  readonly #holder: string
  /** The epoch under which this process last wrote the lease, or tried to. */
  #epoch: number | null = null
  /** When the last renewal that succeeded was begun. */
  #renewedAtMs = Number.NEGATIVE_INFINITY
  #seen: Seen | null = null
  #outranked = 0

  constructor(options: LeaseOptions) {
    this.#options = options
    this.#holder = `${options.holder}#${options.platform.newId()}`
  }

  /** The epoch while nobody else can have taken the lease over, as far as the own clock tells; null otherwise. */
  get epoch(): number | null {
    return this.#options.platform.monotonicMs() - this.#renewedAtMs < this.#options.standstillMs ? this.#epoch : null
  }

  /** To be called several times per standstill. The epoch when it is held, null when another has it. Rejects with StoreError; whether it is held is open
   * then, and the next call finds out. */
  async renew(): Promise<number | null> {
    const begunMs = this.#options.platform.monotonicMs()
    const found = await this.#read()
    if (found === null) return this.#take({ kind: 'absent' }, 0, begunMs)
    const { state, version } = found
    if (state !== null && this.#isMine(state)) {
      const next = { ...state, epoch: this.#epochAfter(state), counter: state.counter + 1 }
      return (await this.#write(next, { kind: 'version', version })) ? this.#hold(next.epoch, begunMs) : null
    }
    this.#lose()
    if (!this.#isAbandoned(found, begunMs)) return null
    return this.#take({ kind: 'version', version }, state?.epoch ?? 0, begunMs)
  }

  /** Lets another one take it over at once. */
  async release(): Promise<void> {
    const found = this.#epoch === null ? null : await this.#read()
    const mine = found?.state
    this.#lose()
    if (found === null || mine === null || mine === undefined || mine.holder !== this.#holder) return
    // Never deleted: epochs would begin again.
    await this.#put({ ...mine, holder: null, counter: mine.counter + 1 }, { kind: 'version', version: found.version })
  }

  /** A manifest of this epoch was seen: if the lease was lost and made anew, it goes on above. */
  outrank(epoch: number): void {
    this.#outranked = Math.max(this.#outranked, epoch)
  }

  #isMine(state: LeaseState): boolean {
    return this.#epoch !== null && state.holder === this.#holder
  }

  #epochAfter({ epoch }: LeaseState): number {
    return epoch > this.#outranked ? epoch : this.#outranked + 1
  }

  /** Whether nobody moves it: the first and the last look that showed the same lie a standstill apart, however long either took. */
  #isAbandoned({ state, text }: Found, begunMs: number): boolean {
    const { platform, standstillMs } = this.#options
    if (state?.holder === null) return true
    if (this.#seen?.text === text) return begunMs - this.#seen.atMs >= standstillMs
    this.#seen = { text, atMs: platform.monotonicMs() }
    return false
  }

  async #take(condition: PutCondition, epochThere: number, begunMs: number): Promise<number | null> {
    const epoch = Math.max(epochThere, this.#outranked) + 1
    this.#options.platform.log('info', 'lease-taking', { store: this.#options.objects.name, epoch, holder: this.#holder })
    if (!(await this.#write({ epoch, holder: this.#holder, counter: 1 }, condition))) return null
    // Some servers let two writers of one race win: the one that is there now goes on.
    const now = await this.#read()
    if (now !== null && now.state !== null && this.#isMine(now.state)) return this.#hold(epoch, begunMs)
    this.#lose()
    return null
  }

  /** False when another one was faster. */
  async #write(state: LeaseState, condition: PutCondition): Promise<boolean> {
    // Before the write: when its outcome stays unknown, it may have succeeded.
    this.#epoch = state.epoch
    const isWritten = await this.#put(state, condition)
    if (!isWritten) this.#lose()
    return isWritten
  }

  /** Others measure the standstill from when they saw the write, which was after the renewal began. */
  #hold(epoch: number, begunMs: number): number {
    this.#renewedAtMs = begunMs
    this.#seen = null
    return epoch
  }

  #lose(): void {
    this.#epoch = null
    this.#renewedAtMs = Number.NEGATIVE_INFINITY
  }

  /** False when another writer was faster. */
  async #put(state: LeaseState, condition: PutCondition): Promise<boolean> {
    try {
      await this.#options.objects.put(leaseKey, new TextEncoder().encode(JSON.stringify(state)), condition)
      return true
    } catch (error) {
      if (error instanceof StoreError && error.code === 'precondition') return false
      throw error
    }
  }

  async #read(): Promise<Found | null> {
    const object = await this.#options.objects.get(leaseKey)
    if (object === null || object === 'unchanged') return null
    const bytes = await objectBytes(leaseKey, object, LEASE_BYTES)
    const text = new TextDecoder().decode(bytes)
    try {
      return { state: parseLease(bytes), version: object.version, text }
    } catch (error) {
      // Nobody can hold it: it is replaced after a standstill, like one whose holder is gone.
      const reason = messageOf(error)
      this.#options.platform.log('warn', 'lease-unreadable', { store: this.#options.objects.name, key: leaseKey, reason })
      return { state: null, version: object.version, text }
    }
  }
}

interface Found {
  /** Null when it is unreadable. */
  readonly state: LeaseState | null
  readonly version: string
  readonly text: string
}

const parseLease = (bytes: Uint8Array): LeaseState => {
  const shape = ManifestShape.parse(bytes, (reason, cause) => new Error(reason, { cause }))
  const state = { epoch: shape.integer('epoch'), holder: shape.textOrNull('holder'), counter: shape.integer('counter') }
  shape.end()
  return state
}

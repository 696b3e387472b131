/** What is published of one hosted environment, step by step, never two steps at once. */
import type { Manifest } from '../snapshots/manifest.ts'
import { Publication } from '../snapshots/publication.ts'
import type { PublicationOptions } from '../snapshots/publication-options.ts'
import { known } from '../src/base/assert.ts'
import type { RevisedRecord } from '../src/log/log.ts'
import type { OwnReplica } from './own-replica.ts'
import { ReplayDebt } from './replay-debt.ts'
import { replicaImage } from './replica-image.ts'

export interface HostedPublicationOptions extends Omit<PublicationOptions, 'epoch'> {
  /** The replica that is published; it may be replaced, and is null until it is loaded. */
  readonly own: () => OwnReplica | null
}

export class HostedPublication {
  readonly #options: HostedPublicationOptions
  readonly #debt = new ReplayDebt()
  #publication: Publication | null = null
  /** The state was replaced since the last step. */
  #replaced = false
  #step: Promise<unknown> = Promise.resolve()
  #open = true

  constructor(options: HostedPublicationOptions) {
    this.#options = options
  }

  /** Null before the first replica was loaded. */
  get current(): Publication | null {
    return this.#publication
  }

  /** Whether there is something to publish. */
  get isDirty(): boolean {
    return this.#replaced || (this.#publication?.waiting ?? 0) > 0
  }

  /** A replica was loaded that stands there; `refused`: objects that it could not be loaded from. Rejects with PublishError. */
  async begin(through: number, refused: readonly string[]): Promise<void> {
    // Nobody else writes here; the lease is for what all cells share.
    const epoch = (): number => this.#publication?.manifest?.epoch ?? 0
    this.#publication ??= await Publication.open({ ...this.#options, epoch })
    this.#publication.reject(refused)
    this.#publication.continueFrom(through)
  }

  add(records: readonly RevisedRecord[], through: number): void {
    this.#publication?.add(records, through)
    this.#debt.add(records, this.#options.platform.monotonicMs())
  }

  /** By a restore. */
  replaced(): void {
    this.#replaced = true
  }

  /** Null when there is nothing to publish yet. Rejects with PublishError. */
  async publish(force: boolean): Promise<Manifest | null> {
    const previous = this.#step
    const step = (async () => {
      await previous.catch(() => {})
      return this.#publish(force)
    })()
    this.#step = step
    return step
  }

  /** Waits for the step that is under way; there is no other one. */
  async close(): Promise<void> {
    this.#open = false
    await this.#step.catch(() => {})
  }

  async #publish(force: boolean): Promise<Manifest | null> {
    const own = this.#options.own()
    if (this.#publication === null || !this.#open || own === null || own.store.logId() === null) return null
    const replaced = this.#replaced
    this.#replaced = false
    try {
      return await this.#publishTo(this.#publication, force || replaced || this.#isReplayLong(own))
    } catch (error) {
      this.#replaced ||= replaced
      throw error
    }
  }

  async #publishTo(publication: Publication, force: boolean): Promise<Manifest | null> {
    const before = publication.manifest?.snapshots[0]?.key
    let inSnapshot = 0
    const image = () => {
      const own = known(this.#options.own(), 'what is published is there')
      own.prepare()
      inSnapshot = this.#debt.changes
      return replicaImage(own.store, own.through)
    }
    const manifest = await publication.publish(image, { force })
    if (manifest?.snapshots[0]?.key !== before) this.#debt.pay(inSnapshot)
    return manifest
  }

  #isReplayLong({ store }: OwnReplica): boolean {
    return this.#debt.isDue(() => store.totals().total, this.#options.platform.monotonicMs())
  }
}

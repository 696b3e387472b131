/** What an object store is told of one environment: deltas while there are records, a snapshot from time to time, and a manifest after both. */
import { assert, known } from '../src/base/assert.ts'
import type { RevisedRecord } from '../src/log/log.ts'
import type { RestoreBody } from '../src/log/record.ts'
import { snapshotLimits } from './bounds.ts'
import type { ProvenImage } from './image-press.ts'
import { LoadError, logRefusal } from './load-error.ts'
import { type DeltaEntry, type Manifest, manifestFormat, manifestKey, type SnapshotEntry } from './manifest.ts'
import { ManifestPlace } from './manifest-place.ts'
import { fitDeltas } from './merge-deltas.ts'
import type { PublicationOptions } from './publication-options.ts'
import { PublishError } from './publish-error.ts'
import { RecordBuffer } from './record-buffer.ts'
import { endOf, type Named, reachOf, retained } from './retain.ts'
import { SnapshotAudit } from './snapshot-audit.ts'
import { SnapshotPace } from './snapshot-pace.ts'
import { Sweeper } from './sweeper.ts'
import { type ReplicaImage, type UploadTo, uploadDeltas, uploadRestorePoint, uploadSnapshot } from './upload.ts'

export type { ReplicaImage }

/** Publishes one environment; one step at a time. */
export class Publication {
  readonly #to: UploadTo
  readonly #options: PublicationOptions
  readonly #place: ManifestPlace
  readonly #audit: SnapshotAudit
  readonly #buffer: RecordBuffer
  readonly #pace: SnapshotPace
  #manifestAtMs: number
  readonly #sweeper: Sweeper
  /** Whether a state hash was computed anew. */
  #recomputed = false
  #steps: Promise<unknown> = Promise.resolve()

  private constructor(options: PublicationOptions, place: ManifestPlace) {
    const { objects, env, platform, pool } = options
    this.#options = options
    this.#to = { objects, env, platform, pool }
    this.#place = place
    this.#audit = new SnapshotAudit(this.#to)
    this.#buffer = new RecordBuffer(place.manifest === null ? -1 : endOf(place.manifest))
    const newest = place.manifest?.snapshots[0]?.through ?? -1
    const behind = place.manifest?.deltas.filter(({ last }) => last > newest) ?? []
    this.#pace = new SnapshotPace(options.settings, platform.monotonicMs, behind)
    this.#manifestAtMs = this.#pace.takenAtMs
    this.#sweeper = new Sweeper(this.#to, options.settings.unreferencedMs)
  }

  /** Rejects with PublishError. */
  static async open(options: PublicationOptions): Promise<Publication> {
    const place = new ManifestPlace(options)
    await place.read()
    return new Publication(options, place)
  }

  /** The newest that was written or found. */
  get manifest(): Manifest | null {
    return this.#place.manifest
  }

  /** Everything up to here is in two snapshots that were read back, with their deltas: the log may forget it. -1 when there are fewer. */
  get trimmable(): number {
    return this.manifest === null ? -1 : this.#audit.trimmable(this.manifest)
  }

  /** Records that wait for the next delta, and one more when only a snapshot leads on. */
  get waiting(): number {
    return this.#buffer.size + (this.#buffer.barrier === null ? 0 : 1)
  }

  /** Objects that no replica can be loaded from, whatever their hashes say: the next step is a snapshot in their place, or behind deltas. */
  reject(keys: readonly string[]): void {
    for (const key of keys) {
      if (this.manifest?.deltas.some((entry) => entry.key === key) === true) this.#buffer.forget(this.#buffer.through)
      else this.#audit.reject(key)
    }
  }

  /** Whether the next step puts another snapshot in the place of this one. */
  isRejected(entry: SnapshotEntry): boolean {
    return this.#audit.isDamaged(entry)
  }

  /** Where the replica stands after its bootstrap: `add` goes on from there. */
  continueFrom(through: number): void {
    const covered = this.manifest?.coveredThrough ?? -1
    // Behind what is covered records are unknown here; and in front of it something that the manifest names did not lead further. A snapshot heals both.
    // Without a manifest too: another publisher's may come, and reach less far.
    if (through !== covered) this.#buffer.forget(Math.max(through, covered))
  }

  /** What the replica has applied, in order, and the position up to which nothing is missing. Bounded: what is too much is published by a snapshot. */
  add(records: readonly RevisedRecord[], through: number): void {
    this.#pace.add(records.filter(({ revision }) => revision > this.#buffer.through))
    this.#buffer.add(records, through)
  }

  /** Publishes what is due: deltas of the records that wait, a snapshot of `image` when it is time for one or `force` asks for it. Resolves with the manifest
   * afterwards. A step waits for those before it. Rejects with PublishError: what waits goes on waiting, and the manifest that was there is valid. */
  publish(image: () => ReplicaImage, { force = false }: { readonly force?: boolean } = {}): Promise<Manifest | null> {
    return this.#inTurn(() => this.#publish(image, force))
  }

  /** Stores an image that a restore record can name. It is not deleted here: only the log knows whether a record names it. Rejects with PublishError. */
  putRestorePoint(image: ReplicaImage): Promise<RestoreBody> {
    return this.#inTurn(() => uploadRestorePoint(this.#to, image))
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#steps.then(step)
    this.#steps = result.catch(() => undefined)
    return result
  }

  async #publish(image: () => ReplicaImage, force: boolean): Promise<Manifest | null> {
    for (let attempt = 1; attempt <= snapshotLimits.attempts; attempt++) {
      if (this.#place.isStale) await this.#reread()
      if (await this.#step(image, force)) return this.manifest
    }
    throw new PublishError({
      code: 'superseded',
      operation: 'write manifest',
      key: manifestKey(this.#to.env),
      revision: this.manifest?.coveredThrough ?? null,
      reason: `another publisher replaced it ${snapshotLimits.attempts} times meanwhile`,
    })
  }

  /** The manifest was replaced, or may have been: goes on from what is there now. */
  async #reread(): Promise<void> {
    const before = this.manifest
    const found = await this.#place.read()
    if (found === null) return
    this.#buffer.goOnFrom(endOf(found))
    if (found.snapshots[0]?.key !== before?.snapshots[0]?.key) this.#pace.taken(this.#pace.seen())
  }

  /** False when the manifest was replaced meanwhile: the step is to be done again. */
  async #step(image: () => ReplicaImage, force: boolean): Promise<boolean> {
    this.#place.refuseOldEpoch()
    const base = this.#base()
    const isDue = force || this.#isSnapshotDue(base)
    if (isDue && this.#isLarge(base)) await this.#to.platform.press?.begin()
    const taken = isDue ? this.#take(image) : null
    const seen = this.#pace.seen()
    const waiting = this.#buffer.upTo(taken?.through ?? Number.POSITIVE_INFINITY)
    const deltas = base.snapshots.length > 0 && waiting.records.length > 0 ? await uploadDeltas(this.#to, waiting) : []
    if (taken === null && deltas.length === 0 && !this.#isIdleDue(waiting.last)) {
      await this.#lookAround(null)
      return true
    }
    const cut = taken === null ? null : await this.#upload(this.#positioned(taken, deltas))
    const named = await this.#named(base, deltas, cut)
    if (named === null) return false
    if (named.snapshots.length === 0) return true
    const logId = this.manifest?.logId ?? known(taken, 'the first manifest names a snapshot').logId
    const reached = deltas.at(-1)?.last ?? null
    const covered = this.#coveredBy(named, reached === null ? waiting : { first: reached + 1, last: reached })
    const written = await this.#place.write(this.#manifestOf(named, logId, covered))
    if (!written) return false
    this.#written(reached, cut)
    if (taken !== null) this.#pace.taken(seen)
    await this.#lookAround(cut)
    return true
  }

  /** What the manifest names, without what was found damaged. */
  #base(): Named {
    const { manifest } = this
    if (manifest === null) return { snapshots: [], deltas: [] }
    const snapshots = manifest.snapshots.filter((entry) => !this.#audit.isDamaged(entry))
    return { snapshots, deltas: manifest.deltas }
  }

  /** As far as the one before tells. */
  #isLarge({ snapshots: [newest] }: Named): boolean {
    return newest !== undefined && newest.rawBytes >= snapshotLimits.pressedBytes
  }

  #isSnapshotDue({ snapshots }: Named): boolean {
    if (this.#buffer.barrier !== null || snapshots.length === 0 || snapshots.length < (this.manifest?.snapshots.length ?? 0)) return true
    return this.#pace.isDue()
  }

  /** The position of an environment without records moves on too, now and then. */
  #isIdleDue(last: number): boolean {
    const { manifest } = this
    if (manifest === null || last <= manifest.coveredThrough) return false
    return this.#to.platform.monotonicMs() - this.#manifestAtMs >= this.#options.settings.snapshotIntervalMs
  }

  /** The image, or null while the replica is behind what is published, or in front of a record that replaces its state. */
  #take(image: () => ReplicaImage): ReplicaImage | null {
    const taken = image()
    const { revision, through, logId } = taken
    assert(through >= revision, `an image of revision ${revision} holds everything up to ${through}`)
    const { manifest } = this
    if (manifest !== null && logId !== manifest.logId) {
      const key = manifestKey(this.#to.env)
      const reason = `it belongs to log \`${manifest.logId}\`, the replica to \`${logId}\``
      throw new PublishError({ code: 'foreign', operation: 'publish snapshot beside', key, revision, reason })
    }
    const newest = this.#base().snapshots[0]
    if (revision < (newest?.revision ?? 0) || through < (newest?.through ?? 0)) return null
    const { barrier } = this.#buffer
    return barrier !== null && through < barrier ? null : taken
  }

  /** Without records behind the last delta its position is that of the delta, from which the next one goes on: else there would be a gap. */
  #positioned(taken: ReplicaImage, deltas: readonly DeltaEntry[]): ReplicaImage {
    const { barrier, after } = this.#buffer
    if (this.manifest === null || deltas.length > 0 || barrier !== null || taken.revision > after) return taken
    return { ...taken, through: Math.min(taken.through, Math.max(after, endOf(this.manifest))) }
  }

  async #upload(image: ReplicaImage): Promise<SnapshotEntry> {
    const { entry, recomputed } = await uploadSnapshot(this.#to, image, this.#recomputed ? -1 : snapshotLimits.recomputedFacts)
    if (recomputed !== null) this.#compare(recomputed, image)
    this.#audit.accept(entry)
    return entry
  }

  /** Once: the state hash is the sum of all facts, and not only what was added up. */
  #compare(found: NonNullable<ProvenImage['recomputed']>, { revision, stateHash, policyHash }: ReplicaImage): void {
    if (found.stateHash !== stateHash || found.policyHash !== policyHash) {
      const reason = `its facts have the state hash ${found.stateHash}, the replica says ${stateHash}`
      throw new PublishError({ code: 'mismatch', operation: 'publish snapshot', key: this.#to.env, revision, reason })
    }
    this.#recomputed = true
  }

  /** Null when another snapshot has to be cut first. */
  async #named(base: Named, added: readonly DeltaEntry[], cut: SnapshotEntry | null): Promise<Named | null> {
    const snapshots = cut === null ? base.snapshots : [cut, ...base.snapshots.filter(({ key }) => key !== cut.key)]
    const deltas = [...base.deltas, ...added]
    const named = retained({ snapshots, deltas }, this.#options.settings.retainedSnapshots)
    const fitting = await fitDeltas(this.#to, named)
    if (fitting === null) this.#buffer.forget(this.#buffer.through)
    return fitting
  }

  /** How far that leads. From where the deltas end, `first`, there are no records up to `last`; and none up to what was covered before. */
  #coveredBy(named: Named, { first, last }: { readonly first: number; readonly last: number }): number {
    const { manifest } = this
    const reach = reachOf(named)
    const covered = reach >= first - 1 ? Math.max(reach, last) : reach
    return manifest !== null && reach >= reachOf(manifest) ? Math.max(covered, manifest.coveredThrough) : covered
  }

  #manifestOf({ snapshots, deltas }: Named, logId: string, coveredThrough: number): Manifest {
    const { env, engine, epoch, platform } = this.#options
    return {
      format: manifestFormat,
      logId,
      env,
      epoch: epoch(),
      coveredThrough,
      snapshots,
      deltas,
      engine,
      createdAtMs: platform.nowMs(),
    }
  }

  /** `reached`: up to where new deltas lead, or null. */
  #written(reached: number | null, cut: SnapshotEntry | null): void {
    const { manifest } = this
    assert(manifest !== null, 'a manifest was written')
    this.#manifestAtMs = this.#to.platform.monotonicMs()
    this.#audit.keepOnly(manifest)
    const { barrier } = this.#buffer
    const isFirst = manifest.snapshots.length === 1 && manifest.deltas.length === 0
    if (cut !== null && (barrier === null ? isFirst : cut.through >= barrier)) this.#buffer.restart(cut.through)
    else if (reached !== null) this.#buffer.goOnFrom(reached)
  }

  /** What makes no new manifest: reading back older snapshots, and deleting what nothing names. After a cut snapshot it waits for the next step. */
  async #lookAround(cut: SnapshotEntry | null): Promise<void> {
    const { manifest } = this
    if (manifest === null || cut !== null) return
    const nowMs = this.#to.platform.monotonicMs()
    try {
      if (!(await this.#audit.checkNext(manifest))) return
      const isQuiet = nowMs - this.#pace.takenAtMs >= this.#options.settings.snapshotIntervalMs && this.#buffer.size === 0
      if (isQuiet && this.#audit.canBridge(manifest)) await this.#audit.bridge(manifest)
    } catch (error) {
      // What was published is published; the next step looks again.
      if (!(error instanceof LoadError)) throw error
      logRefusal(this.#to.platform.log, this.#to.env, error)
    }
    for (const key of await this.#sweeper.sweepWhenDue()) this.#lost(key)
  }

  /** Somebody else deleted what the manifest names. */
  #lost(key: string): void {
    this.#to.platform.log('error', 'object-missing', { env: this.#to.env, key })
    this.reject([key])
  }
}

/** What this cell does at the object store that all cells share: publishes while it holds the lease, and otherwise compares what was published with what it has.
 * Whatever goes wrong there never disturbs the cell. */

import type { Later } from '../snapshots/later.ts'
import { Lease } from '../snapshots/lease.ts'
import { readManifest } from '../snapshots/load-manifest.ts'
import type { Manifest } from '../snapshots/manifest.ts'
import { MirroredObjects, mirror } from '../snapshots/mirror.ts'
import { MirrorError } from '../snapshots/mirror-error.ts'
import type { ObjectStore } from '../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../snapshots/platform.ts'
import type { Publication } from '../snapshots/publication.ts'
import { Said } from '../snapshots/said.ts'
import { Turns } from '../snapshots/turns.ts'
import { limits } from '../src/base/limits.ts'
import { messageOf } from '../src/base/message.ts'
import type { Log } from '../src/log/log.ts'
import type { Configuration } from '../src/ops/settings.ts'
import { writeHeartbeats } from './heartbeats.ts'
import type { Hosted } from './hosted.ts'
import { Loop } from './loop.ts'
import { settledWithin } from './settled-within.ts'

export interface RemoteOptions {
  readonly local: ObjectStore
  readonly remote: ObjectStore
  readonly hosted: () => Iterable<Hosted>
  readonly log: Log
  readonly platform: SnapshotPlatform
  readonly later: Later
  readonly settings: Pick<Configuration, 'deltaIntervalMs' | 'heartbeatMs'>
  /** For people who look at the lease. */
  readonly holder: string
}

/** What is known of one environment's objects there. */
interface Mirrored {
  readonly objects: MirroredObjects
  /** The local manifest that is there, and what it lets the log forget. */
  manifest: Manifest | null
  trimmable: number
  /** The manifest that was compared. */
  version: string | undefined
  /** Snapshots that differ, each told once. */
  readonly different: Set<string>
  /** Settles when nothing is being brought there. */
  mirrored: Promise<void>
}

export class Remote {
  readonly #options: RemoteOptions
  readonly #lease: Lease
  readonly #turns = new Turns(limits.publications)
  #mirrored = new WeakMap<Hosted, Mirrored>()
  #loops: readonly Loop[] = []
  #heldEpoch: number | null = null
  mismatches = 0
  failures = 0

  constructor(options: RemoteOptions) {
    this.#options = options
    const { remote, platform, holder } = options
    this.#lease = new Lease({ objects: remote, holder, platform, standstillMs: limits.leaseStandstillMs })
  }

  /** Of the lease, null while another cell has it. */
  get epoch(): number | null {
    return this.#lease.epoch
  }

  start(): void {
    const { deltaIntervalMs, heartbeatMs } = this.#options.settings
    this.#loops = [
      this.#loop('renew lease', limits.leaseRenewMs, () => this.#renew()),
      this.#loop('mirror', deltaIntervalMs, () => this.#mirrorAll()),
      this.#loop('heartbeat', heartbeatMs, () => this.#beat()),
      this.#loop('compare', limits.compareMs, () => this.#compareAll()),
    ]
  }

  /** Brings what is published of an environment to the shared store now, when this cell publishes. Rejects as `mirror` does. */
  async mirror(hosted: Hosted): Promise<void> {
    const state = this.#stateOf(hosted)
    // One after another: two at once would bring the same objects twice.
    const mirrored = state.mirrored.then(() => this.#turns.run(() => this.#mirrorOne(hosted)))
    state.mirrored = mirrored.catch(() => undefined)
    await mirrored
  }

  /** Up to where the log of an environment may be forgotten, for all that is shared; -1 unless this cell publishes. */
  trimmable(hosted: Hosted): number {
    const state = this.#mirrored.get(hosted)
    if (this.epoch === null || state === undefined) return -1
    // Of one and the same manifest more becomes trimmable, as it is found intact.
    if (hosted.publication !== null && hosted.publication.manifest === state.manifest) state.trimmable = sharedTrimmable(hosted.publication)
    return state.trimmable
  }

  async close(): Promise<void> {
    // A call that hangs ends with the process.
    const ended = Promise.all(this.#loops.map((loop) => loop.close()))
    if (!(await settledWithin(ended, limits.remoteCloseMs, this.#options.later))) return
    try {
      await settledWithin(this.#lease.release(), limits.remoteCloseMs, this.#options.later)
    } catch (error) {
      // It is taken over after a standstill.
      this.#tell('release lease', error, { retryMs: null, said: new Said() })
    }
  }

  #loop(operation: string, intervalMs: number, work: () => Promise<void>): Loop {
    const said = new Said()
    const failed = (error: unknown, retryMs: number): void => this.#tell(operation, error, { retryMs, said })
    const told = async (): Promise<void> => {
      await work()
      said.clear()
    }
    return new Loop({ intervalMs, later: this.#options.later, work: told, failed })
  }

  async #renew(): Promise<void> {
    const epoch = await this.#held()
    if (epoch === this.#heldEpoch) return
    this.#heldEpoch = epoch
    // Another cell may have written since.
    this.#mirrored = new WeakMap()
    this.#options.platform.log('info', epoch === null ? 'lease-lost' : 'lease-held', { store: this.#options.remote.name, epoch })
  }

  /** Who does not see the log has nothing to publish: another cell may. */
  async #held(): Promise<number | null> {
    if (this.#seesLog()) return this.#lease.renew()
    if (this.#heldEpoch !== null) await this.#lease.release()
    return null
  }

  #seesLog(): boolean {
    const { hosted, log } = this.#options
    for (const { env, channel } of hosted()) {
      const ageMs = channel.isConnected ? log.stalenessMs(env) : null
      if (ageMs !== null && ageMs < limits.leaseStandstillMs) return true
    }
    return false
  }

  async #mirrorAll(): Promise<void> {
    if (this.epoch === null) return
    const failures: unknown[] = []
    await Promise.all(
      [...this.#options.hosted()].map((hosted) =>
        this.mirror(hosted).catch((error: unknown) => {
          failures.push(error)
        }),
      ),
    )
    if (failures.length > 0) throw failures[0]
  }

  async #mirrorOne(hosted: Hosted): Promise<void> {
    const { publication, env } = hosted
    const epoch = this.epoch
    const state = this.#stateOf(hosted)
    if (epoch === null || publication === null || publication.manifest === null || publication.manifest === state.manifest) return
    const { local: from, remote: to, platform } = this.#options
    const { manifest } = publication
    const trimmable = sharedTrimmable(publication)
    try {
      if ((await mirror({ from, to, env, epoch, platform, known: state.objects })) === null) return
      state.manifest = manifest
      state.trimmable = trimmable
    } catch (error) {
      if (error instanceof MirrorError && error.epoch !== null) this.#lease.outrank(error.epoch)
      throw error
    }
  }

  async #beat(): Promise<void> {
    if (this.epoch === null) return
    const { remote, log, platform, settings } = this.#options
    await writeHeartbeats(remote, { hosted: this.#options.hosted(), log, platform, settings })
  }

  async #compareAll(): Promise<void> {
    // Its own snapshots were read back when they were made.
    if (this.epoch !== null) return
    for (const hosted of this.#options.hosted()) await this.#compare(hosted)
  }

  async #compare(hosted: Hosted): Promise<void> {
    const { remote: objects, log, platform } = this.#options
    const { env, hashes } = hosted
    const state = this.#stateOf(hosted)
    const read = await readManifest({ objects, env, logId: log.logId }, state.version)
    if (read === null || read === 'unchanged') return
    let undecided = false
    for (const { revision, stateHash, key } of read.manifest.snapshots) {
      const found = hashes.at(revision)
      undecided ||= found === undefined && revision > (hosted.own?.revision ?? -1)
      if (found === undefined || found === stateHash || state.different.has(key)) continue
      state.different.add(key)
      this.mismatches++
      const hint = 'one of the two cells is wrong: keep both data directories, run `arctos verify` on each'
      platform.log('error', 'state-hash-mismatch', {
        operation: 'compare',
        environment: env,
        key,
        revision,
        found,
        expected: stateHash,
        hint,
        automatic: false,
      })
    }
    // What this cell has yet to reach is looked at again.
    if (!undecided) state.version = read.version
  }

  #stateOf(hosted: Hosted): Mirrored {
    const found = this.#mirrored.get(hosted)
    if (found !== undefined) return found
    const state = {
      objects: new MirroredObjects(),
      manifest: null,
      trimmable: -1,
      version: undefined,
      different: new Set<string>(),
      mirrored: Promise.resolve(),
    }
    this.#mirrored.set(hosted, state)
    return state
  }

  #tell(operation: string, error: unknown, { retryMs, said }: { readonly retryMs: number | null; readonly said: Said }): void {
    this.failures++
    const reason = messageOf(error)
    if (!said.isNews(reason)) return
    this.#options.platform.log('warn', 'remote-failed', { operation, store: this.#options.remote.name, reason, retryMs, automatic: true })
  }
}

/** Once the objects are in both places. An environment whose every record is in its only snapshot gets no second one; two stores have that one then. One that was
 * rejected holds nothing, wherever it is. */
const sharedTrimmable = (publication: Publication): number => {
  const { manifest, trimmable } = publication
  if (trimmable >= 0 || manifest === null || manifest.deltas.length > 0) return trimmable
  const [only, second] = manifest.snapshots
  return only === undefined || second !== undefined || publication.isRejected(only) ? -1 : manifest.coveredThrough
}

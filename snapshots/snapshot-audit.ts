/** Which snapshots of a manifest were read back and found intact, which were not, and so how far the log may be forgotten. */
import { LoadError, logRefusal } from './load-error.ts'
import { checkImage, type LoadFrom, loadImage } from './load-snapshot.ts'
import type { Manifest, SnapshotEntry } from './manifest.ts'
import { chainFrom, replay, takeInto } from './replay.ts'

export class SnapshotAudit {
  readonly #from: LoadFrom
  readonly #intact = new Set<string>()
  readonly #damaged = new Set<string>()
  /** The two newest snapshots of which it was tried, and of which it was found, that the older one and its deltas lead to the newer one. */
  #tried: string | null = null
  #bridged: string | null = null

  constructor(from: LoadFrom) {
    this.#from = from
  }

  /** It was read back when it was written. */
  accept({ key }: SnapshotEntry): void {
    this.#damaged.delete(key)
    this.#intact.add(key)
  }

  /** It was found damaged or gone: no manifest shall name it again, until it is written anew. */
  reject(key: string): void {
    this.#intact.delete(key)
    this.#damaged.add(key)
  }

  isDamaged({ key }: SnapshotEntry): boolean {
    return this.#damaged.has(key)
  }

  /** Keeps nothing of what is no longer named. */
  keepOnly(manifest: Manifest): void {
    const named = new Set(manifest.snapshots.map(({ key }) => key))
    for (const key of this.#intact) if (!named.has(key)) this.#intact.delete(key)
    for (const key of this.#damaged) if (!named.has(key)) this.#damaged.delete(key)
  }

  /** Reads one of the two newest snapshots, unless both were. False when it is no good. Rejects with LoadError when the store does not answer. */
  async checkNext(manifest: Manifest): Promise<boolean> {
    const next = manifest.snapshots.slice(0, 2).find(({ key }) => !this.#intact.has(key) && !this.#damaged.has(key))
    if (next === undefined) return true
    try {
      await checkImage(this.#from, next)
      this.#intact.add(next.key)
      return true
    } catch (error) {
      if (!(error instanceof LoadError) || error.code === 'unavailable') throw error
      this.reject(next.key)
      logRefusal(this.#from.platform.log, manifest.env, error)
      return false
    }
  }

  /** Whether `bridge` may let the log be forgotten further. */
  canBridge(manifest: Manifest): boolean {
    const [newest, second] = this.#newest(manifest)
    if (newest === undefined || second === undefined || second.revision === newest.revision) return false
    return isIdle(manifest, newest) && this.#tried !== pairOf(newest, second)
  }

  /** An environment without new records gets no new snapshots, and its second-newest one stays behind. Loads that one and its deltas: when they lead to the state
   * of the newest one there are two ways to everything that is covered. Rejects with LoadError. */
  async bridge(manifest: Manifest): Promise<void> {
    const [newest, second] = this.#newest(manifest)
    if (newest === undefined || second === undefined) return
    const { pool, platform } = this.#from
    const pair = pairOf(newest, second)
    const chain = chainFrom(manifest, second.through)
    this.#tried = pair
    if (chain.through < manifest.coveredThrough) return
    const store = await loadImage(this.#from, { ...second, logId: manifest.logId })
    try {
      await replay(this.#from, chain.deltas, takeInto(store, platform.pause))
      if (store.revision() === newest.revision && store.stateHash() === newest.stateHash) this.#bridged = pair
      else
        platform.log('error', 'state-hash-mismatch', {
          env: manifest.env,
          key: second.key,
          revision: newest.revision,
          found: store.stateHash(),
          expected: newest.stateHash,
        })
    } finally {
      pool.release(store)
    }
  }

  /** Everything up to here is in two intact snapshots, with their deltas; -1 when there are fewer. */
  trimmable(manifest: Manifest): number {
    const [newest, second] = this.#newest(manifest)
    if (newest === undefined || second === undefined) return -1
    if (!isIdle(manifest, newest)) return second.revision === newest.revision ? newest.through : second.through
    return second.revision === newest.revision || this.#bridged === pairOf(newest, second) ? manifest.coveredThrough : second.through
  }

  #newest(manifest: Manifest): readonly SnapshotEntry[] {
    return manifest.snapshots.filter(({ key }) => this.#intact.has(key)).slice(0, 2)
  }
}

/** Whether there are no records behind a snapshot. */
const isIdle = ({ snapshots, deltas }: Manifest, { revision, through }: SnapshotEntry): boolean =>
  (deltas.at(-1)?.last ?? -1) <= through && snapshots[0]?.revision === revision

const pairOf = (newest: SnapshotEntry, second: SnapshotEntry): string => `${newest.key} ${second.key}`

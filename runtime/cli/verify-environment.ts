/** Checks everything that the manifest of one environment names: each snapshot is loaded and its state hash recomputed from its facts, each delta replayed. */

import { LoadError } from '../../snapshots/load-error.ts'
import { readManifest } from '../../snapshots/load-manifest.ts'
import { type LoadFrom, loadImage } from '../../snapshots/load-snapshot.ts'
import type { Manifest, SnapshotEntry } from '../../snapshots/manifest.ts'
import { chainFrom, replay, takeInto } from '../../snapshots/replay.ts'
import { ApplyError } from '../../src/log/apply.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import type { Store } from '../../src/store/facts.ts'

export interface Verified {
  /** Null when it cannot be used. */
  readonly manifest: Manifest | null
  /** One line each. */
  readonly findings: readonly string[]
}

export const verifyEnvironment = async (from: LoadFrom, env: string): Promise<Verified> => {
  const findings: string[] = []
  const manifest = await tried(findings, () => readManifest({ objects: from.objects, env }))
  if (manifest === undefined || manifest === null || manifest === 'unchanged') {
    if (findings.length === 0) findings.push(`there is no manifest in ${from.objects.name}`)
    return { manifest: null, findings }
  }
  const used = manifest.manifest
  const replayed = new Set<string>()
  // Oldest first: each leads to the next one.
  for (const [index, entry] of used.snapshots.toReversed().entries()) {
    const next = used.snapshots.at(-2 - index) ?? null
    await verifySnapshot({ from, manifest: used, entry, next, findings, replayed })
  }
  for (const { key } of used.deltas) if (!replayed.has(key)) findings.push(`delta \`${key}\` could not be replayed onto an intact snapshot`)
  return { manifest: used, findings }
}

interface Step {
  readonly from: LoadFrom
  readonly manifest: Manifest
  readonly entry: SnapshotEntry
  /** The next newer one; null for the newest. */
  readonly next: SnapshotEntry | null
  readonly findings: string[]
  /** Keys of deltas. */
  readonly replayed: Set<string>
}

const verifySnapshot = async (step: Step): Promise<void> => {
  const { from, manifest, entry, findings } = step
  const store = await tried(findings, () => loadImage(from, { ...entry, logId: manifest.logId }))
  if (store === undefined) return
  try {
    const recomputed = store.recomputeStateHash()
    if (recomputed !== entry.stateHash)
      findings.push(`snapshot \`${entry.key}\`: its facts have state hash ${recomputed}, the manifest says ${entry.stateHash}`)
    else await tried(findings, () => verifyReplay(step, store))
  } finally {
    from.pool.release(store)
  }
}

/** From a good snapshot to the next one, or to the end. */
const verifyReplay = async ({ from, manifest, entry, next, findings, replayed }: Step, store: Store): Promise<void> => {
  const end = next?.through ?? manifest.coveredThrough
  const { deltas, through } = chainFrom(manifest, entry.through)
  const needed = deltas.filter(({ first }) => first <= end)
  const into = takeInto(store, from.platform.pause)
  const upTo = (records: readonly RevisedRecord[]): readonly RevisedRecord[] => records.filter(({ revision }) => revision <= end)
  await replay(from, needed, (records, position) => into(upTo(records), position))
  for (const { key } of needed) replayed.add(key)
  // A restore, or records that were not kept, stand in between: the next snapshot is checked by itself.
  if (through < end) return
  const name = next === null ? 'the newest state' : `snapshot \`${next.key}\``
  const expected = next === null ? store.stateHash() : next.stateHash
  const found = next === null ? store.recomputeStateHash() : store.stateHash()
  if (found !== expected)
    findings.push(`${name}: the records behind snapshot ${entry.revision} lead to state hash ${found}, expected ${expected}`)
}

/** What the work gives; undefined when it became a finding. */
const tried = async <T>(findings: string[], work: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await work()
  } catch (error) {
    if (error instanceof LoadError) findings.push(`${error.code}: \`${error.key}\`: ${error.reason}`)
    else if (error instanceof ApplyError) findings.push(`foreign: ${error.message}`)
    else throw error
    return undefined
  }
}

/** Makes one delta of several, so that a manifest never names too many. */
import { snapshotLimits } from './bounds.ts'
import { headerBytes, joinDelta } from './delta.ts'
import { LoadError, logRefusal } from './load-error.ts'
import type { DeltaEntry } from './manifest.ts'
import { readPart } from './replay.ts'
import { type Named, reachOf, retained, runsOf } from './retain.ts'
import { publishFailure, type UploadTo, uploadRawDelta } from './upload.ts'

/** No more deltas than a manifest names. Null when that would leave the newest snapshot without its deltas: then another one has to be cut first.
 * Rejects with PublishError. */
export const fitDeltas = async (to: UploadTo, named: Named): Promise<Named | null> => {
  if (named.deltas.length <= snapshotLimits.deltas) return named
  let fewer = named
  while (fewer.deltas.length > snapshotLimits.deltas) {
    const before = fewer.deltas.length
    fewer = await mergedOrWithout(to, fewer)
    if (fewer.deltas.length === before) break
  }
  // Too large to be one of them: the older snapshots lead less far then.
  const surplus = Math.max(0, fewer.deltas.length - snapshotLimits.deltas)
  const rest = retained({ ...fewer, deltas: fewer.deltas.slice(surplus) }, fewer.snapshots.length)
  return reachOf(rest) >= reachOf(named) ? rest : null
}

/** Without a delta that cannot be read. */
const mergedOrWithout = async (to: UploadTo, named: Named): Promise<Named> => {
  try {
    return await mergeDeltas(to, named)
  } catch (error) {
    if (!(error instanceof LoadError)) throw error
    const { key, revision } = error
    if (error.code === 'unavailable') throw publishFailure(error, { operation: 'merge deltas', key, revision })
    logRefusal(to.platform.log, to.env, error)
    return { ...named, deltas: named.deltas.filter((delta) => delta.key !== key) }
  }
}

/** With one run of deltas replaced by a single one; unchanged when none is small enough. Rejects with PublishError and LoadError. */
const mergeDeltas = async (to: UploadTo, named: Named): Promise<Named> => {
  for (const length of [snapshotLimits.mergedDeltas, 2]) {
    const merged = await mergeRun(to, named, smallestRun(named, length))
    if (merged !== named) return merged
  }
  return named
}

/** As many of the run as one takes, from its first one on. */
const mergeRun = async (to: UploadTo, named: Named, chosen: readonly DeltaEntry[]): Promise<Named> => {
  const read: { readonly delta: DeltaEntry; readonly part: Uint8Array; readonly records: number }[] = []
  let bytes = headerBytes(to.env)
  for (const delta of chosen) {
    const { part, records } = await readPart(to, delta)
    bytes += part.length
    if (bytes > snapshotLimits.writtenDeltaBytes) break
    read.push({ delta, part, records })
  }
  const [first, last] = [read[0]?.delta, read.at(-1)?.delta]
  if (first === undefined || last === undefined || first === last) return named
  const range = { first: first.first, last: last.last }
  const records = read.reduce((sum, each) => sum + each.records, 0)
  const raw = joinDelta(
    { env: to.env, ...range },
    records,
    read.map(({ part }) => part),
  )
  const merged = await uploadRawDelta(to, { ...range, raw })
  const start = named.deltas.indexOf(first)
  return { ...named, deltas: named.deltas.toSpliced(start, read.length, merged) }
}

/** Of so many neighbours at most, those of which each saves most; across the position of a snapshot only when there are no others, because who starts from it would fetch more. */
const smallestRun = ({ snapshots, deltas }: Named, most: number): readonly DeltaEntry[] => {
  const starts = new Set(snapshots.map(({ through }) => through + 1))
  const runs = runsOf(deltas)
  const parts = runs.flatMap((run) => split(run, starts))
  return best(parts, most) ?? best(runs, most) ?? []
}

const split = (run: readonly DeltaEntry[], starts: ReadonlySet<number>): readonly (readonly DeltaEntry[])[] => {
  const parts: DeltaEntry[][] = [[]]
  for (const delta of run) {
    if (starts.has(delta.first)) parts.push([])
    parts.at(-1)?.push(delta)
  }
  return parts
}

const best = (runs: readonly (readonly DeltaEntry[])[], most: number): readonly DeltaEntry[] | null => {
  let found: { readonly window: readonly DeltaEntry[]; readonly cost: number } | null = null
  for (const run of runs) {
    const length = Math.min(run.length, most)
    for (let start = 0; length >= 2 && start + length <= run.length; start++) {
      const window = run.slice(start, start + length)
      const cost = window.reduce((sum, { storedBytes }) => sum + storedBytes, 0) / (length - 1)
      if (found === null || cost < found.cost) found = { window, cost }
    }
  }
  return found?.window ?? null
}

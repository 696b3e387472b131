/** What a manifest goes on naming: the newest snapshots, and the deltas that lead on from them. */
import type { DeltaEntry, SnapshotEntry } from './manifest.ts'

export interface Named {
  readonly snapshots: readonly SnapshotEntry[]
  readonly deltas: readonly DeltaEntry[]
}

/** The newest `count` snapshots, and every delta that goes on from one of them. */
export const retained = ({ snapshots, deltas }: Named, count: number): Named => {
  const kept = snapshots.slice(0, count)
  return { snapshots: kept, deltas: runsOf(deltas).flatMap((run) => usable(run, kept)) }
}

/** Deltas go on behind this position. */
export const endOf = ({ snapshots, deltas }: Named): number => Math.max(snapshots[0]?.through ?? -1, deltas.at(-1)?.last ?? -1)

/** How far the newest snapshot and the deltas behind it lead. */
export const reachOf = ({ snapshots, deltas }: Named): number => {
  let reach = snapshots[0]?.through ?? -1
  for (const { first, last } of deltas) if (first <= reach + 1) reach = Math.max(reach, last)
  return reach
}

/** Deltas that follow each other without gap. */
export const runsOf = (deltas: readonly DeltaEntry[]): readonly (readonly DeltaEntry[])[] => {
  const runs: DeltaEntry[][] = []
  for (const delta of deltas) {
    const run = runs.at(-1)
    if (run !== undefined && run.at(-1)?.last === delta.first - 1) run.push(delta)
    else runs.push([delta])
  }
  return runs
}

const usable = (run: readonly DeltaEntry[], snapshots: readonly SnapshotEntry[]): readonly DeltaEntry[] => {
  const [start, end] = [(run[0]?.first ?? 0) - 1, run.at(-1)?.last ?? 0]
  const bases = snapshots.map(({ through }) => through).filter((through) => through >= start && through <= end)
  return bases.length === 0 ? [] : run.filter(({ last }) => last > Math.min(...bases))
}

/** Which faults come when: each kind at least once when there is time, in an order of the seed; later also two at once. */
import { at, known } from '../../src/base/assert.ts'
import type { Random } from '../bench/random.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { type CellFault, cellFaults, coldStart, type Fault, type SharedFault, sharedFaults } from './faults.ts'

export interface Step {
  readonly faults: readonly Fault[]
  readonly lastsMs: number
}

/** Endless. `only`: faults of these names, one at a time. */
export function* randomSteps(cluster: Cluster, random: Random, only: readonly string[] | null): Generator<Step> {
  const chosen = single(cluster, random).filter((make) => only === null || only.includes(make().name))
  if (chosen.length === 0)
    throw new Error(
      `there is no such fault, expected ${single(cluster, random)
        .map((make) => `\`${make().name}\``)
        .join(', ')}`,
    )
  for (;;) {
    for (const make of shuffled(chosen, random)) {
      yield { faults: [make()], lastsMs: 500 + random.below(6000) }
      if (only === null && random.chance(0.3)) yield { faults: pair(cluster, random), lastsMs: 500 + random.below(6000) }
    }
  }
}

export type FaultName = keyof typeof cellFaults | keyof typeof sharedFaults

/** Faults one after the other, those of one step at once; each on the next cell. */
export const givenSteps = (cluster: Cluster, steps: readonly (readonly FaultName[])[], lastsMs: number): readonly Step[] => {
  const ofCell: Readonly<Record<string, CellFault>> = cellFaults
  const ofAll: Readonly<Record<string, SharedFault>> = sharedFaults
  return steps.map((names, index) => {
    const faults = names.map((name) => known(ofCell[name]?.(cluster, index % cluster.cells.length) ?? ofAll[name]?.(cluster), 'a fault'))
    return { faults, lastsMs }
  })
}

const single = (cluster: Cluster, random: Random): readonly (() => Fault)[] => [
  ...[...Object.values<CellFault>(cellFaults), coldStart].map((make) => () => make(cluster, random.below(cluster.cells.length))),
  ...Object.values<SharedFault>(sharedFaults).map((make) => () => make(cluster)),
]

/** Something of one cell, and something that all share: a client that tries a second cell never meets the first. */
const pair = (cluster: Cluster, random: Random): readonly Fault[] => [
  random.pick(Object.values<SharedFault>(sharedFaults))(cluster),
  random.pick(Object.values<CellFault>(cellFaults))(cluster, random.below(cluster.cells.length)),
]

const shuffled = <T>(items: readonly T[], random: Random): readonly T[] => {
  const left = [...items]
  return items.map(() => at(left.splice(random.below(left.length), 1), 0))
}

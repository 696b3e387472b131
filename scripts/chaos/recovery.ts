/** Waits until a cluster is whole again: every cell ready, taking writes and seeing those of the others; then the fallback fresh again, too. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Cluster } from '../cluster/cluster.ts'
import { readiness } from '../cluster/ready.ts'
import type { Load } from './load.ts'

export interface Recovered {
  /** Until the cells were whole. */
  readonly cellsMs: number
  /** Until the fallback was ready as well, which waits for a publisher. */
  readonly allMs: number
  /** What was still missing when the time was up, or null. */
  readonly missing: string | null
}

const LOOK_MS = 20

export const recovered = async (cluster: Cluster, load: Load, timeoutMs: number): Promise<Recovered> => {
  const startedMs = performance.now()
  const untilWhole = async (look: () => Promise<string | null>) => {
    for (;;) {
      const missing = await look()
      const ms = performance.now() - startedMs
      if (missing === null || ms > timeoutMs) return { ms, missing }
      await pause(LOOK_MS)
    }
  }
  const { cells, fallback } = cluster
  const whole = await untilWhole(async () => (await unready(cells)) ?? (await unwritable(cluster, load)))
  const all = await untilWhole(() => unready(fallback === null ? [] : [{ name: 'fallback', url: fallback.url }]))
  return { cellsMs: whole.ms, allMs: all.ms, missing: whole.missing ?? all.missing }
}

const unready = async (servers: readonly { readonly name: string; readonly url: string }[]): Promise<string | null> => {
  const said = await Promise.all(servers.map(async ({ name, url }) => ({ name, why: await readiness(url) })))
  const missing = said.filter(({ why }) => why !== null).map(({ name, why }) => `${name} is not ready: ${why}`)
  return missing.length === 0 ? null : missing.join('; ')
}

const unwritable = async ({ cells }: Cluster, load: Load): Promise<string | null> => {
  const missing = await Promise.all(
    cells.map(async ({ name }, writer) => {
      const position = await load.add(writer)
      if (position === null) return `${name} takes no writes`
      const seen = await Promise.all(cells.map((_, reader) => load.reaches(reader, position)))
      return seen.every(Boolean) ? null : `not every cell reaches what ${name} wrote`
    }),
  )
  return missing.find((one) => one !== null) ?? null
}

/** Many short histories of three cells, an edge, a log and an object store with faults; and bugs that they must find. */
import { describe, expect, test } from 'vitest'
import { planted } from './planted.ts'
import { simulate } from './simulation.ts'

/** A failing seed replays: `npm run simulate -- --seed <seed>` prints its trace. */
const SEEDS = 500
const FIRST = Number(process.env['SIMULATION_SEED'] ?? Math.floor(Math.random() * 1_000_000))
const PARTS = 10
/** Not in every run: everybody else has to forget first. `test/replicator/lost-state.test.ts` arranges it. */
const RARE = 'control too old'
/** Seeds after which a planted bug counts as not found. */
const PATIENCE = 60

describe(`simulation, seeds from ${FIRST}`, () => {
  const counts = new Map<string, number>()
  for (let part = 0; part < PARTS; part++) {
    const first = FIRST + (part * SEEDS) / PARTS
    test(`${SEEDS / PARTS} seeds from ${first} violate nothing`, { timeout: 600_000 }, async () => {
      for (let seed = first; seed < first + SEEDS / PARTS; seed++) {
        const result = await simulate(seed)
        for (const [what, count] of Object.entries(result.counts)) counts.set(what, (counts.get(what) ?? 0) + count)
        expect(result.violations, `seed ${seed}\n${result.trace.slice(-60).join('\n')}`).toEqual([])
      }
    })
  }

  test('everything that can happen happened', () => {
    const expected = ['acknowledged', 'crash', 'create', 'log down', 'lost disk', 'pause', 'publish', 'restore', 'store down', 'token read']
    expect([...counts.keys()].filter((what) => what !== RARE).toSorted()).toEqual(expected)
    expect([...counts].filter(([what, count]) => what !== RARE && count <= SEEDS / 10)).toEqual([])
  })

  test('a seed replays', { timeout: 60_000 }, async () => {
    const [one, other] = [await simulate(FIRST), await simulate(FIRST)]
    expect(other.trace).toEqual(one.trace)
  })
})

describe('bugs that are planted', () => {
  for (const [name, bug] of Object.entries(planted)) {
    test(`${name}: found`, { timeout: 600_000 }, async () => {
      for (let seed = 1; seed <= PATIENCE; seed++) if ((await simulate(seed, bug)).violations.length > 0) return
      expect.unreachable(`no violation in ${PATIENCE} seeds`)
    })
  }
})

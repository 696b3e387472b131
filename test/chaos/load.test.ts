/** The load of chaos runs against servers that lie: each lie is found, and an honest server is not accused. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { Random } from '../../scripts/bench/random.ts'
import { Load } from '../../scripts/chaos/load.ts'
import { type FindingKind, Oracle } from '../../scripts/chaos/oracle.ts'
import { type Lie, LyingCell } from './lying-cell.ts'

/** A load on two cells that are one and the same server. */
const startLoad = async (lie: Lie) => {
  const url = await LyingCell.start(lie)
  const found: FindingKind[] = []
  const oracle = new Oracle({ boundMs: 500, report: ({ kind }) => found.push(kind) })
  const cell = { name: 'cell', url, key: 'key', fenceMs: null }
  const load = new Load({
    cells: [cell, cell],
    fallback: null,
    oracle,
    random: new Random(1),
    readFailed: () => found.push('read-failed'),
    unexpected: () => found.push('unexpected-answer'),
  })
  load.start()
  onTestFinished(() => load.stop())
  return { oracle, found, load }
}

const lies: readonly (readonly [Lie, FindingKind])[] = [
  ['loses writes', 'lost-write'],
  ['ignores positions', 'token-violated'],
  ['hides staleness', 'unflagged-stale'],
  ['tears batches', 'wrong-decision'],
  ['decides wrongly', 'wrong-decision'],
  ['gives a revision twice', 'broken-order'],
  ['writes what it refuses', 'wrong-decision'],
  ['answers nobody', 'read-failed'],
  ['answers nonsense', 'unexpected-answer'],
  ['tells no staleness', 'unexpected-answer'],
]

test.each(lies)('a server that %s: %s', async (lie, kind) => {
  const { found } = await startLoad(lie)
  await vi.waitFor(() => expect(found).toContain(kind), { timeout: 40_000, interval: 20 })
})

test('an honest server passes', async () => {
  const { oracle, found, load } = await startLoad('none')
  await vi.waitFor(() => expect(oracle.judged).toBeGreaterThan(500), { timeout: 40_000, interval: 20 })
  await load.stop()
  expect(found).toEqual([])
  expect(load.counts.acknowledged).toBeGreaterThan(10)
})

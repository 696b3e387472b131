/** The one bug that cannot be planted from outside: `apply` without the check of revisions. */
import { expect, test, vi } from 'vitest'
import type * as Apply from '../../src/log/apply.ts'
import { changed } from './planted.ts'
import { simulate } from './simulation.ts'

vi.mock('../../src/log/apply.ts', async (original) => {
  const { apply, ...rest } = await original<typeof Apply>()
  const forgetful: typeof apply = (store, records) => {
    const unchecked = changed(store, { revision: () => -1, rememberWrite: () => false })
    return { ...apply(unchecked, records), revision: store.revision() }
  }
  return { ...rest, apply: forgetful }
})

test('apply without the check of revisions: found', { timeout: 600_000 }, async () => {
  for (let seed = 1; seed <= 60; seed++) if ((await simulate(seed)).violations.length > 0) return
  expect.unreachable('no violation in 60 seeds')
})

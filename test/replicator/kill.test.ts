/** Kills the writing process at random moments: every acknowledged record is in the log, at its revision, whole. */
import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openEmbeddedLog } from '../../replicator/embedded-log.ts'
import { limits } from '../../src/base/limits.ts'
import { everything } from '../log/log-conformance.ts'
import { startChild } from '../support/child.ts'
import { testDirectory } from '../support/directory.ts'

const ROUNDS = 20

test(`${ROUNDS} times SIGKILL under load`, async () => {
  const directory = testDirectory()
  const acknowledged = new Map<string, string>()
  let round = 0
  await fc.assert(
    // Without bias: a random moment is not an edge case.
    fc.asyncProperty(fc.noBias(fc.integer({ min: -300, max: 600 })), async (moment) => {
      round++
      const child = startChild(new URL('./kill-child.ts', import.meta.url), [directory, String(round)])
      // Below zero: that many milliseconds after its start, while it opens or recovers the log. Otherwise after that many acknowledged records.
      if (moment < 0) await wait(-moment)
      else await child.line(() => child.lines.length > moment)
      await child.end()
      for (const line of child.lines) {
        const [env, revision, writeId] = line.split(' ')
        if (writeId !== undefined) acknowledged.set(`${env} ${revision}`, writeId)
      }
      await checkLog(directory, acknowledged)
    }),
    { numRuns: ROUNDS, endOnFailure: true },
  )
  // Mean 200 a round: fewer than this and the test would have shown little.
  expect(acknowledged.size).toBeGreaterThan(ROUNDS * 50)
}, 180_000)

const checkLog = async (directory: string, acknowledged: ReadonlyMap<string, string>): Promise<void> => {
  // Opening verifies every page and every record, and that no revision is missing.
  const log = openEmbeddedLog({ directory, maxRecordBytes: limits.recordBytes })
  try {
    const found = new Map<string, string>()
    for (const env of await log.environments()) {
      const records = await everything(log, env, 1000)
      records.forEach(({ revision, record }, index) => {
        expect(revision).toBe(index)
        expect(record.body.kind).toBe(index === 0 ? 'genesis' : 'facts')
        found.set(`${env} ${revision}`, record.writeId)
      })
    }
    for (const [place, writeId] of acknowledged) expect(`${place} ${found.get(place)}`).toBe(`${place} ${writeId}`)
    expect(new Set(found.values()).size).toBe(found.size - Math.max(0, (await log.environments()).length - 1))
  } finally {
    await log.close()
  }
}

/** Which environments do not fit into a Worker, and that it is said once. */
import { expect, test } from 'vitest'
import { WorkerFit } from '../../replicator/worker-fit.ts'
import { largestWorkerImage } from '../../snapshots/worker-memory.ts'
import type { WriteLogLine } from '../../src/ops/log-line.ts'

test('two images of 45 MB fit into a Worker as it is, beside the keys', () => {
  expect(largestWorkerImage()).toBeGreaterThanOrEqual(45_000_000)
  expect(largestWorkerImage(32)).toBeLessThan(12 * 1024 * 1024)
})

test('crossing the bound is said once in each direction, and counted', () => {
  const said: string[] = []
  const log: WriteLogLine = (level, event, fields) => void said.push(`${level} ${event} ${fields?.['environment']} ${fields?.['rawBytes']}`)
  const fit = new WorkerFit(log, 1000)
  for (const bytes of [999, 1000, 1001, 1002, 5000, 1000, 999, 2000]) fit.see('acme', bytes)
  fit.see('other', 3000)
  expect(fit.tooLarge).toBe(2)
  fit.forget('other')
  expect(fit.tooLarge).toBe(1)
  expect(said).toEqual([
    'warn snapshot-too-large-for-workers acme 1001',
    'info snapshot-fits-workers acme 1000',
    'warn snapshot-too-large-for-workers acme 2000',
    'warn snapshot-too-large-for-workers other 3000',
  ])
})

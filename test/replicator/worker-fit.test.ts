/** Which environments do not fit into a Worker, and that it is said once. */
import { expect, test } from 'vitest'
import { replicatorMetrics } from '../../replicator/measurements.ts'
import { WorkerFit } from '../../replicator/worker-fit.ts'
import { largestWorkerImage } from '../../snapshots/worker-memory.ts'
import type { WriteLogLine } from '../../src/ops/log-line.ts'
import { textMetrics } from '../../src/ops/text-metrics.ts'
import { type Cell, startCell, until } from './cell.ts'
import { note } from './inner-conformance.ts'

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

test('a replicator says it of what it has published, counts it, and forgets it with the environment', async () => {
  const cell = await startCell({ settings: { deltaIntervalMs: 3_600_000 } })
  const { replicator } = cell
  for (const env of ['deleted', 'large', 'small']) {
    await replicator.createEnvironment(env)
    await replicator.append(env, note('a'), 'first')
    await replicator.publish(env)
  }
  expect([await tooLarge(cell), toldOf(cell)]).toEqual([0, []])
  const { revision } = await replicator.append('large', note('b'), 'second')
  for (const env of ['large', 'deleted'])
    for (let index = 0; index < 7; index++) await replicator.append(env, note(`${index}`.repeat(8_000_000)), `long-${index}`)
  for (const env of ['large', 'small', 'large', 'deleted']) await replicator.publish(env)
  const said = ['warn snapshot-too-large-for-workers large', 'warn snapshot-too-large-for-workers deleted']
  expect([await tooLarge(cell), toldOf(cell)]).toEqual([2, said])
  await replicator.restore('large', revision)
  await replicator.publish('large')
  expect([await tooLarge(cell), toldOf(cell)]).toEqual([1, [...said, 'info snapshot-fits-workers large']])
  await replicator.deleteEnvironment('deleted')
  await until(async () => (await tooLarge(cell)) === 0 || null)
})

const toldOf = ({ lines }: Cell): readonly string[] =>
  lines.flatMap(({ level, event, fields }) => (event.endsWith('-workers') ? [`${level} ${event} ${fields['environment']}`] : []))

/** As the metrics tell. */
const tooLarge = async ({ replicator }: Cell): Promise<number> => {
  const metrics = textMetrics()
  replicatorMetrics(metrics, () => replicator.measure())
  const { text } = await metrics.export()
  return Number(/^arctos_environments_too_large_for_workers (\d+)$/m.exec(text)?.[1])
}

/** The short form of `npm run chaos`: a cluster of real processes under load, one fault of every kind after the other, and an oracle for every answer. */
import { expect, test } from 'vitest'
import { runChaos } from '../../scripts/chaos/run.ts'
import { type FaultName, givenSteps } from '../../scripts/chaos/schedule.ts'
import { clusterDirectory, serversAreHere } from './support.ts'

/** Each for a moment, on a cell after the other. */
const faults = [
  ['replicator killed'],
  ['broker killed'],
  ['store killed', 'runtime killed'],
  ['replicator stopped'],
  ['data directory lost'],
  ['broker stopped', 'runtime stopped'],
  ['fallback starts without a store', 'log silent for a cell'],
  ['log and store killed'],
] as const satisfies readonly (readonly FaultName[])[]
const LASTS_MS = 1500

test.skipIf(!(await serversAreHere()))(
  'three cells and a fallback under load and faults: no read fails, no decision is wrong, nothing acknowledged is lost, nothing old goes unflagged',
  { timeout: 400_000 },
  async () => {
    const said: string[] = []
    const report = await runChaos({
      directory: clusterDirectory(),
      seed: 1,
      lastsMs: Number.POSITIVE_INFINITY,
      steps: (cluster) => givenSteps(cluster, faults, LASTS_MS),
      say: (line) => said.push(line),
    })
    expect({ findings: report.findings, said: report.findings.length > 0 ? said : [] }).toEqual({ findings: [], said: [] })
    expect(report.recoveries.map(({ fault }) => fault)).toEqual(['start', ...faults.map((names) => names.join(' + ')), 'end'])
    // The oracle had something to judge, and the faults were felt.
    expect(report.judged).toBeGreaterThan(1000)
    expect(report.counts.acknowledged).toBeGreaterThan(100)
    expect(report.counts.secondTried).toBeGreaterThan(0)
    expect(report.counts.refused + report.counts.unknown).toBeGreaterThan(0)
    expect(report.oldestAnswerMs).toBeGreaterThan(LASTS_MS / 2)
  },
)

/** Kafka and the object store down for the whole run of every process: reads go on, memory stays flat, and what is back is followed by itself. */
import { expect, test } from 'vitest'
import { runOutage } from '../../scripts/chaos/outage.ts'
import { clusterDirectory, serversAreHere } from './support.ts'

test.skipIf(!(await serversAreHere()))(
  'cells and a fallback that start without Kafka and the object store answer every read, do not grow, and catch up when both are back',
  { timeout: 300_000 },
  async () => {
    const said: string[] = []
    const say = (line: string): void => void said.push(line)
    const report = await runOutage({ directory: clusterDirectory(), seed: 1, lastsMs: 10_000, say })
    expect({ findings: report.findings, said: report.findings.length > 0 ? said : [] }).toEqual({ findings: [], said: [] })
    expect(report.judged).toBeGreaterThan(1000)
    expect(report.counts.refused).toBeGreaterThan(0)
    // Where the system tells, each process was measured.
    if (process.platform === 'linux') expect(Math.min(...Object.values(report.memory).map(({ warm }) => warm))).toBeGreaterThan(0)
  },
)

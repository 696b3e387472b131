/** A run with Kafka and the object store down from the start of the processes to its end: reads go on, memory stays flat, and everything is caught up afterwards. */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Random } from '../bench/random.ts'
import { type Cluster, startCluster } from '../cluster/cluster.ts'
import type { Member } from '../cluster/member.ts'
import { checkEnd } from './final-check.ts'
import { Load } from './load.ts'
import type { LoadCounts } from './load-options.ts'
import { logFindings } from './logs.ts'
import { type Finding, Oracle } from './oracle.ts'
import { recovered } from './recovery.ts'
import { restart } from './restart.ts'
import { chaosPolicy } from './world.ts'

export interface OutageOptions {
  readonly directory: string
  readonly seed: number
  /** Of the part in which memory is watched. */
  readonly lastsMs: number
  readonly say: (line: string) => void
}

export interface OutageReport {
  readonly seed: number
  readonly counts: LoadCounts
  readonly judged: number
  /** Resident MiB of each process after it was warm, and the most that it had later. */
  readonly memory: Readonly<Record<string, { readonly warm: number; readonly most: number }>>
  readonly recoveredMs: number
  readonly findings: readonly Finding[]
}

const BEFORE_MS = 3000
/** Enough of the load that caches are full and code is compiled. */
const WARM_MS = 10_000
const SAMPLE_MS = 500
/** That a process may have grown after it was warm: what garbage collection leaves to chance. */
const GROWTH_MIB = 64
const RECOVERY_MS = 60_000
const settings = { ARCTOS_DELTA_INTERVAL_MS: '250', ARCTOS_SNAPSHOT_INTERVAL_MS: '2000', ARCTOS_GET_FACTS: '10000000' }

export const runOutage = async ({ directory, seed, lastsMs, say }: OutageOptions): Promise<OutageReport> => {
  const load = async (client: { savePolicy(src: string, filename: string | null): Promise<unknown> }): Promise<void> =>
    void (await client.savePolicy(chaosPolicy, 'chaos.polar'))
  const cluster = await startCluster({ directory, cells: 2, settings, load })
  try {
    return await outage(cluster, { seed, lastsMs, say })
  } finally {
    await cluster.stop()
  }
}

const outage = async (cluster: Cluster, { seed, lastsMs, say }: Omit<OutageOptions, 'directory'>): Promise<OutageReport> => {
  const findings: Finding[] = []
  const report = (finding: Finding): void => void findings.push(finding)
  const oracle = new Oracle({ boundMs: 1000, report })
  const before = startLoad(cluster, oracle, seed, report)
  await pause(BEFORE_MS)
  await before.stop()
  const members = membersOf(cluster)
  await Promise.all([cluster.kafka.kill(), cluster.s3.kill()])
  await Promise.all(members.map((member) => member.kill()))
  for (const member of members) await restart(member)
  say('Kafka and the object store are down, and every process was started without them')
  const during = startLoad(cluster, oracle, seed + 1, report)
  await pause(WARM_MS)
  const memory = await watchMemory(members, lastsMs)
  for (const [name, { warm, most }] of Object.entries(memory)) {
    say(`  ${name}: ${warm} MiB when warm, ${most} MiB at most later`)
    if (most - warm > GROWTH_MIB)
      report({ kind: 'memory-grew', detail: `${name} from ${warm} to ${most} MiB, allowed are ${GROWTH_MIB} more` })
  }
  await Promise.all([cluster.kafka.start(), cluster.s3.start()])
  const { missing, allMs } = await recovered(cluster, during, RECOVERY_MS)
  say(missing === null ? `  recovered after ${Math.round(allMs)} ms` : `  NOT RECOVERED: ${missing}`)
  if (missing !== null) report({ kind: 'not-recovered', detail: missing })
  await during.stop()
  findings.push(...(await checkEnd(targetsOf(cluster), oracle)), ...logFindings(cluster))
  return { seed, counts: during.counts, judged: oracle.judged, memory, recoveredMs: allMs, findings }
}

const membersOf = ({ cells, fallback }: Cluster): readonly Member[] => [
  ...cells.flatMap(({ replicator, runtime }) => [replicator, runtime]),
  ...(fallback === null ? [] : [fallback.member]),
]

const targetsOf = ({ cells, key }: Cluster) => cells.map(({ name, url }) => ({ name, url, key, fenceMs: null }))

const startLoad = (cluster: Cluster, oracle: Oracle, seed: number, report: (finding: Finding) => void): Load => {
  const { fallback, readOnlyKey } = cluster
  const load = new Load({
    cells: targetsOf(cluster),
    fallback: fallback === null ? null : { name: 'fallback', url: fallback.url, key: readOnlyKey, fenceMs: null },
    oracle,
    random: new Random(seed),
    names: String(seed),
    readFailed: (detail) => report({ kind: 'read-failed', detail }),
    unexpected: (detail) => report({ kind: 'unexpected-answer', detail }),
  })
  load.start()
  return load
}

const watchMemory = async (members: readonly Member[], lastsMs: number): Promise<OutageReport['memory']> => {
  const warm = new Map(members.map((member) => [member.name, residentMib(member)]))
  const most = new Map(warm)
  for (const until = performance.now() + lastsMs; performance.now() < until; ) {
    await pause(SAMPLE_MS)
    for (const member of members) most.set(member.name, Math.max(most.get(member.name) ?? 0, residentMib(member)))
  }
  return Object.fromEntries([...warm].map(([name, mib]) => [name, { warm: mib, most: most.get(name) ?? mib }]))
}

/** 0 where the system does not tell. */
const residentMib = ({ pid }: Member): number => {
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Math.round(Number(kib ?? 0) / 1024)
  } catch {
    return 0
  }
}

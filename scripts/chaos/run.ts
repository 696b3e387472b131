/** One run: a cluster under a steady load, faults one after the other, and what was found. */

import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from '../../src/base/message.ts'
import { Random } from '../bench/random.ts'
import { type Cluster, startCluster } from '../cluster/cluster.ts'
import type { Settings } from '../cluster/member.ts'
import type { Fault } from './faults.ts'
import { checkEnd } from './final-check.ts'
import { Load } from './load.ts'
import type { Target } from './load-options.ts'
import { logFindings } from './logs.ts'
import { type Finding, Oracle } from './oracle.ts'
import { recovered } from './recovery.ts'
import type { ChaosReport, Recovery } from './report.ts'
import { restart } from './restart.ts'
import type { Step } from './schedule.ts'
import { verifyObjects } from './verify.ts'
import { chaosPolicy } from './world.ts'

export interface ChaosOptions {
  /** Empty, or that of a run before. */
  readonly directory: string
  readonly seed: number
  /** Ends with the steps, or with the time. */
  readonly lastsMs: number
  readonly steps: (cluster: Cluster, random: Random) => Iterable<Step>
  readonly say: (line: string) => void
}

/** Age up to which no answer has to be flagged. */
const BOUND_MS = 1000
/** Of the fallback, which refuses rather than answer from an older state. */
const FENCE_MS = 4000
const READY_STALENESS_MS = 5000
const RECOVERY_MS = 60_000
const CALM_MS = 500

/** Often published and soon ready, so that a short run goes through what takes a day elsewhere. */
const settings: Settings = {
  ARCTOS_SNAPSHOT_RECORDS: '500',
  ARCTOS_SNAPSHOT_INTERVAL_MS: '5000',
  ARCTOS_DELTA_INTERVAL_MS: '250',
  ARCTOS_READY_STALENESS_MS: String(READY_STALENESS_MS),
  ARCTOS_GET_FACTS: '10000000',
}

export const runChaos = async ({ directory, seed, lastsMs, steps, say }: ChaosOptions): Promise<ChaosReport> => {
  const random = new Random(seed)
  const load = async (client: { savePolicy(src: string, filename: string | null): Promise<unknown> }): Promise<void> =>
    void (await client.savePolicy(chaosPolicy, 'chaos.polar'))
  const cluster = await startCluster({
    directory,
    settings,
    fallbackSettings: { ARCTOS_MAX_STALENESS_MS: String(FENCE_MS) },
    load,
    proxied: true,
  })
  const run = new Run(cluster, random, say)
  try {
    const startedMs = performance.now()
    await run.through(steps(cluster, random), startedMs + lastsMs)
    return { seed, seconds: (performance.now() - startedMs) / 1000, ...run.figures() }
  } finally {
    await run.end()
    await cluster.stop()
  }
}

class Run {
  readonly #cluster: Cluster
  readonly #random: Random
  readonly #say: (line: string) => void
  readonly #findings: Finding[] = []
  readonly #recoveries: Recovery[] = []
  readonly #oracle: Oracle
  readonly #targets: readonly Target[]
  readonly #load: Load
  #struck: readonly Fault[] = []
  #unreachable = 0

  constructor(cluster: Cluster, random: Random, say: (line: string) => void) {
    this.#cluster = cluster
    this.#random = random
    this.#say = say
    const { cells, fallback, key, readOnlyKey } = cluster
    this.#oracle = new Oracle({ boundMs: BOUND_MS, report: (finding) => this.#find(finding) })
    this.#targets = cells.map(({ name, url }) => ({ name, url, key, fenceMs: null }))
    this.#load = new Load({
      cells: this.#targets,
      fallback: fallback === null ? null : { name: 'fallback', url: fallback.url, key: readOnlyKey, fenceMs: FENCE_MS },
      oracle: this.#oracle,
      random,
      readFailed: (detail, after) => this.#readFailed(detail, after),
      unexpected: (detail) => this.#find({ kind: 'unexpected-answer', detail }),
    })
  }

  figures(): Omit<ChaosReport, 'seed' | 'seconds'> {
    return {
      counts: this.#load.counts,
      judged: this.#oracle.judged,
      unreachable: this.#unreachable,
      oldestAnswerMs: this.#oracle.oldestAnswerMs,
      recoveries: this.#recoveries,
      findings: this.#findings,
    }
  }

  async through(steps: Iterable<Step>, untilMs: number): Promise<void> {
    this.#load.start()
    await this.#recover('start')
    for (const step of steps) {
      if (performance.now() > untilMs) break
      await this.#step(step)
      await pause(CALM_MS * (0.5 + this.#random.next()))
    }
    await this.#load.stop()
    await this.#recover('end')
    this.#findings.push(...(await checkEnd(this.#targets, this.#oracle)))
    this.#findings.push(...(await verifyObjects(this.#cluster)))
    this.#findings.push(...logFindings(this.#cluster))
  }

  async end(): Promise<void> {
    await this.#load.stop()
  }

  async #step({ faults, lastsMs }: Step): Promise<void> {
    const names = faults.map(({ name, cell }) => (cell === null ? name : `${name} (${this.#cluster.cells[cell]?.name})`)).join(' + ')
    this.#say(`${names} for ${lastsMs} ms`)
    this.#struck = faults
    for (const fault of faults) await this.#try(() => fault.strike())
    await pause(lastsMs)
    for (const fault of faults) await this.#try(() => fault.heal())
    await this.#recover(faults.map(({ name }) => name).join(' + '))
    this.#struck = []
  }

  /** A process that does not start is found; the run goes on. */
  async #try(act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      this.#find({ kind: 'process-ended', detail: messageOf(error) })
    }
  }

  async #recover(fault: string): Promise<void> {
    const { missing, cellsMs, allMs } = await recovered(this.#cluster, this.#load, RECOVERY_MS)
    this.#recoveries.push({ fault, cellsMs, allMs })
    const times = `cells after ${Math.round(cellsMs)} ms, all after ${Math.round(allMs)} ms`
    this.#say(missing === null ? `  recovered: ${times}` : `  NOT RECOVERED: ${missing}`)
    if (missing !== null) this.#find({ kind: 'not-recovered', detail: `after ${fault}: ${missing}` })
    await this.#revive()
  }

  /** Nothing that was not killed may have ended. */
  async #revive(): Promise<void> {
    const { cells, fallback } = this.#cluster
    const members = [...cells.flatMap(({ replicator, runtime }) => [replicator, runtime]), ...(fallback === null ? [] : [fallback.member])]
    for (const member of members) {
      if (member.isRunning) continue
      this.#find({ kind: 'process-ended', detail: `${member.name}: ${member.output.slice(-2000)}` })
      await this.#try(() => restart(member))
    }
  }

  /** A position that only a dead cell has, while the log is dead, too, cannot be reached by anyone. */
  #readFailed(detail: string, after: { readonly cell: number } | null): void {
    const isLogDown = this.#struck.some(({ stopsLog }) => stopsLog)
    if (after !== null && isLogDown && this.#struck.some(({ cell }) => cell === after.cell)) this.#unreachable++
    else this.#find({ kind: 'read-failed', detail: `${detail} (during: ${this.#struck.map(({ name }) => name).join(', ') || 'nothing'})` })
  }

  #find(finding: Finding): void {
    this.#findings.push(finding)
    this.#say(`  FOUND ${finding.kind}: ${finding.detail}`)
  }
}

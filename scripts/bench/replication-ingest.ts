/** The whole data set through the API of one cell: how fast, how far behind, and what is left of it in memory. */
import { assert, known } from '../../src/base/assert.ts'
import { batchOf, issueOfWrites } from './ask-cell.ts'
import { memoryMiB, processorSeconds, type Replicating, type Serving, until } from './cell.ts'
import { headerOf } from './connection.ts'
import { atLeast, atMost, type Figure } from './figure.ts'
import { type GithubShape, githubFacts, githubPolicy } from './github.ts'
import { percentile } from './timing.ts'
import { batchesOf } from './world.ts'

export interface Cell {
  readonly size: string
  readonly replicator: Replicating
  readonly runtime: Serving
}

const BATCH = 1000
/** Batches on their way at once: enough that no process waits for the next. */
const AT_ONCE = 6
const LOOK_MS = 250

export interface Loading {
  readonly facts: number
  readonly seconds: number
  /** From sending a batch until every runtime of its cell has applied it. */
  readonly latenciesMs: readonly number[]
  /** Answers that came before the batch was applied here. */
  readonly unapplied: number
}

/** Saves the policy and sends every fact, in batches. */
export const loadInto = async (runtime: Serving, shape: GithubShape): Promise<Loading> => {
  const { client } = runtime
  await ready(runtime)
  await client.ask({ path: '/api/policy', body: JSON.stringify({ src: githubPolicy, filename: 'github.polar' }) })
  await client.ask(batchOf([issueOfWrites]))
  const requests = [...batchesOf(githubFacts(shape), BATCH)].map((facts) => ({ facts: facts.length, request: batchOf(facts) }))
  const latenciesMs: number[] = []
  let unapplied = 0
  let next = 0
  const sender = async (): Promise<void> => {
    for (let found = requests[next++]; found !== undefined; found = requests[next++]) {
      const startMs = performance.now()
      const answer = await client.ask(found.request)
      latenciesMs.push(performance.now() - startMs)
      if (headerOf(answer, 'Arctos-Applied') === 'false') unapplied += 1
    }
  }
  const startMs = performance.now()
  await Promise.all(Array.from({ length: AT_ONCE }, sender))
  const seconds = (performance.now() - startMs) / 1000
  return { facts: requests.reduce((sum, { facts }) => sum + facts, 0), seconds, latenciesMs, unapplied }
}

export const ready = (runtime: Serving): Promise<true> =>
  until(runtime.process, async () => {
    const answer = await runtime.client.send({ path: '/readyz', body: null }).catch(() => null)
    return answer?.status === 200 ? true : null
  })

export const ingest = async ({ size, replicator, runtime }: Cell, shape: GithubShape): Promise<Figure[]> => {
  await ready(runtime)
  const processes = { runtime: runtime.process, replicator: replicator.process }
  const before = { runtime: processorSeconds(processes.runtime), replicator: processorSeconds(processes.replicator) }
  const lag = watchLag(replicator)
  const { facts, seconds, latenciesMs, unapplied } = await loadInto(runtime, shape)
  const lagMs = await lag.end()
  const spent = {
    runtime: processorSeconds(processes.runtime) - before.runtime,
    replicator: processorSeconds(processes.replicator) - before.replicator,
  }
  const late = latenciesMs.filter((latencyMs) => latencyMs >= 1000).length + unapplied
  return [
    { name: 'facts', size, value: facts, unit: '' },
    {
      name: `ingest into a cell, batches of 1,000, ${AT_ONCE} at once`,
      size,
      value: facts / seconds,
      unit: 'facts/s',
      bar: atLeast(30_000),
    },
    { name: 'ingest: append to applied in the replicator, longest seen', size, value: lagMs, unit: 'ms', bar: atMost(1000) },
    { name: 'ingest: sent to applied in the runtime p99', size, value: percentile(latenciesMs, 0.99), unit: 'ms' },
    { name: 'ingest: batches not applied in the runtime within 1 s', size, value: late, unit: '', bar: atMost(0) },
    { name: 'ingest: by processor time of the runtime', size, value: facts / spent.runtime, unit: 'facts/s of a core' },
    { name: 'ingest: by processor time of the replicator', size, value: facts / spent.replicator, unit: 'facts/s of a core' },
    { name: 'memory of the runtime (RSS)', size, value: memoryMiB(processes.runtime), unit: 'MiB' },
    { name: 'memory of the replicator (RSS)', size, value: memoryMiB(processes.replicator), unit: 'MiB' },
  ]
}

/** Looks at the replicator's own replica, which is behind the runtimes, until it has everything. */
const watchLag = ({ client, process }: Replicating): { end(): Promise<number> } => {
  const seen = { open: true, longestMs: 0 }
  const look = async (): Promise<boolean> => {
    const { body } = await client.ask({ path: '/metrics', body: null })
    const waiting = gauge(body, 'arctos_replicator_lag_ms')
    const appliedAfter = gauge(body, 'arctos_replicator_append_to_apply_ms')
    seen.longestMs = Math.max(seen.longestMs, waiting, appliedAfter)
    return gauge(body, 'arctos_replicator_lag_records') === 0
  }
  const watching = until(process, async () => ((await look()) && !seen.open ? true : null), LOOK_MS)
  return {
    async end() {
      seen.open = false
      await watching
      return seen.longestMs
    },
  }
}

export const gauge = (metrics: string, name: string): number => {
  const found = known(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1], `the replicator tells \`${name}\``)
  const value = Number(found)
  assert(!Number.isNaN(value), `\`${name}\` is a number`)
  return value
}

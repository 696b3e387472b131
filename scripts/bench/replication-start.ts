/** Starts over the loaded data set: from spawning a process, and from the moment it takes connections, to its first right answer. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseManifest } from '../../snapshots/manifest.ts'
import { known } from '../../src/base/assert.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { answerOf, checkOf } from './ask-cell.ts'
import { memoryMiB, type Serving, type Started, until, untilAnswered } from './cell.ts'
import type { Cluster } from './cluster.ts'
import { type Answer, headerOf } from './connection.ts'
import { atMost, type Figure } from './figure.ts'
import type { GithubShape } from './github.ts'
import { othersFigure, quietHalf, type Round, round } from './others.ts'
import { checkQuestions } from './questions.ts'
import type { Reference } from './reference.ts'
import { type Cell, loadInto } from './replication-ingest.ts'
import { median } from './rounds.ts'

const ROUNDS = 9

/** A runtime alone, with its replicator there, and without it from the folder that the replicator left. */
export const runtimeFigures = async (cluster: Cluster, { size, replicator, runtime }: Cell, reference: Reference): Promise<Figure[]> => {
  await runtime.stop()
  const start = () => answering(cluster.runtime('one'), reference)
  const beside = await rounds(start)
  await replicator.stop()
  const alone = await rounds(start)
  return [
    ...startFigures(size, 'a runtime, from its replicator', beside),
    ...startFigures(size, 'a runtime without a replicator, from the local store', alone),
  ]
}

/** Replicator and runtime at once, as after a power cut, while the broker and the object store are there. */
export const cellFigures = async (cluster: Cluster, size: string, reference: Reference): Promise<Figure[]> => {
  const start = async (): Promise<Answering> => {
    const replicator = await cluster.replicator('one')
    const { started, memory, stop } = await answering(cluster.runtime('one'), reference)
    return { started, memory, stop: () => Promise.all([stop(), replicator.stop()]) }
  }
  return startFigures(size, 'a whole cell, from the local store', await rounds(start))
}

export interface LoadedWorld {
  readonly size: string
  readonly shape: GithubShape
  readonly reference: Reference
}

/** `npm start` over a data directory that was filled before. */
export const allInOneFigures = async (cluster: Cluster, { size, shape, reference }: LoadedWorld): Promise<Figure[]> => {
  const first = await cluster.allInOne('all')
  const { facts, seconds } = await loadInto(first, shape)
  const loaded = memoryMiB(first.process)
  const behind = await publishedBehind(cluster.folder('all'), first)
  await first.stop()
  const found = await rounds(() => answering(cluster.allInOne('all'), reference))
  return [
    { name: 'npm start: ingest, batches of 1,000', size, value: facts / seconds, unit: 'facts/s' },
    { name: 'npm start: loaded to published in a snapshot', size, value: behind, unit: 's' },
    { name: 'npm start: memory when loaded (RSS)', size, value: loaded, unit: 'MiB' },
    ...startFigures(size, 'npm start', found),
  ]
}

/** Seconds until the newest snapshot in the data directory holds nearly everything: what a start has to replay. */
const publishedBehind = async (folder: string, { process, client }: Serving): Promise<number> => {
  const startMs = performance.now()
  const path = join(folder, 'objects', developmentEnvironment, 'manifest.json')
  const last = revisionOf(await client.ask({ path: '/api/policy', body: null }))
  await until(process, async () => (newestOf(path) > last - REPLAYED_BATCHES ? true : null), PUBLISHED_LOOK_MS)
  return (performance.now() - startMs) / 1000
}

const REPLAYED_BATCHES = 20
const PUBLISHED_LOOK_MS = 200

const revisionOf = (answer: Answer): number =>
  Number(known(headerOf(answer, 'Arctos-Revision'), 'an answer tells its revision').split(':').at(-1))

/** Revision of the newest snapshot; -1 while there is none. */
const newestOf = (path: string): number => (existsSync(path) ? (parseManifest(readFileSync(path)).snapshots[0]?.revision ?? -1) : -1)

interface Answering {
  readonly started: Started
  readonly memory: number
  readonly stop: () => Promise<unknown>
}

const answering = async (starting: Promise<Serving>, reference: Reference): Promise<Answering> => {
  const [question] = checkQuestions(reference, 100, 5).filter(({ allowed }) => allowed)
  const asked = known(question, 'a question is allowed')
  const serving = await starting
  const started = await untilAnswered(serving, checkOf(asked), answerOf(true))
  return { started, memory: memoryMiB(serving.process), stop: () => serving.stop() }
}

const rounds = async (start: () => Promise<Answering>): Promise<readonly Round<Answering>[]> => {
  const found: Round<Answering>[] = []
  for (let number = 0; number < ROUNDS; number += 1) {
    const answered = await round(start)
    await answered.found.stop()
    found.push(answered)
  }
  return found
}

const startFigures = (size: string, what: string, found: readonly Round<Answering>[]): Figure[] => {
  const counted = quietHalf(found)
  const mid = (pick: (started: Started) => number): number => median(counted.map(({ started }) => pick(started)))
  const name = `bootstrap of ${what}`
  const up = mid(({ upMs, answeredMs }) => answeredMs - upMs)
  return [
    { name: `${name}: process up to first right answer`, size, value: up, unit: 'ms', ...(size === '1m' && { bar: atMost(1000) }) },
    { name: `${name}: spawned to first right answer`, size, value: mid(({ answeredMs }) => answeredMs), unit: 'ms' },
    { name: `${name}: memory then (RSS)`, size, value: median(counted.map(({ memory }) => memory)), unit: 'MiB' },
    othersFigure(`the ${name}`, size, found),
  ]
}

/** Random input of the parser, in a thread that is watched: an input that never ends is named by its seed. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { parseWorld } from '../../test/support/world.ts'

/** What the thread is given: `place` holds the seed it is at. */
export interface ParserRun {
  readonly first: number
  readonly count: number
  readonly policies: readonly string[]
  readonly place: Int32Array<SharedArrayBuffer>
}

const LOOK_MS = 1000
/** Looks at one and the same input before it is taken for one that never ends. */
const MAX_LOOKS = 30
/** Failures that are printed. */
const SHOWN = 20

/** True when no input failed. */
export const fuzzParser = async (first: number, count: number): Promise<boolean> => {
  const place = new Int32Array(new SharedArrayBuffer(4))
  const run: ParserRun = { first, count, policies: corpus(), place }
  const worker = new Worker(new URL('parser-worker.ts', import.meta.url), { workerData: run })
  const state = { failures: 0, isDone: false }
  const fail = (line: string): void => {
    state.failures++
    if (state.failures <= SHOWN) console.log(line)
  }
  worker.on('message', (line: string | null) => {
    if (line === null) state.isDone = true
    else fail(line)
  })
  worker.on('error', (error) => {
    state.isDone = true
    fail(`seed ${first + Atomics.load(place, 0)}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  })
  for (let before = -1, looks = 0; !state.isDone && looks < MAX_LOOKS; await sleep(LOOK_MS)) {
    const now = Atomics.load(place, 0)
    looks = now === before ? looks + 1 : 0
    before = now
  }
  await worker.terminate()
  if (!state.isDone) fail(`seed ${first + Atomics.load(place, 0)} does not end`)
  console.log(JSON.stringify({ inputs: count, ...state }))
  return state.failures === 0
}

/** The policies of every world. */
const corpus = (): string[] => {
  const folder = new URL('../../test/corpus/', import.meta.url)
  const names = readdirSync(folder).filter((name) => name.endsWith('.world'))
  return names.sort().map((name) => parseWorld(name, readFileSync(new URL(name, folder), 'utf8')).policy)
}

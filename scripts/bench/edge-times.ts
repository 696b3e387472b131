/** How long a Worker takes until it decides, and how long a swap keeps requests waiting. */
import { setTimeout as delay } from 'node:timers/promises'
import { assert, at } from '../../src/base/assert.ts'
import { answerOf, checkOf, grants } from './ask-cell.ts'
import { headerOf } from './connection.ts'
import type { EdgeWorld } from './edge.ts'
import { insertsOf, writeRecord } from './edge-images.ts'
import { atMost, type Figure } from './figure.ts'
import { othersFigure, quietHalf, type Round, round } from './others.ts'
import { paced } from './pace.ts'
import { checkQuestions } from './questions.ts'
import { median } from './rounds.ts'
import { type RunningWorker, startWorkerd } from './workerd.ts'

const STARTS = 11
const QUESTIONS = 500

export const startFigures = async (world: EdgeWorld): Promise<Figure[]> => {
  const { size, answers } = world
  const question = at(checkQuestions(answers, 1, 21), 0)
  const starts: Round<{ readonly aliveMs: number; readonly decidedMs: number }>[] = []
  for (let start = 0; start <= STARTS; start += 1) {
    const found = await round(async () => ({
      aliveMs: await started(world, (worker) => worker.untilAnswered({ path: '/livez', body: null }, '{"message":"alive"}')),
      decidedMs: await started(world, (worker) => worker.untilAnswered(checkOf(question), answerOf(question.allowed))),
    }))
    // The first one warms up the files.
    if (start > 0) starts.push(found)
  }
  const quiet = quietHalf(starts)
  return [
    {
      name: 'workerd: process start to first answer, nothing loaded',
      size: '',
      value: median(quiet.map(({ aliveMs }) => aliveMs)),
      unit: 'ms',
    },
    {
      name: 'workerd: process start to first decision',
      size,
      value: median(quiet.map(({ decidedMs }) => decidedMs)),
      unit: 'ms',
      bar: atMost(200),
    },
    othersFigure('the starts of workerd', size, starts),
  ]
}

const started = async (world: EdgeWorld, measure: (worker: RunningWorker) => Promise<number>): Promise<number> => {
  const worker = await startWorkerd(world)
  try {
    return await measure(worker)
  } finally {
    await worker.stop()
  }
}

const SWAPS = 11
const READS_PER_SECOND = 300
const LOOK_MS = 5
const ROUND_MS = 500
const LONGEST_SWAP_MS = 60_000

export const swapFigures = async (world: EdgeWorld): Promise<Figure[]> => {
  const worker = await startWorkerd({ ...world, settings: { ...world.settings, ARCTOS_REFRESH_MS: '50' } })
  try {
    const swaps: Round<Swap>[] = []
    for (let number = 0; number <= SWAPS; number += 1) {
      const found = await round(() => swap(world, worker, number))
      if (number > 0) swaps.push(found)
    }
    return swapFiguresOf(world.size, swaps)
  } finally {
    await worker.stop()
  }
}

/** Longest answers, in ms. */
interface Swap {
  readonly without: number
  readonly during: number
}

/** The next state is uploaded before anybody measures. */
const swap = async ({ images, loaded, answers }: EdgeWorld, worker: RunningWorker, number: number): Promise<Swap> => {
  const questions = checkQuestions(answers, QUESTIONS, 31 + number)
  const state = { revision: 0 }
  const read = async (index: number): Promise<number> => {
    const { allowed, ...question } = at(questions, index % QUESTIONS)
    const startMs = performance.now()
    const answer = await worker.client.ask(checkOf(question))
    assert(answer.body === answerOf(allowed), 'decisions stay right')
    state.revision = Math.max(state.revision, Number(headerOf(answer, 'arctos-revision')?.split(':').at(-1)))
    return performance.now() - startMs
  }
  const { store } = loaded
  writeRecord(store, store.revision() + 1, insertsOf(grants(`swap_${number}`, 1)))
  const entry = await images.upload(store)
  await worker.untilAnswered({ path: '/livez', body: null }, '{"message":"alive"}')
  const without = await paced({ perSecond: READS_PER_SECOND, goesOn: (_, elapsedMs) => elapsedMs < ROUND_MS, send: read })
  const shown = images.show(entry)
  const isOver = (elapsedMs: number): boolean => state.revision >= entry.revision || elapsedMs > LONGEST_SWAP_MS
  const during = await paced({ perSecond: READS_PER_SECOND, goesOn: (_, elapsedMs) => !isOver(elapsedMs), send: read })
  await shown
  assert(state.revision === entry.revision, 'it was swapped')
  await delay(LOOK_MS)
  return { without: Math.max(...without), during: Math.max(...during) }
}

export const swapFiguresOf = (size: string, swaps: readonly Round<Swap>[]): Figure[] => {
  const quiet = quietHalf(swaps)
  const longest = Math.max(...swaps.map(({ found }) => found.during))
  return [
    { name: 'longest request of half a second without a swap', size, value: median(quiet.map(({ without }) => without)), unit: 'ms' },
    {
      name: 'swap in a Worker: longest pause of a request',
      size,
      value: median(quiet.map(({ during }) => during)),
      unit: 'ms',
      bar: atMost(100),
    },
    { name: 'swap in a Worker: longest pause in any round', size, value: longest, unit: 'ms' },
    othersFigure('the swaps of workerd', size, swaps),
  ]
}
